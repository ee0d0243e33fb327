"""`contact export`: what is known about a person, for them to have."""

from __future__ import annotations

from pathlib import Path

import click

from substrack.cli.desk import Desk, at_desk
from substrack.cli.members import contacts
from substrack.cli.output import note, show
from substrack.cli.params import json_flag
from substrack.domain.errors import Refused
from substrack.files import keep_whole
from substrack.queries.people import find_contact
from substrack.queries.personal_export import load_personal_data
from substrack.texts.personal import data_archive

__all__ = ["contacts"]


class NotWritten(Refused):
    """The file can't be written where it was wanted."""

    field = "output"

    def __init__(self, cause: str) -> None:
        super().__init__(f"The file can't be written: {cause}.")


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
        data = load_personal_data(session, find_contact(session, desk.workspace_id, contact_id))
    everything = data.as_dict(desk.now)
    if output is None:
        show(everything, as_json=True)
        if data.files and not as_json:
            note("They have sent proofs as well; --output FILE writes a ZIP with them.")
        return
    try:
        keep_whole(output.absolute(), data_archive(everything, data.files))
    except OSError as error:
        raise NotWritten(str(error.strerror)) from None
    rows = sum(map(len, data.tables.values()))
    show({"path": str(output), "rows": rows, "proofs": len(data.files)}, as_json=as_json)
