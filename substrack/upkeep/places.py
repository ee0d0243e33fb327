"""Where databases are: whether two URLs lead to the same one, and how one is named without its secrets."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from substrack.bootstrap import DatabaseTrouble, open_engines
from substrack.settings import WrongSetting


def spoken(url: str) -> str:
    """Name a database without user, password and most parameters, some of which are secrets too."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        return str(_file(parts))
    where = {name: value for name, value in parts.query.items() if name in ("host", "port")}
    plain = URL.create("postgresql", host=parts.host, port=parts.port, database=parts.database, query=where)
    return plain.render_as_string()


def has_password(url: str) -> bool:
    """Tell whether a URL holds a password, in its place or among its parameters."""
    parts = make_url(url)
    return bool(parts.password) or any("password" in name for name in parts.query)


@contextmanager
def new_file_removed(url: str) -> Iterator[Callable[[], object]]:
    """Remove the file of an SQLite database that was not there before, unless what is lent is called.

    To connect is to make one, along with its log and the index of it (SQLite, WAL, section 2).
    """
    with ExitStack() as undo:
        with suppress(ArgumentError, ValueError):  # whoever opens it says so
            parts = make_url(url)
            if parts.get_backend_name() == "sqlite" and not _file(parts).exists():
                undo.callback(_remove, _file(parts))
        yield undo.pop_all


def _remove(file: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def is_same(one: str, other: str, *, named: str) -> bool:
    """Tell whether two URLs lead to the same database, by whatever names; people gave `other` as `named`.

    Raises:
        WrongSetting: one can't be used.
    """
    with ExitStack() as stack:
        first = _engine(stack, one, None)
        second = _engine(stack, other, named)
        if first.dialect.name != second.dialect.name:
            return False
        if first.dialect.name == "sqlite":
            return _is_one_file(_file(first.url), _file(second.url))
        return _share_locks(first, second, named)


def _engine(stack: ExitStack, url: str, named: str | None) -> sa.Engine:
    engines = open_engines(url) if named is None else open_engines(url, named=named)
    for engine in engines:
        stack.callback(engine.dispose)
    if engines[1].dialect.name == "sqlite" and engines[1].url.database in (None, "", ":memory:"):
        raise WrongSetting(
            f"{named or 'The database'} names no file, so what is in it would be gone at once."
        )
    return engines[1]


def _file(url: URL) -> Path:
    return Path(str(url.database).removeprefix("file:")).resolve()


def _is_one_file(one: Path, other: Path) -> bool:
    return one == other or (one.exists() and other.exists() and one.samefile(other))


def _share_locks(first: sa.Engine, second: sa.Engine, named: str) -> bool:
    """Tell two names of one database by a lock that only one of them can have (PostgreSQL manual, 13.3.5)."""
    key = {"key": secrets.randbits(62)}
    try:
        with first.connect() as here, second.connect() as there:
            here.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), key)
            return not there.scalar(sa.text("SELECT pg_try_advisory_xact_lock(:key)"), key)
    except DatabaseTrouble as trouble:
        cause = str(trouble.orig).strip().splitlines()[0]
        raise WrongSetting(f"{named} can't be used, or the database of today can't: {cause}") from None
