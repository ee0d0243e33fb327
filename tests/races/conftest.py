"""The scene of the races: a group of three, ben owes 2.99, two admins are told of everything."""

from dataclasses import dataclass

import pytest
from sqlalchemy import func, select

from substrack.domain.actors import Actor
from substrack.services.claims import claim_payments
from substrack.store import Attempt, Event, Group, Member, Message, Payment
from tests.support.books import check_books
from tests.support.cast import Cast, at

NOW = at("2026-02-02")


@dataclass
class Race:
    """One payment that everybody reaches for, and counts of what came of it."""

    cast: Cast
    ada: Actor
    group: Group
    ben: Member
    mia: Member

    @property
    def payment(self) -> Payment:
        return self.cast.payment_of(self.ben)

    def claim(self) -> list[Attempt]:
        """Say "I've paid", as ben."""
        keys, by = [self.payment.id], Actor.contact(self.ben.contact_id)
        return self.cast.do(claim_payments, self.ben.contact_id, keys, by=by, now=NOW)

    def events(self, *verbs: str) -> int:
        """Count the lines of ben's payment's history with these verbs."""
        query = select(func.count()).select_from(Event)
        query = query.where(Event.payment_id == self.payment.id, Event.verb.in_(verbs))
        return self.cast.read(lambda session: session.scalar(query)) or 0

    def notices(self) -> list[tuple[str, int]]:
        """List what was queued so far: kind and recipient."""
        query = select(Message.notice, Message.contact_id).order_by(Message.notice, Message.contact_id)
        rows = self.cast.read(lambda session: session.execute(query).all())
        return [(notice.value, contact_id or 0) for notice, contact_id in rows]

    def check_books(self) -> None:
        """Check that the whole ledger still adds up."""
        self.cast.read(check_books)


@pytest.fixture
def race(cast: Cast) -> Race:
    ada = cast.second_admin()
    group = cast.group(price="8.97")
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    return Race(cast, ada, group, ben, mia)
