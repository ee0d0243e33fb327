"""The whole examination: every check once, those that wait for others outside side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from substrack.bootstrap import DatabaseTrouble, Trouble, wall_clock
from substrack.doctor import database, machine, mail_domain, operation, outreach
from substrack.doctor.patient import Outside, Patient, looking_engine
from substrack.doctor.verdicts import State, Verdict, as_sentence, unknown, wrong
from substrack.settings import WrongSetting, load_settings

TOTAL_SECONDS: Final = 30.0
"""After this nothing more is begun or waited for; what is under way in the database ends within seconds."""

WHERE_SETTINGS_STAND: Final = (
    "Correct it where it was set: in the environment of this command or service, or in the file that fills "
    "it (.env for `make run`)."
)


class Needs(IntEnum):
    """What a check can't do without."""

    SETTINGS = 0
    DATABASE = 1
    TABLES = 2


@dataclass(frozen=True)
class Check:
    """One check by its name; `waits` for others outside, and so is made beside the rest."""

    name: str
    look: Callable[[Patient], Verdict]
    needs: Needs = Needs.SETTINGS
    waits: bool = False


@dataclass(frozen=True)
class Finding:
    """What one check says."""

    check: str
    verdict: Verdict

    def as_dict(self) -> dict[str, str]:
        """Put it as programs read it."""
        said = self.verdict
        return {"check": self.check, "state": said.state.value, "found": said.found, "advice": said.advice}


CHECKS: Final = (
    Check("settings", machine.settings),
    Check("files", machine.files),
    Check("disk", machine.disk),
    Check("time zones", machine.time_zones),
    Check("database", database.database),
    Check("durability", database.durability, Needs.DATABASE),
    Check("integrity", database.integrity, Needs.DATABASE),
    Check("migrations", database.migrations, Needs.DATABASE),
    Check("secret key", machine.secret_key, Needs.TABLES),
    Check("zones in use", machine.zones, Needs.TABLES),
    Check("clock", machine.clock, Needs.TABLES),
    Check("worker", operation.worker, Needs.TABLES),
    Check("hold", operation.hold, Needs.TABLES),
    Check("messages", operation.messages, Needs.TABLES),
    Check("openings", operation.openings, Needs.TABLES),
    Check("backup", operation.backup, Needs.TABLES),
    Check("ledger", database.ledger, Needs.TABLES),
    Check("address", outreach.address, waits=True),
    Check("mail", outreach.mail, waits=True),
    Check("SPF", mail_domain.spf, waits=True),
    Check("DKIM", mail_domain.dkim, waits=True),
    Check("DMARC", mail_domain.dmarc, waits=True),
    Check("Telegram", outreach.telegram, waits=True),
    Check("webhook", outreach.webhook, Needs.TABLES, waits=True),
)


def examine(
    environ: Mapping[str, str],
    *,
    now: datetime | None = None,
    outside: Outside | None = None,
    dkim_selector: str | None = None,
    total_seconds: float = TOTAL_SECONDS,
) -> list[Finding]:
    """Make all checks and return what each says, in their order. Changes nothing; raises nothing."""
    until = time.monotonic() + total_seconds
    try:
        settings = load_settings(environ)
        at = now or settings.now or wall_clock()
        world = outside or Outside()
        engine = looking_engine(settings, world.lock_seconds)
        patient = Patient(settings, engine, at, world, dkim_selector)
    except WrongSetting as error:
        first = Finding(
            CHECKS[0].name,
            wrong(as_sentence(str(error)), WHERE_SETTINGS_STAND),
        )
        return [first, Finding("all else", unknown("Nothing else can be looked at without settings."))]
    try:
        return _examine(patient, until)
    finally:
        patient.close()


def _examine(patient: Patient, until: float) -> list[Finding]:
    said: dict[str, Verdict] = {}
    outward = [one for one in CHECKS if one.waits]
    threads = [_aside(patient, one, said) for one in outward if one.needs is Needs.SETTINGS]
    reached = _look_inside(patient, said, until)
    threads += _beside(patient, [one for one in outward if one.needs is not Needs.SETTINGS], reached, said)
    _wait(threads, until)
    late = unknown("There was no time left for it.", "See what took so long: the database, or an address.")
    return [Finding(one.name, said.get(one.name, late)) for one in CHECKS]


def _look_inside(patient: Patient, said: dict[str, Verdict], until: float) -> Needs:
    """Make the checks of machine and database one after the other; return how far the database goes."""
    reached = Needs.SETTINGS
    for check in CHECKS:
        if check.waits or time.monotonic() > until:
            continue
        said[check.name] = _look(patient, check, reached)
        if check.name == "database" and said[check.name].state in (State.OK, State.WARNING):
            reached = Needs.DATABASE
        if check.name == "migrations" and said[check.name].state is State.OK:
            reached = Needs.TABLES
    return reached


def _beside(
    patient: Patient, checks: Sequence[Check], reached: Needs, said: dict[str, Verdict]
) -> list[threading.Thread]:
    return [_aside(patient, one, said, reached) for one in checks]


def _aside(
    patient: Patient, check: Check, said: dict[str, Verdict], reached: Needs = Needs.SETTINGS
) -> threading.Thread:
    """Make a check in a thread of its own, which nobody waits for at the end."""

    def look() -> None:
        said[check.name] = _look(patient, check, reached)

    thread = threading.Thread(target=look, name=f"doctor {check.name}", daemon=True)
    thread.start()
    return thread


def _look(patient: Patient, check: Check, reached: Needs) -> Verdict:
    if check.needs > reached:
        lacking = "tables of this version" if reached is Needs.DATABASE else "a database"
        return unknown(f"It needs {lacking}.")
    try:
        return check.look(patient)
    except SQLAlchemyError as error:
        if isinstance(error, DatabaseTrouble) and error.why is Trouble.BUSY:
            return unknown("The database gave no answer in time.", "Look again when it has less to do.")
        said = str(getattr(error, "orig", error)).strip().splitlines()
        return wrong(
            f"The database refused: {said[0] if said else type(error).__name__}.",
            "See the check of the database.",
        )
    except Exception as error:  # a check that breaks must not keep the others from being made
        return wrong(f"The check itself broke ({type(error).__name__}).", "Please report that.")


def _wait(threads: Sequence[threading.Thread], until: float) -> None:
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
