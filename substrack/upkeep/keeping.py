"""Keep some of the daily backups and remove the others; never a file of others, nor one made by hand."""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from substrack.domain.retention import worth_keeping
from substrack.upkeep.archive import reading
from substrack.upkeep.manifest import Manifest, NotABackup

log = logging.getLogger(__name__)

DAILY: Final = "daily"


def remove_old_backups(directory: Path, *, fingerprints: Collection[str]) -> list[Path]:
    """Remove the daily backups of this installation that are not worth keeping; return which they were.

    A backup is told by its manifest and not by its name: it was made daily, and belongs to one of our keys.
    What can't be removed is left alone, and logged.
    """
    ours = {
        path: manifest.made_at
        for path, manifest in _backups(directory)
        if manifest.reason == DAILY and manifest.key_fingerprint in fingerprints
    }
    kept = worth_keeping(ours.values())
    return [path for path, made_at in sorted(ours.items()) if made_at not in kept and _remove(path)]


def _backups(directory: Path) -> list[tuple[Path, Manifest]]:
    found = []
    for path in sorted(directory.glob("substrack-*.zip")):
        with suppress(NotABackup), reading(path) as (_archive, manifest):
            found.append((path, manifest))
    return found


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError as error:
        log.warning("%s is not worth keeping, and can't be removed: %s", path.name, error.strerror)
        return False
    return True
