"""Whoever saves settings is in nobody's way, and nobody is in theirs."""

import pytest
from sqlalchemy import text

from substrack.services.locks import lock_contacts
from substrack.services.people import write_note
from substrack.services.workspaces import edit_workspace
from tests.races.conftest import NOW, Race


@pytest.mark.only_postgresql
def test_settings_that_are_being_saved_hold_up_nobody_who_holds_a_person(race: Race) -> None:
    runtime, olga, ben_id = race.cast.runtime, race.cast.olga, race.ben.contact_id
    with runtime.transaction() as saving, runtime.transaction() as writing:
        lock_contacts(writing, [ben_id])
        edit_workspace(
            saving, race.cast.workspace_id, name="New", language="en", time_zone="UTC", by=olga, now=NOW
        )
        writing.execute(text("SET LOCAL lock_timeout = '1s'"))
        write_note(writing, ben_id, "Pays late.", by=olga, now=NOW)
