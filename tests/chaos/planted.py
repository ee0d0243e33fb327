"""Faults planted into the program, to see that experiments find them. Each patches the process it is in."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from sqlalchemy import Engine, Select, Update, update

from substrack.bootstrap import databases
from substrack.queries import member_letters
from substrack.services import ledger, outbox, request_drafts
from substrack.services.outbox import Item
from substrack.store import engines


def nothing_is_locked(patch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for anybody: no row is locked, and on SQLite each statement is its own transaction."""

    def write_engine(url: str, **terms: Any) -> Engine:
        engine = engines.write_engine(url, **terms)
        if engine.dialect.name == "sqlite":
            engine.dispatch.begin.clear()
        return engine

    def without_lock(statement: Select[Any], **_how: Any) -> Select[Any]:
        return statement

    patch.setattr(databases, "write_engine", write_engine)
    patch.setattr(Select, "with_for_update", without_lock)


class _Anyhow:
    """An UPDATE of one row that takes place whatever has become of the row."""

    def __init__(self, table: Any) -> None:
        self._update = update(table)

    def where(self, which_row: Any, *_as_it_was: Any) -> Update:
        """Keep the first condition alone."""
        return self._update.where(which_row)


def nobody_looks_again(patch: pytest.MonkeyPatch) -> None:
    """Have payments moved by "get, check, commit": no lock, and neither status nor version at the end."""
    nothing_is_locked(patch)
    patch.setattr(ledger, "update", _Anyhow)


def messages_have_no_key(patch: pytest.MonkeyPatch) -> None:
    """Let the same request be written any number of times: neither its key nor its steps are the same."""
    write = outbox._message_row

    def row_of(*given: Any) -> dict[str, Any]:
        row = write(*given)
        return row | {"dedupe_key": f"{row['dedupe_key']}:{secrets.token_hex(4)}"}

    def item(payment_id: int, step: int) -> Item:
        return Item(payment_id, step * 1_000_000 + secrets.randbelow(1_000_000))

    patch.setattr(outbox, "_message_row", row_of)
    patch.setattr(request_drafts, "Item", item)


def what_is_paid_stays_listed(patch: pytest.MonkeyPatch) -> None:
    """Let a request say what it was written to say, whatever has become of it when it is sent."""

    def is_asked(_row: Any, _now: Any) -> bool:
        return True

    patch.setattr(member_letters, "is_asked", is_asked)
