"""All that is known about one person, for them to have: read by the privacy tags, so nothing is forgotten.

Secrets are left out, and links are cut short: whoever holds one acts for somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import Column, RowMapping, select
from sqlalchemy.orm import Session

from substrack.queries.batches import in_batches
from substrack.queries.personal import WHOSE, load_subject
from substrack.store import Base, Connection, Contact, Group, Payment, Period
from substrack.store.privacy import PRIVACY, Holds

ENDINGS: Final = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}
INTERNAL: Final = frozenset({"subject_id", "actor_id"})
"""Keys of rows that no constraint tells from numbers."""

_LINKS: Final = re.compile(r"(/(?:pay|decide|setup|reset|invite|unsubscribe|calendar|enter)/)[\w.~-]{20,}")


@dataclass(frozen=True)
class PersonalData:
    """What is known about a person: rows by table, ready for JSON, and the files they sent, by name."""

    person: str
    name: str
    tables: Mapping[str, list[dict[str, Any]]]
    files: Mapping[str, bytes]

    def as_dict(self, now: datetime) -> dict[str, Any]:
        """Return the form that is handed out."""
        return {"person": self.person, "exported_at": now.isoformat(), **self.tables}


def load_personal_data(session: Session, contact_id: int) -> PersonalData:
    """Read everything about a person; a few statements a table."""
    who = load_subject(session, contact_id)
    found: dict[str, list[RowMapping]] = {}
    for name, whose in WHOSE.items():
        table = Base.metadata.tables[name]
        query = select(table).where(whose(who)).order_by(table.c.id)
        found[name] = list(session.execute(query).mappings())
    names = _References(session, found)
    tables = {name: [_plain_row(name, row, names) for row in rows] for name, rows in found.items()}
    files = {_file_name(row): bytes(row["bytes"]) for row in found["attachments"]}
    return PersonalData(who.public_id, who.name, tables, files)


class _References:
    """What keys of other rows stand for, in words."""

    def __init__(self, session: Session, found: Mapping[str, list[RowMapping]]) -> None:
        wanted: dict[str, set[int]] = {}
        for name, rows in found.items():
            for column in _references(name):
                wanted.setdefault(_target(column), set()).update(row[column.name] for row in rows)
        self._names = {
            "groups": _load(session, Group.id, Group.name, wanted),
            "payments": _load(session, Payment.id, Payment.reference, wanted),
            "periods": _load(session, Period.id, Period.starts_on, wanted),
            "connections": _load(session, Connection.id, Connection.name, wanted),
            "contacts": _load(session, Contact.id, Contact.name, wanted),
        }

    def name(self, column: Column[Any], key: int | None) -> Any:
        """Say what a key refers to; None for nothing, and for rows that are listed by themselves."""
        return self._names.get(_target(column), {}).get(key or 0)


def _load(session: Session, key: Any, name: Any, wanted: Mapping[str, set[int]]) -> dict[int, Any]:
    keys = wanted.get(key.class_.__tablename__, set()) - {None}
    found: dict[int, Any] = {}
    for some in in_batches(keys):
        found |= dict(session.execute(select(key, name).where(key.in_(some))).all())
    return found


def _references(table: str) -> list[Column[Any]]:
    return [column for column in Base.metadata.tables[table].columns if column.foreign_keys]


def _target(column: Column[Any]) -> str:
    return next(iter(column.foreign_keys)).column.table.name


def _plain_row(table: str, row: RowMapping, names: _References) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for column in Base.metadata.tables[table].columns:
        if column.primary_key or column.name in INTERNAL or PRIVACY[table][column.name].holds is Holds.SECRET:
            continue
        if column.foreign_keys:
            plain |= {column.name.removesuffix("_id"): value for value in _named(names, column, row)}
        elif (table, column.name) == ("attachments", "bytes"):
            plain["file"] = _file_name(row)
        else:
            plain[column.name] = _plain(row[column.name])
    return plain


def _named(names: _References, column: Column[Any], row: RowMapping) -> Iterable[Any]:
    name = names.name(column, row[column.name])
    return () if name is None else (_plain(name),)


def _file_name(row: RowMapping) -> str:
    return f"proofs/{row['public_id']}.{ENDINGS.get(row['kind'], 'bin')}"


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case date():
            return value.isoformat()
        case str():
            return _LINKS.sub(r"\1…", value)
        case Mapping():
            return {name: _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value
