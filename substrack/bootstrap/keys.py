"""The secret keys: made at the first start, and compared with those that signed what was sent.

The database keeps fingerprints alone: of the newest key, and of those before it with the day until when each
has signed, so that one that is missing is told.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from datetime import date
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from substrack.bootstrap.databases import unreachable
from substrack.domain.key_history import KeyHistory
from substrack.files import make_private_dir, sync_directory
from substrack.services.sealing import Sealer
from substrack.services.second_factor import reseal_secrets
from substrack.settings import KEY_FILE, Settings, WrongSetting
from substrack.store import Installation
from substrack.store.upserts import insert_into


def prepare_data_dir(path: Path) -> None:
    """Make the data directory, private to its user.

    Raises:
        WrongSetting: it can't be made or written.
    """
    try:
        make_private_dir(path)
        probe = path / f".probe-{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise WrongSetting(
            f"SUBSTRACK_DATA_DIR: {path} can't be written ({error.strerror}). Name one this user owns."
        ) from None


def secret_keys(settings: Settings) -> list[str]:
    """Return the keys that sign links, newest first; without a setting, one is made (mode 0600)."""
    if settings.secret_keys:
        return [key.get_secret_value() for key in settings.secret_keys]
    path = settings.data_dir / KEY_FILE
    if not path.exists():
        _make_key(path)
    return [_stored_key(path)]


def _make_key(path: Path) -> None:
    """Write a key aside and link it into place whole: processes that start together share the first."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
        sync_directory(path.parent)


def _stored_key(path: Path) -> str:
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        key = ""
    if len(key) < 32:
        raise WrongSetting(
            f"{path} holds no usable key. Restore it from a backup, or remove it to make a new one."
        )
    return key


def fingerprint_of(key: str) -> str:
    """Tell a key by a few characters that give nothing of it away."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def check_fingerprint(engine: Engine, keys: list[str]) -> None:
    """Refuse keys that did not sign the links already sent: cron and server must share them.

    Raises:
        WrongSetting: so it is, or the database can't be used.
    """
    try:
        with Session(engine) as session:
            _check_signed(session.scalar(select(Installation.secret_fingerprint)), keys)
    except SQLAlchemyError as error:
        raise WrongSetting(unreachable(error)) from None


def use_newest_key(engine: Engine, keys: list[str], *, today: date) -> None:
    """Note which key signs from now on; what an older one has sealed is sealed anew.

    Raises:
        WrongSetting: the key that signed until now is not among these, or the database can't be used.
    """
    newest = fingerprint_of(keys[0])
    try:
        with Session(engine) as session, session.begin():
            row = _installation(session)
            _check_signed(row.secret_fingerprint, keys)
            kept = KeyHistory.read(row.secret_fingerprint) if row.secret_fingerprint else None
            if kept is None or kept.newest != newest:
                history = kept.followed_by(newest, today=today) if kept else KeyHistory(newest)
                row.secret_fingerprint = str(history)
                reseal_secrets(session, Sealer(keys))
    except SQLAlchemyError as error:
        raise WrongSetting(unreachable(error)) from None


def _check_signed(kept: str | None, keys: list[str]) -> None:
    if kept and KeyHistory.read(kept).newest not in map(fingerprint_of, keys):
        raise WrongSetting(
            "SUBSTRACK_SECRET_KEYS: these are not the keys that signed the links already sent. "
            "Put the old key behind the new one (new,old)."
        )


def _installation(session: Session) -> Installation:
    """Return the one row, written by whoever starts first."""
    found = session.scalar(select(Installation))
    if found is None:
        session.execute(insert_into(session, Installation).values(id=1).on_conflict_do_nothing())
        found = session.scalars(select(Installation)).one()
    return found
