"""Mail for those without a mail server: kept as `.eml` files that the app lists and shows.

A file is complete or absent, and readable by its owner only: it may hold links that act for people.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from substrack.channels.base import OutgoingMail
from substrack.channels.mime import write_mime
from substrack.domain.delivery import KEPT_NAME, DeliveryFailed, Scope
from substrack.files import keep_whole, sync_directory


@dataclass(frozen=True)
class KeptMail:
    """One kept mail as the app shows it; `name` is what `MailboxChannel.read` takes."""

    name: str
    date: datetime
    sender: str
    to: str
    reply_to: str | None
    subject: str
    text: str
    html: str


class MailboxChannel:
    """Writes `<timestamp>-<public id>.eml` into one directory; the same mail again replaces its file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def send(self, mail: OutgoingMail) -> str:
        """Keep one mail and return the name of its file.

        Raises:
            DeliveryFailed: an address is none; or the directory can't be written (scope LANE).
        """
        name = f"{mail.date.astimezone(UTC):%Y%m%dT%H%M%SZ}-{mail.message_id}.eml"
        if not KEPT_NAME.fullmatch(name):
            raise ValueError(f"no name for a file: {name!r}")
        content = write_mime(mail)
        try:
            await asyncio.to_thread(self._write, name, content)
        except OSError as error:
            raise DeliveryFailed(f"mail can’t be kept: {error.strerror}", scope=Scope.LANE) from error
        return name

    async def close(self) -> None:
        """Do nothing; there are no connections."""

    def newest(self, limit: int = 100) -> list[KeptMail]:
        """Read the newest mails, newest first."""
        found = [path.name for path in self._directory.glob("*.eml") if KEPT_NAME.fullmatch(path.name)]
        mails = (self.read(name) for name in sorted(found, reverse=True)[:limit])
        return [mail for mail in mails if mail is not None]

    def read(self, name: str) -> KeptMail | None:
        """Read one mail; None when there is none of that name."""
        if not KEPT_NAME.fullmatch(name):
            return None
        try:
            content = (self._directory / name).read_bytes()
        except FileNotFoundError:
            return None
        return _kept_mail(name, content)

    def remove(self, names: Iterable[str]) -> None:
        """Remove mails by the names of their files; those that are gone already do not matter.

        Raises:
            OSError: the directory can't be written.
        """
        for name in names:
            if KEPT_NAME.fullmatch(name):
                (self._directory / name).unlink(missing_ok=True)

    def _write(self, name: str, content: bytes) -> None:
        if not self._directory.is_dir():
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_directory(self._directory.parent)
        keep_whole(self._directory / name, content)


def _kept_mail(name: str, content: bytes) -> KeptMail:
    message = message_from_bytes(content, _class=EmailMessage, policy=default)
    return KeptMail(
        name=name,
        date=datetime.strptime(name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
        sender=str(message["From"]),
        to=str(message["To"]),
        reply_to=str(message["Reply-To"]) if message["Reply-To"] else None,
        subject=str(message["Subject"]),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")
