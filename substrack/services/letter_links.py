"""The links of one letter: renewed or issued when it is put into words, so that they live from then on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, bindparam, insert, select, update
from sqlalchemy.orm import Session

from substrack.domain.letter_links import LetterLinks
from substrack.domain.notices import Notice, rules_of
from substrack.queries.prepared import prepared
from substrack.services.links import (
    LIFETIMES,
    LinkSigner,
    issue_link,
    new_jti,
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


class PlannedLink(NamedTuple):
    """A link as a letter carries it before it is written or renewed; without `id` it is a new one."""

    id: int | None
    purpose: LinkPurpose
    jti: str
    workspace_id: int
    contact_id: int
    address_id: int | None


LinkKey = tuple[LinkPurpose, int | None]
"""A purpose and whose: a pay link is a contact's, one to unsubscribe an address's."""


def load_live_links(session: Session, contact_ids: Iterable[int]) -> dict[LinkKey, PlannedLink]:
    """Load the links that mails to these people carry; one statement."""
    links = map(PlannedLink._make, session.execute(*_live_of(sorted(contact_ids))))
    return {key_of(link): link for link in links}


@prepared
def _live_of(contact_ids: list[int]) -> Select[*tuple[Any, ...]]:
    query = select(Link.id, Link.purpose, Link.jti, Link.workspace_id, Link.contact_id, Link.address_id)
    return query.where(
        Link.contact_id.in_(contact_ids),
        Link.purpose.in_((LinkPurpose.PAY, LinkPurpose.UNSUBSCRIBE)),
        Link.revoked_at.is_(None),
    ).order_by(Link.id.desc())


def plan_links(message: Message, live: Mapping[LinkKey, PlannedLink]) -> tuple[PlannedLink, ...]:
    """Choose the links of a mail among those that live, or draw new ones; nothing is written."""
    rules, contact_id = rules_of(message.notice), message.contact_id
    if contact_id is None:
        return ()
    new = PlannedLink(None, LinkPurpose.PAY, "", message.workspace_id, contact_id, None)
    wanted = [new] if rules.carries_pay_link else []
    if rules.is_asking:
        wanted.append(new._replace(purpose=LinkPurpose.UNSUBSCRIBE, address_id=message.address_id))
    return tuple(live.get(key_of(link)) or link._replace(jti=new_jti()) for link in wanted)


def planned_urls(links: Iterable[PlannedLink], signer: LinkSigner) -> LetterLinks:
    """Write the URLs of a mail that carries these links."""
    urls = {link.purpose: signer.url(link) for link in links}
    return LetterLinks(
        home=signer.absolute(""),
        review=signer.absolute("/review"),
        pay=urls.get(LinkPurpose.PAY),
        unsubscribe=urls.get(LinkPurpose.UNSUBSCRIBE),
    )


def are_as_planned(links: Iterable[PlannedLink], live: Mapping[LinkKey, PlannedLink]) -> bool:
    """Tell whether links can be written as planned: those found still live, and no other was made."""
    return all(
        link.jti == now.jti if (now := live.get(key_of(link))) is not None else link.id is None
        for link in links
    )


def write_links(
    session: Session, links: Iterable[PlannedLink], live: Mapping[LinkKey, PlannedLink], *, now: datetime
) -> None:
    """Let links live from now on: write the new ones and renew the others; two statements."""
    chosen = {key_of(link): link for link in links}
    new = [link for key, link in chosen.items() if key not in live]
    old = [live[key] for key in chosen if key in live]
    if new:
        session.execute(insert(_LINKS), [_new_row(link, now) for link in new])
    if old:
        session.execute(_RENEWED, [{"key": link.id, "until": now + LIFETIMES[link.purpose]} for link in old])


_LINKS: Any = Link.__table__
_RENEWED: Final = update(_LINKS).where(_LINKS.c.id == bindparam("key")).values(expires_at=bindparam("until"))


def _new_row(link: PlannedLink, now: datetime) -> dict[str, Any]:
    row = link._asdict() | {"created_at": now, "expires_at": now + LIFETIMES[link.purpose]}
    del row["id"]
    return row


def key_of(link: PlannedLink) -> LinkKey:
    """Say whose a link is, and what it is good for."""
    return link.purpose, link.contact_id if link.purpose is LinkPurpose.PAY else link.address_id


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
