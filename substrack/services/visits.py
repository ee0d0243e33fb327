"""Who comes in by a link: what the pages behind `/pay`, `/decide` and `/unsubscribe` may act on.

Reads only. The token is the authority and nothing else is asked; who may do what with it is decided by the
services that act.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from substrack.services.links import DeadLink, LinkSigner, open_link
from substrack.store import LinkPurpose


@dataclass(frozen=True)
class PayVisit:
    """Whose member's page a link opens."""

    workspace_id: int
    contact_id: int


@dataclass(frozen=True)
class DecideVisit:
    """Which claim a link is about, and the user who decides by it."""

    workspace_id: int
    attempt_id: int
    user_id: int


def open_pay(session: Session, signer: LinkSigner, token: str, *, now: datetime) -> PayVisit:
    """Find whose page a token opens.

    Raises:
        DeadLink.
    """
    link = open_link(session, signer, LinkPurpose.PAY, token, now=now)
    if link.workspace_id is None or link.contact_id is None:
        raise DeadLink
    return PayVisit(link.workspace_id, link.contact_id)


def open_decide(session: Session, signer: LinkSigner, token: str, *, now: datetime) -> DecideVisit:
    """Find which claim a token lets which admin decide.

    Raises:
        DeadLink.
    """
    link = open_link(session, signer, LinkPurpose.DECIDE, token, now=now)
    if link.workspace_id is None or link.attempt_id is None or link.user_id is None:
        raise DeadLink
    return DecideVisit(link.workspace_id, link.attempt_id, link.user_id)


def open_unsubscribe(session: Session, signer: LinkSigner, token: str, *, now: datetime) -> int:
    """Find the key of the address whose requests a token may stop.

    Raises:
        DeadLink.
    """
    link = open_link(session, signer, LinkPurpose.UNSUBSCRIBE, token, now=now)
    if link.address_id is None:
        raise DeadLink
    return link.address_id
