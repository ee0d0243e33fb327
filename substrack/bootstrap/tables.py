"""Whether a database has the tables of this version, and bringing them there: one process at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DatabaseError

from substrack.bootstrap.databases import DATABASE_URL, open_engines, unreachable
from substrack.settings import WrongSetting
from substrack.store.schema import (
    Gone,
    allow_rebuilding,
    check_references,
    find_move,
    find_revision,
    known_revisions,
    newest_revision,
    upgrade_schema,
)

BeforeUpgrade = Callable[[str], None]

MIGRATION_LOCK_SECONDS: Final = 600.0
"""How long a process that starts waits for another that brings the tables up to date."""


class NotMigrated(WrongSetting):
    """The database's tables are missing or not those of this version."""


class MovedAway(WrongSetting):
    """The books were moved to another database, and what is left here may not live on beside them."""

    def __init__(self, gone: Gone) -> None:
        super().__init__(
            f"These books were moved to {gone} by `move-database` and live on there: set "
            "SUBSTRACK_DATABASE_URL to it. To go on with what is here all the same, which does not know of "
            "anything since: `move-database --take-back`."
        )


def migrate(database_url: str, *, before: BeforeUpgrade | None = None) -> None:
    """Bring the tables to this version; idempotent, and safe when two processes start at once.

    All of it happens or nothing does. `before` is called once nobody else migrates and something is to be
    done, with the revision that was found; what it raises ends everything.

    Raises:
        WrongSetting: the database cannot be reached, or was made by a newer version.
        MovedAway: the books live in another database now.
    """
    with schema_transaction(database_url) as connection:
        check_still_here(connection)
        found = find_revision(connection)
        if found == newest_revision():
            return
        _check_known(found)
        if before is not None and found is not None:
            before(found)
        upgrade_schema(connection)


@contextmanager
def schema_transaction(database_url: str, *, named: str = DATABASE_URL) -> Iterator[Connection]:
    """Open the one transaction in which tables are made or changed; one process at a time.

    `named` is what people gave the URL by.

    Raises:
        WrongSetting: the database cannot be reached, or not be changed like that.
    """
    engine, _reading = open_engines(database_url, MIGRATION_LOCK_SECONDS, named=named)
    try:
        with engine.connect() as connection:
            allow_rebuilding(connection)
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(7253001)"))
                    # A backup before the upgrade may take longer than a writer may else be idle.
                    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                yield connection
                check_references(connection)
    except DatabaseError as error:
        raise WrongSetting(unreachable(error, named)) from None
    finally:
        engine.dispose()


def check_still_here(connection: Connection) -> None:
    """Refuse a database whose books were moved away.

    Raises:
        MovedAway.
    """
    gone = find_move(connection)
    if gone is not None:
        raise MovedAway(gone)


def _check_known(revision: str | None) -> None:
    """Refuse to go back: older code can neither read newer tables nor undo what made them."""
    if revision is not None and revision not in known_revisions():
        raise NotMigrated(
            f"The database was made by a newer SubsTrack (revision {revision}; this one knows "
            f"{newest_revision()}). Start the newer one, or restore the backup made before the upgrade."
        )


def check_schema(engine: Engine) -> None:
    """Make sure that the tables are those of this version, and that the books live here.

    Raises:
        WrongSetting: the database cannot be reached.
        NotMigrated, MovedAway.
    """
    try:
        with engine.connect() as connection:
            found = find_revision(connection)
            check_still_here(connection)
    except DatabaseError as error:
        raise WrongSetting(unreachable(error)) from None
    if found is None:
        raise NotMigrated("The database has no tables yet. Run `python -m substrack migrate` first.")
    _check_known(found)
    if found != newest_revision():
        raise NotMigrated("The tables are of another version. Run `python -m substrack migrate` first.")
