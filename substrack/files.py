"""Files that are there whole or not at all, after a power cut as well."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkstemp


def keep_whole(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, in place of one of that name; it stays once this returns.

    Raises:
        OSError: there is no room, or the directory can't be written; then nothing is left behind.
    """
    handle, part = mkstemp(dir=path.parent, prefix=".", suffix=".part")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Have the names in a directory on the disk: a file that is synced has a name only then (fsync(2))."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_private_dir(path: Path) -> None:
    """Make a directory, and those above it that are missing, for this user alone; leave those that are there.

    `Path.mkdir(parents=True)` makes the ones above by the umask, and so readable to others.
    """
    for missing in reversed([one for one in (path, *path.parents) if not one.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
