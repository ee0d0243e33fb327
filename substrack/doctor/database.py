"""The database: whether it answers, keeps what it acknowledges, is whole, and adds up."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DBAPIError

from substrack.bootstrap import (
    DatabaseTrouble,
    Trouble,
    find_move,
    find_revision,
    known_revisions,
    newest_revision,
)
from substrack.doctor.patient import QUERY_SECONDS, Patient
from substrack.doctor.verdicts import Verdict, ok, unknown, warning, wrong
from substrack.domain.money import Money
from substrack.queries.soundness import (
    ledger_differences,
    load_durability,
    load_server_version,
    lost_references,
    quick_check,
)

SQLITE_WANTED: Final = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
"""`synchronous` 2 is FULL (sqlite.org/pragma.html)."""

POSTGRESQL_WANTED: Final = {"fsync": "on", "full_page_writes": "on"}
OLDEST_POSTGRESQL: Final = 14
MIGRATE: Final = "Run: python -m substrack migrate"


def database(patient: Patient) -> Verdict:
    """Ask the database anything at all."""
    if patient.is_missing:
        return wrong(
            f"{patient.database_file} is not there.", f"{MIGRATE} (or correct SUBSTRACK_DATABASE_URL)"
        )
    try:
        with patient.reading() as session:
            name = load_server_version(session)
    except DatabaseTrouble as trouble:
        return trouble_of(trouble)
    except DBAPIError as error:
        return wrong(f"It can't be used: {_cause(error)}.", "Check SUBSTRACK_DATABASE_URL.")
    if name.startswith("PostgreSQL") and int(name.split()[1].split(".")[0]) < OLDEST_POSTGRESQL:
        return warning(f"{name} answers, which gets no more corrections.", "Upgrade PostgreSQL.")
    return ok(f"{name} answers.")


def trouble_of(trouble: DatabaseTrouble) -> Verdict:
    """Say what is the matter, and advise a restore only where something is broken."""
    said = _cause(trouble)
    if trouble.why is Trouble.BUSY:
        return wrong(
            f"It is locked by another process: {said}.",
            "Look who holds it (`fuser` on SQLite's file, `pg_stat_activity`) and end that.",
        )
    if trouble.why is Trouble.FULL:
        return wrong(f"It is full: {said}.", "Make room on its disk.")
    if trouble.why is Trouble.AWAY:
        return wrong(
            f"It can't be reached: {said}.",
            "Start the server, and check host, user and password in SUBSTRACK_DATABASE_URL.",
        )
    if trouble.is_closed_to_us:
        return wrong(f"It can't be written: {said}.", "See the check of files.")
    return wrong(
        f"It is broken: {said}.", "Keep a copy of it as it is, and restore the last backup (`restore`)."
    )


def _cause(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def migrations(patient: Patient) -> Verdict:
    """Compare the tables' version with the program's."""
    with patient.engine.connect() as connection:
        found, gone = find_revision(connection), find_move(connection)
    if gone is not None:
        return wrong(f"The books were moved to {gone}.", "Set SUBSTRACK_DATABASE_URL to it, and start again.")
    if found is None:
        return wrong("There are no tables yet.", MIGRATE)
    if found == newest_revision():
        return ok(f"The tables are of this version ({found}).")
    if found not in known_revisions():
        return wrong(
            f"The tables are of a newer version ({found}; this one knows {newest_revision()}).",
            "Start the newer SubsTrack, or restore the backup made before the upgrade.",
        )
    return wrong(f"The tables are of an older version ({found}, not {newest_revision()}).", MIGRATE)


def durability(patient: Patient) -> Verdict:
    """Read back, from a connection like those that write, what decides whether a power cut loses anything."""
    with patient.reading() as session:
        found = load_durability(session)
    return durability_of(found, is_sqlite=patient.database_file is not None)


def durability_of(found: dict[str, str], *, is_sqlite: bool) -> Verdict:
    """Judge the settings of a database by what we need of it."""
    told = ", ".join(f"{name}={value}" for name, value in found.items())
    wanted = SQLITE_WANTED if is_sqlite else POSTGRESQL_WANTED
    off = [name for name, value in wanted.items() if found.get(name) != value]
    if found.get("synchronous_commit") == "off":
        off.append("synchronous_commit")
    if not off:
        return ok(f"What is acknowledged is on the disk: {told}.")
    advice = (
        "Move the file to a local disk: file systems of a network know no write-ahead log."
        if is_sqlite
        else f"Turn on in postgresql.conf and reload: {', '.join(off)}."
    )
    return wrong(f"A power cut may lose what was acknowledged: {told}.", advice)


def integrity(patient: Patient) -> Verdict:
    """Let SQLite look through its file, as far as it gets in seconds; PostgreSQL checks as it reads."""
    if patient.database_file is None:
        return unknown("PostgreSQL looks at its pages as it reads them; pg_amcheck looks at all of them.")
    try:
        with patient.reading() as session:
            faults = quick_check(session)
            lost = lost_references(session)
    except DatabaseTrouble as trouble:
        if trouble.why is Trouble.BUSY:
            by_hand = f'sqlite3 {patient.database_file} "PRAGMA quick_check"'
            return unknown(f"Looking through it takes longer than {QUERY_SECONDS:g} s.", f"Run: {by_hand}")
        return trouble_of(trouble)
    if faults:
        return wrong(
            f"The file is damaged: {faults[0]}.",
            "Keep a copy of it, and restore the last backup (`restore`).",
        )
    if lost:
        return wrong(
            f"Rows refer to nothing (in {', '.join(lost)}): somebody wrote with foreign keys turned off.",
            "Restore the last backup, or put those rows right by hand.",
        )
    return ok("SQLite's file is whole, and all rows refer to something.")


def ledger(patient: Patient) -> Verdict:
    """Compare the great sums of the ledger by currency; which rows are off, `doctor --data` finds."""
    try:
        with patient.reading() as session:
            apart = ledger_differences(session)
    except DatabaseTrouble as trouble:
        if trouble.why is not Trouble.BUSY:
            return trouble_of(trouble)
        return unknown(f"Adding it up takes longer than {QUERY_SECONDS:g} s.", "Run: doctor --data")
    if not apart:
        return ok("Receipts, payments and periods add up in every currency.")
    told = "; ".join(
        f"{what}: {Money(ours, currency).major()} and {Money(theirs, currency).major()} {currency}"
        for what, currency, ours, theirs in apart
    )
    return wrong(f"It does not add up ({told}).", "Run: python -m substrack doctor --data")
