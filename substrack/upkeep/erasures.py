"""Erasures beside the backups: who comes back with an older one is erased again, by this file.

It names people by their public id, and addresses by keyed hashes, and so tells nobody who they were.
"""

from __future__ import annotations

import fcntl
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from substrack.files import keep_whole
from substrack.queries.erasures import Remembered, list_erasures
from substrack.queries.workspaces import list_workspaces
from substrack.settings import Settings, WrongSetting

log = logging.getLogger(__name__)

FILE: Final = "erasures.jsonl"
LOCK: Final = f".{FILE}.lock"


def keep_erasures(session: Session, directory: Path) -> Path | None:
    """Write the erasures of the database, and the people of the file, into the file; None if there are none.

    Which addresses are suppressed says the database alone, or a suppression that was ended would come back
    with a restore; only lines of workspaces it does not know stay. `session` has read nothing yet, so that
    it sees what those wrote who held the file before.

    Raises:
        OSError: the directory can't be written. WrongSetting: the file that is there can't be read.
    """
    path = directory / FILE
    if not path.exists() and not list_erasures(session):
        return None
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _held(directory):
        noted, known = read_erasures([directory]), list_erasures(session)
        ours = {row.public_id for row in list_workspaces(session)}
        stay = (one for one in noted if one.person is not None or one.workspace not in ours)
        wanted = dict.fromkeys([*stay, *known])
        keep_whole(path, "".join(f"{json.dumps(asdict(one))}\n" for one in wanted).encode())
    return path


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    """Let one process at a time read, merge and write the file."""
    with (directory / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given back when it is closed
        yield


def try_to_keep_erasures(session: Session, settings: Settings) -> bool:
    """Write the file where backups go; False, and an error in the log, when that is not possible."""
    try:
        keep_erasures(session, settings.backups_go_to)
    except (OSError, WrongSetting) as error:
        log.error("erasures can't be noted beside the backups (%s): %s", FILE, error)
        return False
    return True


def read_erasures(directories: Iterable[Path]) -> list[Remembered]:
    """Read the files of these directories, as far as there are any.

    Raises:
        WrongSetting: one can't be read, and people might come back.
    """
    found: dict[Remembered, None] = {}
    for path in {directory.absolute() / FILE: None for directory in directories}:
        if not path.exists():
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            found |= dict.fromkeys(Remembered(**json.loads(line)) for line in lines)
        except (OSError, ValueError, TypeError):
            raise WrongSetting(
                f"{path} can't be read, and says who is to be erased again. Mend it, or move it away."
            ) from None
    return list(found)
