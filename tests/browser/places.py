"""Where the pages of a house are: the ids and links of what one waiting claim is about, and of its people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from substrack.services.links import issue_link, renew_pay_link, renew_unsubscribe_link
from substrack.store import (
    Address,
    Attempt,
    AttemptItem,
    Contact,
    Group,
    Link,
    LinkPurpose,
    Member,
    Message,
    Payment,
    Period,
    User,
)
from tests.support.cast import Cast


def find_places(cast: Cast, attempt: Attempt, *, owing: int, settled: int, now: datetime) -> dict[str, str]:
    """Name what stands in addresses; `owing` and `settled` are contacts who still owe and who do not."""
    claimed = select(Payment).join(AttemptItem).where(AttemptItem.attempt_id == attempt.id)
    noted = select(Payment.objection).where(Payment.workspace_id == cast.workspace_id)
    sent = select(Message).where(Message.state == "sent", Message.contact_id == attempt.contact_id)
    with cast.runtime.reading() as session:
        payment = session.scalars(claimed.order_by(Payment.id).limit(1)).one()
        ids = {
            "claim": attempt.public_id,
            "payment": payment.public_id,
            "group": session.get_one(Group, payment.group_id).public_id,
            "period": session.get_one(Period, payment.period_id).public_id,
            "member": session.get_one(Member, payment.member_id).public_id,
            "person": session.get_one(Contact, payment.contact_id).public_id,
            "payer": session.get_one(Contact, payment.payer_id).public_id,
            "debtor": session.get_one(Contact, owing).public_id,
            "currency": payment.currency,
            "user": session.get_one(User, cast.olga.id).public_id,
            "objection": session.scalars(noted.where(Payment.objection.is_not(None))).first() or "",
            "message": session.scalars(sent.order_by(Message.id).limit(1)).one().public_id,
        }
    return (
        ids | _pay_links(cast, attempt.contact_id, owing, settled, now) | _account_links(cast, attempt, now)
    )


def _pay_links(cast: Cast, waiting: int, owing: int, settled: int, now: datetime) -> dict[str, str]:
    terms: dict[str, Any] = {"workspace_id": cast.workspace_id, "now": now}
    address = cast.read(
        lambda session: session.scalars(select(Address.id).where(Address.contact_id == waiting)).first()
    )
    return {
        "waiting": _token(cast, cast.do(renew_pay_link, waiting, **terms)),
        "owing": _token(cast, cast.do(renew_pay_link, owing, **terms)),
        "settled": _token(cast, cast.do(renew_pay_link, settled, **terms)),
        "unsubscribe": _token(cast, cast.do(renew_unsubscribe_link, address, **terms)),
    }


def _account_links(cast: Cast, attempt: Attempt, now: datetime) -> dict[str, str]:
    terms: dict[str, Any] = {"workspace_id": cast.workspace_id, "now": now}
    own = terms | {"contact_id": cast.olga_contact, "user_id": cast.olga.id}
    invited = terms | {"contact_id": attempt.contact_id, "email": "ada@example.org"}
    return {
        "decide": _token(cast, cast.do(issue_link, LinkPurpose.DECIDE, attempt_id=attempt.id, **own)),
        "reset": _token(cast, cast.do(issue_link, LinkPurpose.RESET, **own)),
        "invite": _token(cast, cast.do(issue_link, LinkPurpose.INVITE, **invited)),
    }


def _token(cast: Cast, link: Link) -> str:
    return cast.runtime.signer.token(link.purpose, link.jti)
