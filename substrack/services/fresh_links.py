"""A fresh link for somebody whose link to their page no longer works, mailed to the address on file.

Whoever asks hears the same, whether or not there is anybody to mail to.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from substrack.domain.notices import Notice
from substrack.services.links import DeadLink, LinkSigner
from substrack.services.outbox import Draft, queue
from substrack.services.visits import open_pay
from substrack.store import Contact, LinkPurpose

FRESH_EVERY: Final = timedelta(hours=1)


def may_be_ours(signer: LinkSigner, token: str) -> bool:
    """Tell whether a token carries our signature, so that made-up ones cost the database nothing."""
    return signer.read(LinkPurpose.PAY, token) is not None


def send_fresh_link(session: Session, signer: LinkSigner, token: str, *, now: datetime) -> None:
    """Queue a mail with a fresh link to the person whose page this token opens or once opened.

    At most once an hour for each person; does nothing for tokens that were never ours.
    """
    contact_id = _owner(session, signer, token, now)
    if contact_id is None:
        return
    workspace_id = session.scalar(
        update(Contact)
        .where(
            Contact.id == contact_id,
            Contact.erased_at.is_(None),
            Contact.fresh_link_at.is_(None) | (Contact.fresh_link_at <= now - FRESH_EVERY),
        )
        .values(fresh_link_at=now)
        .returning(Contact.workspace_id)
        .execution_options(synchronize_session=False)
    )
    if workspace_id is None:
        return
    draft = Draft(
        workspace_id=workspace_id,
        contact_id=contact_id,
        notice=Notice.FRESH_LINK,
        dedupe_key=f"fresh:{contact_id}:{now:%Y%m%dT%H%M%S}",
        due_at=now,
    )
    queue(session, [draft], now=now)


def _owner(session: Session, signer: LinkSigner, token: str, now: datetime) -> int | None:
    try:
        return open_pay(session, signer, token, now=now).contact_id
    except DeadLink as dead:
        return dead.contact_id
