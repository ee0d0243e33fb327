"""Opening a database by its URL: engines, and in what sentence it is told that one can't be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from substrack.settings import WrongSetting
from substrack.store.engines import LOCK_SECONDS, read_engine, write_engine
from substrack.store.trouble import DatabaseTrouble

DATABASE_URL: Final = "SUBSTRACK_DATABASE_URL"


def open_for_looking(url: str, wait_seconds: float) -> Engine:
    """Make an engine that only reads, for a database that may be of another version, away or broken.

    The caller sees to it that a SQLite file is there: connecting would make one.

    Raises:
        WrongSetting: the URL names no database that SubsTrack knows.
    """
    return _known_database(lambda: read_engine(url, lock_seconds=wait_seconds), DATABASE_URL)


def open_engines(
    url: str, lock_seconds: float = LOCK_SECONDS, *, named: str = DATABASE_URL
) -> tuple[Engine, Engine]:
    """Make the engine that writes and the one that reads; both are to be disposed of.

    `named` is what people gave the URL by.

    Raises:
        WrongSetting: the URL names no database that SubsTrack knows.
    """
    return (
        _known_database(lambda: write_engine(url, lock_seconds=lock_seconds), named),
        _known_database(lambda: read_engine(url, lock_seconds=lock_seconds), named),
    )


def _known_database(make: Callable[[], Engine], named: str) -> Engine:
    try:
        engine = make()
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError):
        raise WrongSetting(
            f"{named} is not a database URL that SubsTrack knows. "
            "Use sqlite:////path/to/substrack.db or postgresql://user@host/name."
        ) from None
    if engine.dialect.name not in ("sqlite", "postgresql"):
        raise WrongSetting(f"{named}: only sqlite and postgresql are supported.")
    return engine


def unreachable(error: SQLAlchemyError, named: str = DATABASE_URL) -> str:
    """Say why a database can't be used; `named` is what people gave its URL by."""
    cause = str(getattr(error, "orig", error)).strip().splitlines()[0]
    advice = error.advice if isinstance(error, DatabaseTrouble) else ""
    return f"The database can't be used: {cause}. {advice or f'Check {named}.'}"
