"""The links of one letter: renewed or issued when it is put into words, so that they live from then on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.letters import LetterLinks
from substrack.domain.notices import Notice, rules_of
from substrack.services.links import (
    LinkSigner,
    issue_link,
    renew_decide_link,
    renew_pay_link,
    renew_unsubscribe_link,
)
from substrack.store import Link, LinkPurpose, Message, RoleGrant


def links_for(session: Session, message: Message, signer: LinkSigner, *, now: datetime) -> LetterLinks:
    """Write the URLs a message may carry: pay and unsubscribe where its notice has them, decide, account."""
    rules = rules_of(message.notice)
    return LetterLinks(
        home=signer.absolute(""),
        review=signer.absolute("/review"),
        pay=_pay(session, message, signer, now) if rules.carries_pay_link else None,
        decide=_decide(session, message, signer, now) if message.notice is Notice.CLAIM_RECEIVED else None,
        unsubscribe=_unsubscribe(session, message, signer, now) if rules.is_asking else None,
        account=_account(session, message, signer),
    )


def _pay(session: Session, message: Message, signer: LinkSigner, now: datetime) -> str | None:
    if message.contact_id is None:
        return None
    return signer.url(renew_pay_link(session, message.contact_id, workspace_id=message.workspace_id, now=now))


def _unsubscribe(session: Session, message: Message, signer: LinkSigner, now: datetime) -> str | None:
    if message.address_id is None:
        return None
    link = renew_unsubscribe_link(session, message.address_id, workspace_id=message.workspace_id, now=now)
    return signer.url(link)


def _decide(session: Session, message: Message, signer: LinkSigner, now: datetime) -> str:
    """One live link per admin and claim: whoever presses it decides as the user it was sent to."""
    attempt_id = message.payload["attempt_id"]
    user_id = session.scalar(select(RoleGrant.user_id).where(RoleGrant.contact_id == message.contact_id))
    link = None
    if message.contact_id is not None and user_id is not None:
        link = renew_decide_link(session, message.contact_id, user_id=user_id, attempt_id=attempt_id, now=now)
    if link is None:
        link = issue_link(
            session,
            LinkPurpose.DECIDE,
            now=now,
            workspace_id=message.workspace_id,
            contact_id=message.contact_id,
            user_id=user_id,
            attempt_id=attempt_id,
        )
    return signer.url(link)


def _account(session: Session, message: Message, signer: LinkSigner) -> str | None:
    link = session.get(Link, message.payload["link_id"]) if "link_id" in message.payload else None
    return signer.url(link) if link else None
