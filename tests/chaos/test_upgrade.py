"""An upgrade loses nothing: each former state comes to this version whole, or stays as it was."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from substrack.bootstrap import ROOT, make_runtime, migrate
from substrack.settings import Settings
from substrack.store import schema
from substrack.worker.ticking import tick
from tests.chaos.figures import record
from tests.chaos.scale import mostly_on, sized
from tests.support.books import check_books
from tests.support.databases import Databases, Kind
from tests.upgrades.living import UNTIL
from tests.upgrades.states import load_state, lost_since, reading_engine, schema_of, states

PROMISE = "an upgrade loses nothing"
STATES = states()
TRIED = [STATES[number] for number in sized(short=(0,), full=tuple(range(len(STATES))))]
REVISIONS = f"the books of {len(TRIED)} former revisions, {TRIED[0].stem} to {TRIED[-1].stem}"

UPGRADING = """
from pathlib import Path
from substrack.bootstrap import migrate
from substrack.store import schema
schema.ROOT = Path({root!r})
migrate({url!r})
"""

BREAKING = '''
"""A migration that was not thought through."""

from alembic import op

revision = "9999"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("ALTER TABLE payments ADD COLUMN marked INTEGER")
    op.execute("UPDATE payments SET requests_sent = requests_sent + 1")
    {end}
'''


@dataclass
class Upgraded:
    """What was upgraded on one database, and in how many things it differed afterwards."""

    states: int = 0
    rows: int = 0
    differences: int = 0


@pytest.fixture(scope="module")
def upgraded() -> Iterator[dict[Kind, Upgraded]]:
    """Gather what all upgrades on a database came to, for one figure."""
    gathered: dict[Kind, Upgraded] = {}
    yield gathered
    for kind, sums in gathered.items():
        found = f"{sums.differences} differences in {sums.rows:,} rows and all sums"
        if sums.states == len(TRIED):
            record(PROMISE, f"{REVISIONS}, on {kind}", found)


@pytest.mark.parametrize("state", TRIED, ids=lambda path: path.stem)
def test_each_state_comes_to_this_version_whole(
    databases: Databases,
    database_kind: Kind,
    state: Path,
    tmp_path: Path,
    upgraded: dict[Kind, Upgraded],
) -> None:
    with databases.lend(database_kind, migrated=False) as url:
        before = load_state(state, url)
        migrate(url)

        lost = lost_since(before, url)
        sums = upgraded.setdefault(database_kind, Upgraded())
        sums.states += 1
        sums.rows += sum(before.rows.values())
        sums.differences += len(lost)
        assert lost == []
        with databases.lend(database_kind) as fresh:
            assert schema_of(url) == schema_of(fresh)
        works(url, tmp_path)


@mostly_on("postgresql")
@pytest.mark.parametrize(
    "end",
    [
        'op.execute("DELETE FROM events WHERE id = 1")',
        "op.execute(\"UPDATE payments SET amount_minor = amount_minor + 1 WHERE status = 'pending'\")",
    ],
    ids=["a row", "a cent"],
)
def test_what_a_migration_would_lose_is_caught(
    databases: Databases, database_kind: Kind, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with databases.lend(database_kind, migrated=False) as url:
        before = load_state(STATES[-1], url)
        monkeypatch.setattr(schema, "ROOT", with_another_migration(tmp_path, end))
        migrate(url)

        assert lost_since(before, url) != []


@mostly_on("sqlite")
@pytest.mark.parametrize("end", ["raise ValueError", "import os; os._exit(9)"], ids=["fails", "dies"])
def test_an_upgrade_that_ends_half_way_leaves_everything_as_it_was(
    databases: Databases, database_kind: Kind, end: str, tmp_path: Path
) -> None:
    with databases.lend(database_kind, migrated=False) as url:
        before = load_state(STATES[-1], url)
        root = with_another_migration(tmp_path, end)
        program = UPGRADING.format(root=str(root), url=url)
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
        assert ended.returncode != 0

        lost = lost_since(before, url)
        columns = [line for line in schema_of(url) if "marked" in line]
        how = {"raise ValueError": "fails", "import os; os._exit(9)": "dies"}[end]
        changed = len(lost) + len(columns)
        record(PROMISE, f"an upgrade that {how} half-way, on {database_kind}", f"{changed} things changed")
        assert lost == columns == []
        with reading_engine(url) as engine, engine.connect() as connection:
            assert schema.find_revision(connection) == before.revision


def with_another_migration(directory: Path, end: str) -> Path:
    """Copy the migrations and add one; return what stands for the root of the program."""
    versions = directory / "migrations" / "versions"
    shutil.copytree(ROOT / "migrations", directory / "migrations")
    text = BREAKING.format(before=schema.newest_revision(), end=end)
    (versions / "9999_not_thought_through.py").write_text(text)
    return directory


def works(url: str, data_dir: Path) -> None:
    """Start a process on the database, look at the books, and let time go on."""
    runtime = make_runtime(Settings(database_url=url, data_dir=data_dir, base_url="http://127.0.0.1:8000"))
    try:
        for _ in range(2):
            with runtime.reading() as session:
                check_books(session)
            tick(runtime, now=UNTIL)
    finally:
        runtime.close()
