"""`contact export` and `contact erase`: what is known about a person, for them to have or to be gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from substrack.bootstrap import Runtime
from substrack.channels.mailbox import MailboxChannel
from substrack.cli.desk import Desk, at_desk
from substrack.cli.members import contacts
from substrack.cli.output import is_asked, note, show
from substrack.cli.params import dry_run_flag, json_flag
from substrack.domain.actors import OPERATOR
from substrack.domain.errors import Refused
from substrack.files import keep_whole
from substrack.queries.erasing import Standing, load_standing
from substrack.queries.people import find_contact
from substrack.queries.personal_export import PersonalData, load_personal_data
from substrack.services.erasing import erase_contact
from substrack.services.handing_out import note_handed_out
from substrack.texts.personal import data_archive
from substrack.upkeep.erasures import try_to_keep_erasures

__all__ = ["contacts"]


class NotWritten(Refused):
    """The file can't be written where it was wanted."""

    field = "output"

    def __init__(self, cause: str) -> None:
        super().__init__(f"The file can't be written: {cause}.")


class Unsettled(Refused):
    """There is something open with this person, which erasing them would decide."""

    field = "anyway"

    def __init__(self, standing: Standing) -> None:
        said = ", ".join(standing_words(standing))
        super().__init__(
            f"This person is not settled: {said}. Settle it first, or see with --dry-run what would be "
            "done. If they are erased anyway, what is open is forgiven, credit "
            "stays in the books as it is, and groups that pay them are archived."
        )


class NobodyAsked(Refused):
    """Erasing is for good, and nobody is there to say that it is meant."""

    def __init__(self) -> None:
        super().__init__(
            "Erasing is for good, and nobody can be asked here: give --yes, or see with --dry-run what would "
            "be done."
        )


@contacts.command("export")
@at_desk
@click.argument("contact_id")
@click.option(
    "--output", type=click.Path(path_type=Path), help="A ZIP file, with the proofs they sent beside the data."
)
@json_flag
def export(desk: Desk, *, contact_id: str, output: Path | None, as_json: bool) -> None:
    """Print all that is known about a person as JSON, or write it into a file together with their proofs."""
    with desk.reading() as session:
        key = find_contact(session, desk.workspace_id, contact_id)
    if output is not None:
        show(_write_export(desk, key, output), as_json=as_json)
        return
    _note_export(desk, key)
    data = _load(desk, key)
    show(data.as_dict(desk.now), as_json=True)
    if data.files and not as_json:
        note("They have sent proofs as well; --output FILE writes a ZIP with them.")


def _write_export(desk: Desk, contact_id: int, path: Path) -> dict[str, Any]:
    """Write the file and then note it: the journal lists what left the house, and no file is left unnoted."""
    data = _load(desk, contact_id)
    try:
        keep_whole(path.absolute(), data_archive(data.as_dict(desk.now), data.files))
    except OSError as error:
        raise NotWritten(str(error.strerror)) from None
    try:
        _note_export(desk, contact_id)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return {"path": str(path), "rows": sum(map(len, data.tables.values())), "proofs": len(data.files)}


def _note_export(desk: Desk, contact_id: int) -> None:
    with desk.writing() as session:
        note_handed_out(session, contact_id, by=OPERATOR, now=desk.now)


def _load(desk: Desk, contact_id: int) -> PersonalData:
    with desk.reading() as session:
        return load_personal_data(session, contact_id)


@contacts.command("erase")
@at_desk
@click.argument("contact_id")
@click.option(
    "--anyway", is_flag=True, help="Forgive what is open with them, and archive groups that pay them."
)
@click.option("--yes", is_flag=True, help="Ask nothing; needed where nobody can be asked.")
@dry_run_flag
@json_flag
def erase(desk: Desk, *, contact_id: str, anyway: bool, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Erase a person for good: names, addresses and words go, the books stay."""
    with desk.reading() as session:
        key = find_contact(session, desk.workspace_id, contact_id)
        standing = load_standing(session, key)
    if not (standing.is_settled or anyway or dry_run):
        raise Unsettled(standing)
    if not (dry_run or yes):
        if not is_asked():
            raise NobodyAsked
        click.confirm(f"Erase {contact_id} for good?", default=False, abort=True, err=True)
    with desk.writing(dry_run=dry_run) as session:
        erased = erase_contact(session, key, anyway=anyway or dry_run, by=OPERATOR, now=desk.now)
        if not dry_run:
            MailboxChannel(desk.runtime.mail_dir).remove(erased.files)
    facts = {"id": contact_id, "name": erased.name, "forgiven": erased.forgiven, "erased": not dry_run}
    if not dry_run:
        desk.runtime.empty_log()
        facts["noted"] = keep_noted(desk.runtime)
    else:
        facts |= {"open": standing_words(standing), "needs_anyway": not standing.is_settled}
    show(facts, as_json=as_json)
    if not as_json and not dry_run:
        note(
            "Backups made before still hold this person. "
            "By erasures.jsonl beside them a restore erases them again."
        )


def standing_words(standing: Standing) -> list[str]:
    """Name what is open with a person, and nothing of which there is none."""
    counts = (
        (standing.open, "open payment of theirs", "open payments of theirs"),
        (standing.claims, "of them to check", "of them to check"),
        (standing.owed_to, "payment owed to them", "payments owed to them"),
        (len(standing.credit), "sum of credit", "sums of credit"),
        (len(standing.groups), "group that pays them", "groups that pay them"),
    )
    return [f"{count} {one if count == 1 else many}" for count, one, many in counts if count]


def keep_noted(runtime: Runtime) -> bool:
    """Note all erasures beside the backups; False when that is not possible, and the log says why."""
    with runtime.reading() as session:
        return try_to_keep_erasures(session, runtime.settings)
