"""Scenes with money: a group whose members say they paid, and who reads about it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.services.claims import claim_payments
from substrack.store import Attempt, Event, Group, Member, Message, Payment, Receipt
from tests.support.cast import Cast
from tests.web.support import NOW


def youtube_of(cast: Cast, *names: str) -> dict[str, Member]:
    """Set up YouTube Premium at 8.97, each 2.99 in February and March; return the members by name."""
    group = cast.group("YouTube Premium", f"{2.99 * (len(names) + 1):.2f}")
    members = {name: cast.join(group, name) for name in names}
    cast.tick(NOW)
    cast.tick(NOW)
    return members


def join_again(cast: Cast, group: Group, name: str) -> Member:
    """Let somebody who is known join another group, whose periods open."""
    member = cast.join(group, name)
    cast.tick(NOW)
    return member


def claim(cast: Cast, member: Member, *sequences: int, **terms: Any) -> Attempt:
    """Let a member say that they paid for these periods."""
    payments = [cast.payment_of(member, sequence).id for sequence in sequences or (1,)]
    by = Actor.contact(member.contact_id)
    (attempt,) = cast.do(claim_payments, member.contact_id, payments, by=by, now=NOW, **terms)
    return attempt


def status_of(cast: Cast, member: Member, sequence: int = 1) -> str:
    """Say which status a payment is in."""
    return cast.payment_of(member, sequence).status.value


def payment_now(cast: Cast, payment: Payment) -> Payment:
    """Load a payment as it is now."""
    return cast.payments(id=payment.id)[0]


def receipts(cast: Cast) -> list[Receipt]:
    """List the receipts that count, without own shares, oldest first."""
    query = select(Receipt).where(Receipt.source != "own", Receipt.voided_at.is_(None)).order_by(Receipt.id)
    return cast.read(lambda session: list(session.scalars(query)))


def answers_to(cast: Cast, member: Member) -> list[str]:
    """List the answers queued for a member, without what was cancelled and what only asks."""
    query = select(Message).where(Message.contact_id == member.contact_id).order_by(Message.id)
    found = cast.read(lambda session: list(session.scalars(query)))
    asking = ("request", "reminder", "welcome")
    return [one.notice.value for one in found if one.notice not in asking and one.state == "queued"]


def verbs(cast: Cast, payment: Payment) -> list[str]:
    """List what happened to a payment, oldest first."""
    query = select(Event.verb).where(Event.payment_id == payment.id).order_by(Event.id)
    return cast.read(lambda session: list(session.scalars(query)))
