"""Links: issue, renew, revoke and open one-purpose capabilities.

The token in a URL is a signature (salt per purpose) over the random id of a row; the row says whose it is,
until when, and whether it was used or revoked. Token text is malleable, so nothing is ever keyed on it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from substrack.domain.errors import Refused
from substrack.queries.prepared import prepared
from substrack.store import Address, Contact, Link, LinkPurpose

LIFETIMES = {
    LinkPurpose.PAY: timedelta(days=14),
    LinkPurpose.SETUP: timedelta(days=7),
    LinkPurpose.RESET: timedelta(hours=1),
    LinkPurpose.INVITE: timedelta(days=7),
    LinkPurpose.DECIDE: timedelta(hours=72),
    LinkPurpose.UNSUBSCRIBE: timedelta(days=365),
    LinkPurpose.CALENDAR: timedelta(days=3650),
    LinkPurpose.CHAT: timedelta(days=7),
    LinkPurpose.ENTER: timedelta(minutes=15),
}
MAX_TOKEN_LENGTH = 200
MAX_START_LENGTH = 64


class DeadLink(Refused):
    """The link is mangled, foreign, expired, used or revoked: all get the same answer.

    `contact_id` names the contact of a link that was once good, so that a fresh one can be sent to the
    address on file; it is never shown.
    """

    def __init__(self, contact_id: int | None = None) -> None:
        super().__init__("This link no longer works. Ask for a fresh one.")
        self.contact_id = contact_id


class Named(Protocol):
    """A link, written or not: what its URL is made of."""

    @property
    def purpose(self) -> LinkPurpose: ...
    @property
    def jti(self) -> str: ...


class LinkSigner:
    """Signs and reads link tokens; the first key signs, the others still verify (rotation)."""

    def __init__(self, keys: Sequence[str], base_url: str) -> None:
        self._keys = [key.encode() for key in reversed(keys)]
        self._base_url = base_url

    def url(self, link: Named) -> str:
        """Write the absolute URL of a link: `<base>/<purpose>/<token>`."""
        return f"{self._base_url}/{link.purpose.value}/{self.token(link.purpose, link.jti)}"

    def absolute(self, path: str) -> str:
        """Write the absolute URL of a page of ours; `path` starts with a slash."""
        return self._base_url + path

    def token(self, purpose: LinkPurpose, jti: str) -> str:
        """Sign the id of a link for one purpose."""
        return self._signer(purpose).sign(jti.encode()).decode()

    def read(self, purpose: LinkPurpose, token: str) -> str | None:
        """Return the id that a token of this purpose signs, or None."""
        if len(token) > MAX_TOKEN_LENGTH:
            return None
        try:
            jti = self._signer(purpose).unsign(token.encode()).decode()
        except (BadSignature, UnicodeError):
            return None
        return jti if _is_as_written(token.rpartition(".")[2]) else None

    def start_code(self, jti: str) -> str:
        """Sign the id of a chat link as the payload of a deep link into Telegram: 60 characters.

        Bot API, "Deep linking": `start` takes at most 64 of `A-Za-z0-9_-`, so there is no dot.
        """
        return f"{jti}_{self._signer(LinkPurpose.CHAT).get_signature(jti).decode()}"

    def read_start_code(self, payload: str) -> str | None:
        """Return the id that a `/start` payload of ours signs, or None."""
        jti, _, signature = payload.partition("_")
        if len(payload) > MAX_START_LENGTH or not payload.isascii():
            return None
        is_ours = self._signer(LinkPurpose.CHAT).verify_signature(jti, signature)
        return jti if is_ours and _is_as_written(signature) else None

    def _signer(self, purpose: LinkPurpose) -> Signer:
        return Signer(self._keys, salt=f"substrack.{purpose.value}", sep=".", key_derivation="hmac")


def _is_as_written(signature: str) -> bool:
    """Tell whether this is how Base64 is written: it reads more than that, such as a `=` at the end."""
    return base64_encode(base64_decode(signature)).decode() == signature


def new_jti() -> str:
    """Draw the 128 random bits that a token signs."""
    return secrets.token_hex(16)


def issue_link(
    session: Session,
    purpose: LinkPurpose,
    *,
    now: datetime,
    workspace_id: int | None = None,
    contact_id: int | None = None,
    user_id: int | None = None,
    attempt_id: int | None = None,
    address_id: int | None = None,
    email: str | None = None,
) -> Link:
    """Write a new link that lives for the time of its purpose."""
    link = Link(
        jti=new_jti(),
        purpose=purpose,
        workspace_id=workspace_id,
        contact_id=contact_id,
        user_id=user_id,
        attempt_id=attempt_id,
        address_id=address_id,
        email=email,
        created_at=now,
        expires_at=now + LIFETIMES[purpose],
    )
    session.add(link)
    session.flush()
    return link


def renew_pay_link(session: Session, contact_id: int, *, workspace_id: int, now: datetime) -> Link:
    """Return the contact's one live pay link, good for 14 days from now; write it if there is none.

    Workers that write to one person at the same time take turns.
    """
    session.execute(select(Contact.id).where(Contact.id == contact_id).with_for_update(key_share=True))
    link = session.scalar(_live_pay_link(contact_id).with_for_update())
    if link is None:
        return issue_link(session, LinkPurpose.PAY, now=now, workspace_id=workspace_id, contact_id=contact_id)
    link.expires_at = now + LIFETIMES[LinkPurpose.PAY]
    session.flush()
    return link


def renew_unsubscribe_link(session: Session, address_id: int, *, workspace_id: int, now: datetime) -> Link:
    """Return the address's unsubscribe link, good for a year from now.

    It is looked for among its contact's, by their index; one from before links named both is good as long as
    it lives, and no longer renewed.
    """
    contact_id = session.get_one(Address, address_id).contact_id
    found = session.scalar(
        select(Link)
        .where(
            Link.contact_id == contact_id,
            Link.address_id == address_id,
            Link.purpose == LinkPurpose.UNSUBSCRIBE,
            Link.revoked_at.is_(None),
        )
        .order_by(Link.id)
        .limit(1)
    )
    if found is None:
        return issue_link(
            session,
            LinkPurpose.UNSUBSCRIBE,
            now=now,
            workspace_id=workspace_id,
            contact_id=contact_id,
            address_id=address_id,
        )
    found.expires_at = now + LIFETIMES[LinkPurpose.UNSUBSCRIBE]
    session.flush()
    return found


def renew_decide_link(
    session: Session, contact_id: int, *, user_id: int, attempt_id: int, now: datetime
) -> Link | None:
    """Return an admin's live link to decide a claim, good for three days from now; None if there is none."""
    link = session.scalar(
        select(Link)
        .where(
            Link.contact_id == contact_id,
            Link.purpose == LinkPurpose.DECIDE,
            Link.attempt_id == attempt_id,
            Link.user_id == user_id,
            Link.used_at.is_(None),
            Link.revoked_at.is_(None),
            Link.expires_at > now,
        )
        .order_by(Link.id.desc())
        .limit(1)
    )
    if link is not None:
        link.expires_at = now + LIFETIMES[LinkPurpose.DECIDE]
        session.flush()
    return link


