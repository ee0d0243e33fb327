"""The manifest of a backup: what is in it, from which version and when, and how to tell that it is whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from substrack.settings import WrongSetting
from substrack.upkeep.shapes import Kind, Shape
from substrack.upkeep.sums import Sums

FORMAT: Final = "substrack-backup"
FORMAT_VERSION: Final = 1
NAME: Final = "manifest.json"


class NotABackup(WrongSetting):
    """The file is no backup of ours, or not a whole one; the text says what is wrong with it."""


@dataclass(frozen=True)
class TableEntry:
    """One table of a backup: its shape, how many rows, and the SHA-256 of its lines."""

    shape: Shape
    rows: int
    sha256: str

    @property
    def file(self) -> str:
        """Name the file inside the backup that holds the rows."""
        return f"tables/{self.shape.table}.jsonl"


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. `reason` is why it was made: `daily`, `by-hand`, `before-0009`.

    `key_fingerprint` tells which secret key signs the links of this database; the key itself is not in a
    backup.
    """

    version: str
    revision: str
    made_at: datetime
    reason: str
    database: str
    key_fingerprint: str | None
    tables: tuple[TableEntry, ...]
    ledger: Sums

    @property
    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        return {entry.shape.table: entry.rows for entry in self.tables}

    def to_json(self) -> str:
        """Write it down."""
        facts = asdict(self) | {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "made_at": self.made_at.isoformat(),
            "tables": [_table_facts(entry) for entry in self.tables],
        }
        return json.dumps(dict(sorted(facts.items())), indent=1)


def read_manifest(text: bytes) -> Manifest:
    """Read what `to_json` wrote.

    Raises:
        NotABackup: it is something else, or of a format that this version does not know.
    """
    try:
        facts = json.loads(text)
        known = facts["format"] == FORMAT
        if known and facts["format_version"] > FORMAT_VERSION:
            raise NotABackup("The backup was made by a newer SubsTrack; restore it with that one.")
        if known:
            return _manifest(facts)
    except (ValueError, KeyError, TypeError):
        pass
    raise NotABackup("The file is no backup of SubsTrack: its manifest can't be read.")


def _manifest(facts: dict[str, Any]) -> Manifest:
    return Manifest(
        version=facts["version"],
        revision=facts["revision"],
        made_at=datetime.fromisoformat(facts["made_at"]),
        reason=facts["reason"],
        database=facts["database"],
        key_fingerprint=facts["key_fingerprint"],
        tables=tuple(_table(entry) for entry in facts["tables"]),
        ledger=facts["ledger"],
    )


def _table_facts(entry: TableEntry) -> dict[str, Any]:
    columns = [f"{name} {kind}" for name, kind in entry.shape.columns]
    return {"name": entry.shape.table, "columns": columns, "rows": entry.rows, "sha256": entry.sha256}


def _table(facts: dict[str, Any]) -> TableEntry:
    columns = (column.rpartition(" ") for column in facts["columns"])
    shape = Shape(facts["name"], tuple((name, Kind(kind)) for name, _space, kind in columns))
    return TableEntry(shape, facts["rows"], facts["sha256"])
