"""The cast: olga pays and administers, ben and mia are members, zed is a stranger in a workspace of his own.

Everything is made through the services, in transactions of their own, as an edge would.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.domain.actors import OPERATOR, Actor
from substrack.domain.delivery import MessageState
from substrack.domain.letter_links import LetterLinks
from substrack.domain.money import Money
from substrack.domain.shares import SplitKind
from substrack.domain.terms import GroupTerms
from substrack.queries.letters import load_letter
from substrack.services.accounts import add_user
from substrack.services.founding import found_workspace
from substrack.services.groups import create_group
from substrack.services.members import add_member
from substrack.store import Group, Member, Message, Payment, Period, Role, RoleGrant, Workspace
from substrack.texts.letters import render
from substrack.worker.ticking import TickReport, tick

Result = TypeVar("Result")
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def at(day: str, hour: int = 11) -> datetime:
    """Name an instant by its UTC day and hour; at 11 UTC it is noon in Berlin in winter."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=UTC).replace(hour=hour)


@dataclass
class Cast:
    """One workspace with Olga in it, and short ways to act and look."""

    runtime: Runtime
    workspace_id: int
    olga: Actor
    olga_contact: int

    def do(self, work: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Run one service function in a transaction of its own."""
        with self.runtime.transaction() as session:
            return work(session, *args, **kwargs)

    def read(self, look: Callable[[Session], Result]) -> Result:
        """Look something up."""
        with self.runtime.reading() as session:
            return look(session)

    def group(self, name: str = "YouTube Premium", price: str = "17.99", **terms: Any) -> Group:
        """Set up a monthly group in euro, Berlin time, from 1 February 2026."""
        currency = terms.pop("currency", "EUR")
        split = terms.get("split", SplitKind.EQUAL)
        chosen: dict[str, Any] = {
            "name": name,
            "currency": currency,
            "starts_on": date(2026, 2, 1),
            "price": None if split is SplitKind.VARIABLE else money(price, currency),
            "time_zone": "Europe/Berlin",
        }
        return self.do(create_group, self.workspace_id, GroupTerms(**chosen | terms), by=self.olga, now=START)

    def join(self, group: Group, name: str, *, now: datetime = START, **terms: Any) -> Member:
        """Add a member; the address is made of the name."""
        email = terms.pop("email", f"{name.lower()}@example.org")
        return self.do(add_member, group.id, name=name, email=email, by=self.olga, now=now, **terms)

    def second_admin(self, name: str = "Ada") -> Actor:
        """Let somebody else administer as well; notices reach her like anyone."""
        user_id = self.do(
            add_user,
            self.workspace_id,
            email=f"{name.lower()}@example.org",
            name=name,
            password_hash=None,
            role=Role.ADMIN,
            by=self.olga,
            now=START,
        )
        return Actor.user(user_id)

    def send(self, now: datetime) -> list[Message]:
        """Take the queued messages that are due for sent, as a worker whose mail is always accepted."""
        with self.runtime.transaction() as session:
            due = select(Message).where(Message.state == MessageState.QUEUED, Message.due_at <= now)
            messages = list(session.scalars(due.order_by(Message.id)))
            for message in messages:
                message.state, message.sent_at = MessageState.SENT, now
        return messages

    def tick(self, now: datetime) -> TickReport:
        """Let time do what is due."""
        return tick(self.runtime, now=now)

    def payments(self, **where: Any) -> list[Payment]:
        """List payments, the payer's own included, in order of period and member."""
        query = select(Payment).filter_by(**where).order_by(Payment.period_id, Payment.member_id)
        return self.read(lambda session: list(session.scalars(query)))

    def payment_of(self, member: Member, sequence: int = 1) -> Payment:
        """Find what a member owes for a period."""
        query = (
            select(Payment)
            .join(Period, Period.id == Payment.period_id)
            .where(Payment.member_id == member.id, Period.sequence == sequence)
        )
        return self.read(lambda session: session.scalars(query).one())

    def messages(self, **where: Any) -> list[Message]:
        """List messages, oldest first."""
        query = select(Message).filter_by(**where).order_by(Message.id)
        return self.read(lambda session: list(session.scalars(query)))

    def text_of(self, message: Message, now: datetime = START) -> str:
        """Put a message into words as it would be sent now; empty when nothing is left to say."""
        links = LetterLinks(home="http://127.0.0.1:8000/", pay="http://127.0.0.1:8000/pay/x")
        letter = self.read(lambda session: load_letter(session, message, links=links, now=now))
        return render(letter).text if letter else ""

    def notices_to(self, contact_id: int) -> list[str]:
        """List the kinds of notices queued for a contact, oldest first."""
        return [message.notice.value for message in self.messages(contact_id=contact_id)]


def money(text: str, currency: str = "EUR") -> Money:
    """Write an amount as `money("2.99")`."""
    whole, _, cents = text.partition(".")
    exponent = Money(0, currency).exponent
    return Money(int(whole + cents.ljust(exponent, "0")), currency)


def make_cast(runtime: Runtime) -> Cast:
    """Found a workspace whose owner, olga, pays and administers; or find her at home."""
    with runtime.transaction() as session:
        owner = session.scalars(select(RoleGrant).order_by(RoleGrant.id)).first()
        if owner is not None:
            return _cast(runtime, session, owner.workspace_id, owner.user_id)
        founded = found_workspace(
            session,
            workspace_name="Olga's",
            time_zone="Europe/Berlin",
            name="Olga",
            email="olga@example.org",
            password_hash=None,
            by=OPERATOR,
            now=START,
        )
        return _cast(runtime, session, founded.workspace_id, founded.user_id)


def make_stranger(runtime: Runtime) -> Cast:
    """Make zed, who owns another workspace and must always be refused in olga's."""
    with runtime.transaction() as session:
        workspace = Workspace(name="Zed's", time_zone="UTC", created_at=START)
        session.add(workspace)
        session.flush()
        user_id = add_user(
            session,
            workspace.id,
            email="zed@example.net",
            name="Zed",
            password_hash=None,
            role=Role.OWNER,
            by=OPERATOR,
            now=START,
        )
        return _cast(runtime, session, workspace.id, user_id)


def _cast(runtime: Runtime, session: Session, workspace_id: int, user_id: int) -> Cast:
    grant = session.scalars(select(RoleGrant).where(RoleGrant.user_id == user_id)).one()
    return Cast(runtime, workspace_id, Actor.user(user_id), grant.contact_id)