def revoke_pay_link(session: Session, contact_id: int, *, now: datetime) -> None:
    """Make the contact's pay link dead; the next message to them carries a new one."""
    session.execute(
        update(Link)
        .where(Link.contact_id == contact_id, Link.purpose == LinkPurpose.PAY, Link.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def use_link(session: Session, link: Link, *, now: datetime) -> None:
    """Mark a single-use link as used, once.

    Raises:
        DeadLink: somebody used it in the meantime.
    """
    used = session.execute(
        update(Link)
        .where(Link.id == link.id, Link.used_at.is_(None), Link.revoked_at.is_(None))
        .values(used_at=now)
        .returning(Link.id)
    ).first()
    if used is None:
        raise DeadLink


def open_link(
    session: Session, signer: LinkSigner, purpose: LinkPurpose, token: str, *, now: datetime
) -> Link:
    """Find the live link that a token stands for; reads only.

    Raises:
        DeadLink: mangled, of another purpose, expired, used or revoked.
    """
    jti = signer.read(purpose, token)
    link: Link | None = None if jti is None else session.scalar(*_link(jti, purpose))
    if link is None:
        raise DeadLink
    expired = link.expires_at is not None and link.expires_at <= now
    if expired or link.used_at is not None or link.revoked_at is not None:
        raise DeadLink(link.contact_id)
    return link


@prepared
def _link(jti: str, purpose: LinkPurpose) -> Select[Link]:
    return select(Link).where(Link.jti == jti, Link.purpose == purpose)


def _live_pay_link(contact_id: int) -> Select[Link]:
    return select(Link).where(
        Link.contact_id == contact_id, Link.purpose == LinkPurpose.PAY, Link.revoked_at.is_(None)
    )
