"""People who join a new group together with it, under locks that are taken at once.

Everybody known and every mailbox is locked before the first of them joins: one by one, two lists of the same
people in another order would wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import Refused
from substrack.domain.money import Money
from substrack.domain.terms import GroupTerms
from substrack.queries.group_form import find_at
from substrack.services.access import check_admin
from substrack.services.groups import create_group, default_payer
from substrack.services.locks import lock_contacts, lock_mailbox
from substrack.services.mailboxes import check_email, keep_first_email
from substrack.services.members import add_member
from substrack.store import Group


class GuestRefused(Refused):
    """One of the people who were to join a new group can't be added; says who (`name`) and why (`why`)."""

    field = "people"

    def __init__(self, name: str, why: Refused) -> None:
        self.name, self.why = name, why
        super().__init__("%(name)s: %(why)s", name=name, why=why)


@dataclass(frozen=True)
class Newcomer:
    """Somebody known (`contact_id`) or new, with an address if one was given, and what they bear."""

    name: str
    email: str | None = None
    contact_id: int | None = None
    weight: int = 1
    fixed: Money | None = None

    @property
    def mailbox(self) -> str | None:
        """The case-folded address."""
        return check_email(self.email).casefold() if self.email else None


def create_group_with(
    session: Session,
    workspace_id: int,
    terms: GroupTerms,
    newcomers: Sequence[Newcomer],
    *,
    shares_mailbox: bool = False,
    wanted_again: bool = False,
    by: Actor,
    now: datetime,
    press: str | None = None,
) -> Group:
    """Write a group as `create_group` does, and let people join it; an address is kept for whoever has none.

    Raises:
        GuestRefused: one of them can't join, for a reason of `add_member` or `set_email`.
        WrongEmail; what `create_group` raises.
    """
    check_admin(session, by, workspace_id)
    payer_id = terms.payer_id or default_payer(session, workspace_id, by)
    _hold(session, workspace_id, payer_id, newcomers)
    group = create_group(session, workspace_id, terms, by=by, now=now, press=press)
    answers = {"shares_mailbox": shares_mailbox, "wanted_again": wanted_again}
    for one in newcomers:
        try:
            _add(session, group.id, one, answers, by=by, now=now)
        except Refused as refused:
            raise GuestRefused(one.name, refused) from None
    return group


def _hold(session: Session, workspace_id: int, payer_id: int, newcomers: Sequence[Newcomer]) -> None:
    """Lock the payer and the known, then the mailboxes, then who was written there while this waited."""
    mailboxes = {one.mailbox for one in newcomers if one.mailbox}
    known = {payer_id, *(one.contact_id for one in newcomers if one.contact_id)}
    known |= _there(session, workspace_id, newcomers)
    lock_contacts(session, known)
    for mailbox in sorted(mailboxes):
        lock_mailbox(session, workspace_id, mailbox)
    lock_contacts(session, _there(session, workspace_id, newcomers) - known)


def _there(session: Session, workspace_id: int, newcomers: Sequence[Newcomer]) -> set[int]:
    """Find who is known by the name and mailbox of somebody who is taken for new."""
    new = {(one.mailbox, one.name.casefold()) for one in newcomers if one.email and not one.contact_id}
    if not new:
        return set()
    at = find_at(session, workspace_id, [mailbox for mailbox, _ in new if mailbox])
    return {one.id for key, there in at.items() for one in there if (key, one.name.casefold()) in new}


def _add(
    session: Session, group_id: int, one: Newcomer, answers: dict[str, Any], *, by: Actor, now: datetime
) -> None:
    add_member(
        session,
        group_id,
        contact_id=one.contact_id,
        name=one.name,
        email=one.email,
        weight=one.weight,
        fixed=one.fixed,
        **answers,
        by=by,
        now=now,
    )
    if one.contact_id is not None:
        keep_first_email(session, one.contact_id, one.email, **answers, by=by, now=now)
