"""Bring a database to this version, with a backup of it as it was before."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from substrack.bootstrap import migrate, newest_revision, open_engines, prepare_data_dir
from substrack.settings import Settings
from substrack.upkeep.backups import Backup, BackupFailed, make_backup


def upgrade(settings: Settings, *, with_backup: bool | None = None, now: datetime) -> Backup | None:
    """Bring the tables to this version; when that changes books, a backup of them is made first.

    It is made once nobody else can upgrade, and when it fails nothing is upgraded. Returns the backup; None
    when there was nothing to do, nothing to lose, or none is wanted (default: `SUBSTRACK_BACKUPS`).

    Raises:
        WrongSetting: the backup can't be written, the database can't be used, or it is of a newer version.
    """
    made: list[Backup] = []

    def back_up(_revision: str) -> None:
        backup = _back_up(settings, now)
        if backup is not None:
            made.append(backup)

    prepare_data_dir(settings.data_dir)
    is_wanted = settings.backups if with_backup is None else with_backup
    migrate(settings.database_url, before=back_up if is_wanted else None)
    return made[0] if made else None


def _back_up(settings: Settings, now: datetime) -> Backup | None:
    writing, reading = open_engines(settings.database_url)
    try:
        if not has_books(reading):
            return None
        return make_backup(reading, settings.backups_go_to, reason=f"before-{newest_revision()}", now=now)
    except BackupFailed as error:
        raise BackupFailed(
            f"Nothing was upgraded, because the backup before it failed. {error} "
            "`python -m substrack migrate --no-backup` does without."
        ) from error
    finally:
        reading.dispose()
        writing.dispose()


def has_books(engine: sa.Engine) -> bool:
    """Tell whether somebody has set something up."""
    query = sa.select(sa.literal(1)).select_from(sa.table("workspaces")).limit(1)
    with engine.connect() as connection:
        return connection.execute(query).first() is not None
