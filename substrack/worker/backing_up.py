"""The daily backup: of all workers one makes it, and old ones are removed. A failure stops nothing else."""

from __future__ import annotations

import logging

from substrack.bootstrap import DatabaseTrouble, Runtime, fingerprint_of, secret_keys
from substrack.services.backup_turns import (
    backup_is_due,
    give_backup_turn_back,
    note_backup,
    note_failed_backup,
    take_backup_turn,
)
from substrack.upkeep.backups import BackupFailed, BackupStopped, Stop, make_backup
from substrack.upkeep.keeping import DAILY, remove_old_backups

log = logging.getLogger(__name__)


def back_up_daily(runtime: Runtime, *, stop: Stop) -> None:
    """Make today's backup, if it is due and no other worker makes it; note what came of it.

    A clock that stands still makes none: it is for trials.
    """
    settings, now = runtime.settings, runtime.now()
    if not settings.backups or settings.now is not None or not _take_turn(runtime):
        return
    try:
        made = make_backup(runtime.read_engine, settings.backups_go_to, reason=DAILY, now=now, stop=stop)
    except BackupStopped:
        with runtime.transaction() as session:
            give_backup_turn_back(session)
        return
    except (BackupFailed, DatabaseTrouble) as failure:
        reason = str(getattr(failure, "orig", failure)).splitlines()[0]
        log.error("The backup failed and is tried again in an hour: %s", reason)
        with runtime.transaction() as session:
            note_failed_backup(session, reason, now=now)
        return
    with runtime.transaction() as session:
        note_backup(session, now=now)
    removed = remove_old_backups(made.path.parent, fingerprints=_fingerprints(runtime))
    log.info("backup: %s (%s bytes, %s old ones removed)", made.path.name, made.size, len(removed))


def _take_turn(runtime: Runtime) -> bool:
    """Look before writing: an idle worker writes nothing."""
    now = runtime.now()
    with runtime.reading() as session:
        if not backup_is_due(session, now=now):
            return False
    with runtime.transaction() as session:
        return take_backup_turn(session, now=now)


def _fingerprints(runtime: Runtime) -> set[str]:
    return {fingerprint_of(key) for key in secret_keys(runtime.settings)}
