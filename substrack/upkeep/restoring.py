"""Restore a backup into an empty database: all of it or nothing, and sending waits until somebody says so."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from substrack.bootstrap import (
    NotMigrated,
    fingerprint_of,
    known_revisions,
    newest_revision,
    prepare_data_dir,
    schema_transaction,
    secret_keys,
    upgrade_schema,
)
from substrack.domain.actors import Actor
from substrack.files import keep_whole
from substrack.services.installation import forget_key
from substrack.services.restoring import Settled, settle_restored
from substrack.services.sealing import Sealer
from substrack.services.suppression import SEALER
from substrack.settings import KEY_FILE, Settings, WrongSetting
from substrack.upkeep.archive import reading, verify
from substrack.upkeep.emptiness import check_empty, make_empty
from substrack.upkeep.erasures import read_erasures, try_to_keep_erasures
from substrack.upkeep.loading import load_rows
from substrack.upkeep.manifest import Manifest
from substrack.upkeep.places import new_file_removed

WHERE_INSTEAD = "Name an empty one with SUBSTRACK_DATABASE_URL, or move the file of the old one away."


class WrongKey(WrongSetting):
    """The secret key is missing, or not the one that signs the links of the backup."""

    def __init__(self, wanted: str, found: list[str]) -> None:
        here = f"here is {' and '.join(found)}" if found else "there is none here"
        super().__init__(
            f"The backup belongs to the secret key with the fingerprint {wanted}; {here}. Give the file that "
            "holds it with --key FILE, or set SUBSTRACK_SECRET_KEYS. If it is lost, --new-key restores "
            "without it: every link sent so far is dead then."
        )


@dataclass(frozen=True)
class Restored:
    """What was restored, and what that has ended; `settled` is None when it was only tried out.

    `has_erasures` tells whether there was a list of whom to erase again.
    """

    manifest: Manifest
    settled: Settled | None
    has_erasures: bool


def restore(
    settings: Settings,
    path: Path,
    *,
    key_file: Path | None = None,
    with_new_key: bool = False,
    dry_run: bool = False,
    by: Actor,
    now: datetime,
) -> Restored:
    """Fill an empty database from a backup, bring it to this version, and put sending on hold.

    The key of `key_file` is put into the data directory. With `dry_run` everything is looked at and nothing
    is written.

    Whoever was erased according to `erasures.jsonl`, beside the backup or where this installation's backups
    go, is erased again.

    Raises:
        NotABackup: the file is none, or damaged. NotEmpty, WrongKey, NotMigrated (it is of a newer version).
        WrongSetting: the database can't be used.
    """
    with _new_place_removed(settings) as keep_place, reading(path) as (archive, manifest):
        _check_version(manifest)
        erasures = read_erasures([path.parent, settings.backups_go_to])
        key = _choose_key(settings, manifest, key_file, with_new_key=with_new_key)
        with schema_transaction(settings.database_url) as connection:
            check_empty(connection, otherwise=WHERE_INSTEAD)
            if dry_run:
                return Restored(verify(path), None, bool(erasures))
            make_empty(connection, otherwise=WHERE_INSTEAD)
            upgrade_schema(connection, manifest.revision)
            load_rows(connection, archive, manifest)
            upgrade_schema(connection)
            sealer = Sealer([key] if key is not None else secret_keys(settings))
            with Session(connection, info={SEALER: sealer}) as session:
                settled = settle_restored(
                    session,
                    made_at=manifest.made_at,
                    erasures=erasures,
                    has_new_key=with_new_key,
                    by=by,
                    now=now,
                )
                _finish(session, settings, has_new_key=with_new_key)
            if key is not None:
                _keep_key(settings.data_dir, key)
        keep_place()
    return Restored(manifest, settled, bool(erasures))


@contextmanager
def _new_place_removed(settings: Settings) -> Iterator[Callable[[], object]]:
    """Prepare the data directory; what of it and of the database is new goes again, unless it is kept."""
    is_new = not settings.data_dir.exists()
    prepare_data_dir(settings.data_dir)
    with ExitStack() as undo:
        if is_new:
            undo.callback(_remove_empty, settings.data_dir)
        keep_file = undo.enter_context(new_file_removed(settings.database_url))

        def keep_place() -> None:
            keep_file()
            undo.pop_all()

        yield keep_place


def _remove_empty(directory: Path) -> None:
    with suppress(OSError):  # there is something in it
        directory.rmdir()


def _finish(session: Session, settings: Settings, *, has_new_key: bool) -> None:
    """Forget a key that is lost, and write down again whom to erase if this is restored once more."""
    if has_new_key:
        forget_key(session)
    session.flush()
    try_to_keep_erasures(session, settings)


def _check_version(manifest: Manifest) -> None:
    if manifest.revision not in known_revisions():
        raise NotMigrated(
            f"The backup was made by a newer SubsTrack ({manifest.version}, revision {manifest.revision}; "
            f"this one knows {newest_revision()}). Restore it with that one."
        )


def _choose_key(
    settings: Settings, manifest: Manifest, key_file: Path | None, *, with_new_key: bool
) -> str | None:
    """Return the key to put into the data directory; None when the right one is there, or any will do."""
    if with_new_key or manifest.key_fingerprint is None:
        return None
    given = [_read_key(key_file)] if key_file else _keys_here(settings)
    prints = [fingerprint_of(key) for key in given]
    if manifest.key_fingerprint not in prints:
        raise WrongKey(manifest.key_fingerprint, prints)
    return given[0] if key_file else None


def _read_key(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise WrongSetting(f"{path} holds no key that can be read.") from None


def _keys_here(settings: Settings) -> list[str]:
    """Read the keys this installation has, without making one."""
    if settings.secret_keys:
        return [key.get_secret_value() for key in settings.secret_keys]
    path = settings.data_dir / KEY_FILE
    return [_read_key(path)] if path.exists() else []


def _keep_key(data_dir: Path, key: str) -> None:
    """Put a key where processes look for it; another one that is there is put aside, never overwritten."""
    path = data_dir / KEY_FILE
    if path.exists():
        if path.read_text(encoding="ascii").strip() == key:
            return
        path.rename(path.with_name(f"{KEY_FILE}.{secrets.token_hex(4)}.old"))
    keep_whole(path, key.encode("ascii"))
