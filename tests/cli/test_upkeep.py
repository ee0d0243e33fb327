"""`backup`, `restore`, `migrate` and `hold` as an operator types them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.cli.conftest import House
from tests.support.databases import Databases, Kind

OPENED = "2026-01-31T10:30:00+01:00"
ASKED = "2026-02-04T10:00:00+01:00"
LOST = "2026-02-04T18:00:00+01:00"


@pytest.fixture
def elsewhere(databases: Databases, database_kind: Kind, tmp_path: Path) -> Iterator[House]:
    """Give a host on which SubsTrack was never started."""
    with databases.lend(database_kind, migrated=False) as url:
        yield House({"SUBSTRACK_DATABASE_URL": url, "SUBSTRACK_DATA_DIR": str(tmp_path / "elsewhere")})


def test_a_house_moves_and_nothing_is_said_twice(house: House, elsewhere: House, tmp_path: Path) -> None:
    house.join(house.group(), "Ann")
    house.do("tick", now=OPENED)
    house.do("tick", now=ASKED)
    made = house.do("backup", "--to", str(tmp_path / "stick"), now=ASKED)
    assert house.do("deliver", now=ASKED)["sent"] == 1
    key = str(tmp_path / "secret-key")

    assert "--key FILE" in elsewhere.refused("restore", made["path"], now=LOST)
    restored = elsewhere.do("restore", made["path"], "--key", key, now=LOST)
    assert (restored["payments"], restored["may_have_gone_out"]) == (made["payments"], 1)
    assert restored["ledger"] == made["ledger"]
    assert not restored["has_erasures"]
    assert elsewhere.do("deliver", now=LOST)["sent"] == 0

    shown = elsewhere.do("hold", "show", now=LOST)
    assert (shown["on_hold"], shown["may_have_gone_out"]) == (True, 1)
    assert [(one["to"], one["state"]) for one in shown["messages"]] == [("Ann", "queued")]
    assert elsewhere.refused("hold", "release", now=LOST).startswith("--waiting: Messages may have gone out")
    assert elsewhere.do("hold", "release", "--waiting", "cancel", now=LOST)["released"]
    elsewhere.do("tick", now=LOST)
    assert elsewhere.do("deliver", now=LOST)["sent"] == 0
    assert elsewhere.do("payment", "list", now=LOST) == house.do("payment", "list", now=LOST)


@pytest.mark.only_sqlite
def test_people_read_what_waits_and_what_to_type(house: House, elsewhere: House, tmp_path: Path) -> None:
    house.join(house.group(), "Ann")
    house.do("tick", now=OPENED)
    house.do("tick", now=ASKED)
    said = house.run("backup", now=ASKED)
    (path,) = (tmp_path / "backups").iterdir()
    assert str(path) in said.stdout
    assert "EUR       payments: amount" in said.stdout
    assert "17.99" in said.stdout
    assert f"It is {tmp_path / 'secret-key'}" in said.stderr

    key = str(tmp_path / "secret-key")
    tried = elsewhere.run("restore", str(path), "--key", key, "--dry-run", now=LOST).stdout
    assert tried.endswith("It can be restored here; nothing was changed.\n")
    assert not Path(elsewhere.env["SUBSTRACK_DATA_DIR"]).exists()
    assert "on hold" in elsewhere.run("restore", str(path), "--key", key, now=LOST).stdout
    shown = elsewhere.run("hold", "show", now=LOST)
    assert "Ann" in shown.stdout
    assert "`hold release --waiting cancel`" in shown.stderr


@pytest.mark.only_sqlite
def test_an_older_program_refuses_a_newer_database(house: House) -> None:
    engine = sa.create_engine(house.env["SUBSTRACK_DATABASE_URL"])
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()

    for command in ("migrate", "tick"):
        assert "made by a newer SubsTrack (revision 9999;" in house.refused(command)
