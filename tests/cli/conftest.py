"""A command line with a house of its own."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from substrack.cli import substrack

START = "2026-01-20T10:00:00+01:00"


@dataclass
class House:
    """Runs commands against one database."""

    env: dict[str, str]

    def run(self, *arguments: str, now: str | None = START, stdin: str | bytes = "") -> Result:
        """Run a command and return how it ended."""
        clock = () if now is None else ("--now", now)
        return CliRunner().invoke(substrack, [*arguments, *clock], env=self.env, input=stdin)

    def do(self, *arguments: str, now: str | None = START, stdin: str = "") -> Any:
        """Run a command that must succeed and return what its JSON says."""
        result = self.run(*arguments, "--json", now=now, stdin=stdin)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def refused(self, *arguments: str, now: str | None = START) -> str:
        """Run a command that must be refused and return its one sentence."""
        result = self.run(*arguments, now=now)
        assert result.exit_code == 1, result.output
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        assert len(result.stderr.splitlines()) == 1
        return result.stderr.strip()

    def group(self, *flags: str, price: str = "17.99") -> str:
        """Add the group of the examples and return its id."""
        made = self.do(
            *("group", "add", "--name", "YouTube Premium", "--price", price, "--currency", "EUR"),
            *("--every", "1", "--unit", "month", "--billing-day", "31", "--starts-on", "2026-01-31"),
            *("--split", "equal", "--timezone", "Europe/Berlin", *flags),
        )
        return str(made["id"])

    def join(self, group: str, name: str, *flags: str) -> str:
        """Let somebody join and return the member's id."""
        email = f"{name.lower()}@example.org"
        made = self.do("member", "add", "--group", group, "--name", name, "--email", email, *flags)
        return str(made["id"])

    def payment(self, member: str, *, sequence: int = 1) -> dict[str, Any]:
        """Find what somebody owes for a period."""
        rows = self.do("payment", "list")
        (found,) = [one for one in rows if one["member"] == member and one["period"]["sequence"] == sequence]
        return dict(found)


@pytest.fixture
def bare(database_url: str, tmp_path: Path) -> House:
    """Give a migrated database in which nobody has set anything up."""
    return House({"SUBSTRACK_DATABASE_URL": database_url, "SUBSTRACK_DATA_DIR": str(tmp_path)})


@pytest.fixture
def house(bare: House) -> House:
    """Give olga's house."""
    arguments = ("user", "add", "--email", "olga@example.org", "--name", "Olga", "--password-stdin")
    bare.do(*arguments, "--timezone", "Europe/Berlin", stdin="four small words here\n")
    return bare
