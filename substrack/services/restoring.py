"""After a restore: what the books of yesterday must not do today.

Nothing is sent until somebody says so. Browsers are signed out. Links that let somebody become somebody
(set-up, new password, invitation, a chat's code) are dead, for they may have been used since; those that
people keep, to their own page above all, live on. Whoever may have been asked since the backup counts as
asked today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.cycles import local_date
from substrack.domain.delivery import WAITING, MessageState
from substrack.domain.notices import OPENS_AN_ACCOUNT
from substrack.domain.payments import ASKABLE
from substrack.queries.batches import in_batches
from substrack.queries.erasures import Remembered
from substrack.queries.held import load_held
from substrack.queries.workspaces import list_workspaces
from substrack.services.erasing import erase_again
from substrack.services.installation import MAY_HAVE_GONE_OUT, hold_after_restore
from substrack.services.journal import record
from substrack.services.links import LIFETIMES
from substrack.services.suppression import suppress_digest
from substrack.store import (
    Contact,
    Group,
    Link,
    LinkPurpose,
    Member,
    Message,
    Payment,
    UserSession,
    Workspace,
)

MAKES_SOMEBODY = (
    LinkPurpose.SETUP,
    LinkPurpose.RESET,
    LinkPurpose.INVITE,
    LinkPurpose.CHAT,
    LinkPurpose.ENTER,
)


@dataclass(frozen=True)
class Settled:
    """What a restore has ended, whom it lets rest, and how many messages may have gone out already."""

    reason: str
    sessions_ended: int
    links_ended: int
    people_resting: int
    messages_waiting: int
    erased_again: int = 0


def settle_restored(
    session: Session,
    *,
    made_at: datetime,
    erasures: Sequence[Remembered] = (),
    has_new_key: bool = False,
    by: Actor,
    now: datetime,
) -> Settled:
    """Make books that were just restored safe to go on with; `made_at` is when their backup was made.

    Whoever was erased since (`erasures`) is erased again, and the addresses remembered there are suppressed.
    With a new key nothing finds those any more (`has_new_key`), so all addresses of these people are.
    """
    last = session.scalar(select(func.max(Message.id))) or 0
    reason = hold_after_restore(session, made_at=made_at, upto=last, now=now)
    sessions = _end_sessions(session, now)
    links = _end_links(session, now)
    _keep_pay_links(session, made_at, now)
    resting = sum(_let_rest(session, row.id, row.time_zone, now) for row in list_workspaces(session))
    _record(session, made_at, by, now)
    session.flush()
    erased = sum(_erase_again(session, one, by, now, suppresses=has_new_key) for one in erasures)
    held = load_held(session)
    return Settled(reason, sessions, links, resting, held.total if held else 0, erased)


def _end_sessions(session: Session, now: datetime) -> int:
    ended = update(UserSession).where(UserSession.ended_at.is_(None)).values(ended_at=now)
    return len(session.scalars(ended.returning(UserSession.id)).all())


def _end_links(session: Session, now: datetime) -> int:
    """End links that make somebody, and the messages that would still bring them."""
    ended = (
        update(Link)
        .where(Link.purpose.in_(MAKES_SOMEBODY), Link.revoked_at.is_(None), Link.used_at.is_(None))
        .values(revoked_at=now)
        .returning(Link.id)
    )
    session.execute(
        update(Message)
        .where(Message.notice.in_(OPENS_AN_ACCOUNT), Message.state.in_(WAITING))
        .values(
            state=MessageState.CANCELLED, last_error=MAY_HAVE_GONE_OUT, lease_token=None, lease_until=None
        )
    )
    return len(session.scalars(ended).all())


def _keep_pay_links(session: Session, made_at: datetime, now: datetime) -> None:
    """Let the links to people's own pages live as long as if a message had carried them today.

    Messages since the backup have renewed them; that is lost, and the links are in people's mailboxes.
    """
    session.execute(
        update(Link)
        .where(Link.purpose == LinkPurpose.PAY, Link.revoked_at.is_(None), Link.expires_at > made_at)
        .values(expires_at=now + LIFETIMES[LinkPurpose.PAY])
    )


def _let_rest(session: Session, workspace_id: int, time_zone: str, now: datetime) -> int:
    """Count as asked today whoever time would have asked since the backup: it may have done so."""
    today = local_date(now, time_zone)
    contact_ids = {
        *_with_payment_due(session, workspace_id, now),
        *_with_period_due(session, workspace_id, now),
    }
    for some in in_batches(contact_ids):
        session.execute(update(Contact).where(Contact.id.in_(some)).values(requested_on=today))
    return len(contact_ids)


def _with_payment_due(session: Session, workspace_id: int, now: datetime) -> Sequence[int]:
    query = select(Payment.contact_id).where(
        Payment.workspace_id == workspace_id,
        Payment.status.in_(ASKABLE),
        Payment.voided_at.is_(None),
        Payment.next_action_at <= now,
    )
    return session.scalars(query.distinct()).all()


def _with_period_due(session: Session, workspace_id: int, now: datetime) -> Sequence[int]:
    query = (
        select(Member.contact_id)
        .join(Group, Group.id == Member.group_id)
        .where(
            Group.workspace_id == workspace_id,
            Group.next_open_at <= now,
            Member.contact_id != Group.payer_id,
            or_(Member.left_on.is_(None), Member.left_on > now.date()),
        )
    )
    return session.scalars(query.distinct()).all()


def _erase_again(session: Session, one: Remembered, by: Actor, now: datetime, *, suppresses: bool) -> bool:
    home = session.scalar(select(Workspace.id).where(Workspace.public_id == one.workspace))
    if home is not None and one.address is not None:
        suppress_digest(session, home, one.address, now=now)
    if one.person is None:
        return False
    return erase_again(session, one.person, suppresses=suppresses, by=by, now=now) is not None


def _record(session: Session, made_at: datetime, by: Actor, now: datetime) -> None:
    for row in list_workspaces(session):
        record(
            session,
            "restore",
            by=by,
            now=now,
            workspace_id=row.id,
            subject_kind="workspace",
            subject_id=row.id,
            after={"made_on": local_date(made_at, row.time_zone).isoformat()},
        )
