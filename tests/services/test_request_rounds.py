"""Claims about rounds of requests: what is open again is asked for anew, and its admins hear anew."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from substrack.domain.actors import Actor
from substrack.domain.cycles import Unit
from substrack.domain.delivery import MessageState
from substrack.domain.notices import REQUESTS, Notice
from substrack.domain.payments import ReopenCause, Status
from substrack.queries.faults import only
from substrack.queries.groups import load_terms
from substrack.queries.payment_faults import payment_faults
from substrack.services.asking import sweep_payments
from substrack.services.asking_now import ask_people, note_asked_by_hand
from substrack.services.asking_undo import stop_asking
from substrack.services.claims import claim_payments
from substrack.services.delivery import clear_lane
from substrack.services.group_edits import edit_group
from substrack.services.members import leave_group
from substrack.services.payments import (
    confirm_payment,
    reject_payment,
    reopen_payment,
    unwaive_payment,
    waive_payment,
)
from substrack.services.receipts import void_receipt
from substrack.services.voiding import restore_period, void_period
from substrack.store import Contact, Group, Member, Message, MessageItem, Payment, Receipt
from tests.support.books import check_books
from tests.support.cast import Cast, at

CLAIMED = at("2026-02-16")


@dataclass
class Scene:
    """A yearly group of olga and ben from 1 February 2026 that asks twice: on the 4th and the 7th."""

    cast: Cast
    group: Group
    ben: Member

    def live(self, since: str, until: str, *, sends: bool = True) -> None:
        """Let a worker tick at noon of these days, and send what it queues."""
        day, last = date.fromisoformat(since), date.fromisoformat(until)
        while day <= last:
            now = at(day.isoformat())
            self.cast.tick(now)
            if sends:
                self.cast.send(now)
            day += timedelta(days=1)

    def due(self) -> Payment:
        return self.cast.payment_of(self.ben)

    def person(self) -> Contact:
        return self.cast.read(lambda session: session.get_one(Contact, self.ben.contact_id))

    def as_olga(self, act: Callable[..., Any], now: datetime, **terms: Any) -> Any:
        return self.cast.do(act, self.due().id, by=self.cast.olga, now=now, **terms)

    def ask(self, now: datetime) -> str:
        asked = self.cast.do(
            ask_people, self.cast.workspace_id, [self.ben.contact_id], by=self.cast.olga, now=now
        )
        return asked[0].correlation_id

    def edit(self, now: datetime, **terms: Any) -> None:
        self.cast.do(edit_group, self.group.id, self.terms(**terms), by=self.cast.olga, now=now)

    def terms(self, **changed: Any) -> Any:
        return replace(self.cast.read(lambda session: load_terms(session, self.group.id)), **changed)

    def asked_on(self) -> list[str]:
        """List the days on which ben was asked, as month and day."""
        found = self.cast.messages(contact_id=self.ben.contact_id)
        return [one.created_at.strftime("%m-%d") for one in found if one.notice in REQUESTS]

    def told_on(self) -> list[str]:
        """List the days on which olga was told that there is no answer."""
        found = self.cast.messages(notice=Notice.REQUESTS_EXHAUSTED)
        return [one.created_at.strftime("%m-%d") for one in found]

    def steps(self) -> list[int]:
        query = select(MessageItem.step).where(MessageItem.payment_id == self.due().id)
        query = query.join(Message, Message.id == MessageItem.message_id).where(Message.notice.in_(REQUESTS))
        return self.cast.read(lambda session: list(session.scalars(query.order_by(MessageItem.id))))


def make_scene(cast: Cast) -> Scene:
    group = cast.group(unit=Unit.YEAR, max_requests=2)
    return Scene(cast, group, cast.join(group, "Ben"))


def reject(scene: Scene) -> None:
    ben = scene.ben.contact_id
    scene.cast.do(claim_payments, ben, [scene.due().id], by=Actor.contact(ben), now=CLAIMED)
    scene.as_olga(reject_payment, CLAIMED, reason="nothing came")


def void_money(scene: Scene) -> None:
    scene.as_olga(confirm_payment, CLAIMED)
    query = select(Receipt.id).where(Receipt.contact_id == scene.ben.contact_id)
    receipt_id = scene.cast.read(lambda session: session.scalars(query).one())
    scene.cast.do(void_receipt, receipt_id, reason="bounced", by=scene.cast.olga, now=CLAIMED)


def unwaive(scene: Scene) -> None:
    scene.as_olga(waive_payment, CLAIMED, reason="gift")
    scene.as_olga(unwaive_payment, CLAIMED)


def reopen(scene: Scene) -> None:
    scene.as_olga(confirm_payment, CLAIMED)
    scene.as_olga(reopen_payment, CLAIMED, because=ReopenCause.NEVER_CAME)


def restore(scene: Scene) -> None:
    period_id = scene.due().period_id
    scene.cast.do(void_period, period_id, reason="twice", by=scene.cast.olga, now=CLAIMED)
    scene.cast.do(restore_period, period_id, by=scene.cast.olga, now=CLAIMED)


@pytest.mark.parametrize("opens_again", [reject, void_money, unwaive, reopen, restore])
def test_what_is_open_again_is_asked_for_anew_and_the_admins_hear_anew(
    scene: Scene, opens_again: Callable[[Scene], None]
) -> None:
    scene.live("2026-02-01", "2026-02-15")
    assert (scene.asked_on(), scene.told_on()) == (["02-04", "02-07"], ["02-10"])
    assert scene.due().requests_sent == 2

    opens_again(scene)
    scene.live("2026-02-16", "2026-03-20")

    assert scene.asked_on() == ["02-04", "02-07", "02-19", "02-26"]
    assert scene.told_on() == ["02-10", "03-05"]
    payment = scene.due()
    assert (payment.status, payment.next_action_at) == (Status.OVERDUE, None)
    assert (payment.requests_sent, payment.requests_before) == (4, 2)
    scene.cast.read(check_books)


def test_asking_now_in_the_last_slot_keeps_the_admins_word(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-08")
    scene.ask(at("2026-02-09"))
    scene.live("2026-02-09", "2026-03-20")
    assert (scene.asked_on(), scene.told_on()) == (["02-04", "02-07", "02-09"], ["02-12"])
    assert scene.due().requests_sent == 3
    assert scene.steps() == [1, 2, 3]


def test_asking_by_hand_in_the_last_slot_keeps_the_admins_word(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-08")
    scene.cast.do(note_asked_by_hand, scene.ben.contact_id, by=scene.cast.olga, now=at("2026-02-09"))
    scene.live("2026-02-09", "2026-03-20")
    assert scene.told_on() == ["02-12"]


def test_asking_once_more_on_purpose_does_not_tell_the_admins_again(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-12")
    scene.ask(at("2026-02-13"))
    scene.live("2026-02-13", "2026-03-20")
    assert (scene.asked_on(), scene.told_on()) == (["02-04", "02-07", "02-13"], ["02-10"])
    assert scene.due().next_action_at is None


def test_a_raised_maximum_goes_on_asking_and_the_admins_hear_when_it_is_used_up(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-12")
    scene.edit(at("2026-02-12"), max_requests=3)
    scene.live("2026-02-13", "2026-03-20")
    assert (scene.asked_on(), scene.told_on()) == (["02-04", "02-07", "02-13"], ["02-10", "02-20"])


def test_a_lowered_maximum_tells_the_admins_at_the_next_slot(scene: Scene) -> None:
    scene.edit(at("2026-01-06"), max_requests=8)
    scene.live("2026-02-01", "2026-02-08")
    scene.edit(at("2026-02-08"), max_requests=1)
    scene.live("2026-02-09", "2026-02-12")
    assert (scene.asked_on(), scene.told_on()) == (["02-04", "02-07"], ["02-10"])


def test_taking_back_asking_leaves_the_admins_told(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-12")
    before = scene.due()
    scene.edit(at("2026-02-12"), max_requests=3)
    correlation_id = scene.ask(at("2026-02-12"))
    assert scene.due().exhausted_at is None

    soon = at("2026-02-12") + timedelta(seconds=5)
    assert scene.cast.do(stop_asking, correlation_id, by=scene.cast.olga, now=soon)

    assert scene.due().exhausted_at == before.exhausted_at == at("2026-02-10")


def test_taking_back_asking_leaves_a_round_that_began_since_as_it_is(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-12")
    scene.edit(at("2026-02-12"), max_requests=3)
    correlation_id = scene.ask(at("2026-02-12"))
    soon = at("2026-02-12") + timedelta(seconds=5)
    scene.as_olga(waive_payment, soon, reason="a slip")
    scene.as_olga(unwaive_payment, soon)

    assert scene.cast.do(stop_asking, correlation_id, by=scene.cast.olga, now=soon)

    assert scene.due().exhausted_at is None
    scene.cast.read(check_books)
    scene.live("2026-02-13", "2026-03-20")
    assert len(scene.told_on()) == 2


def test_what_no_request_left_for_lapses_once_nobody_asks_any_more(scene: Scene) -> None:
    """Each mail is given up for good, as when a server refuses it for what it says."""
    for day in range(1, 21):
        scene.live(f"2026-02-{day:02}", f"2026-02-{day:02}", sends=False)
        with scene.cast.runtime.transaction() as session:
            session.execute(update(Message).values(state=MessageState.DEAD))
    assert scene.told_on() == ["02-10"]
    assert scene.due().status is Status.OVERDUE


def test_a_request_on_its_way_while_a_round_begins_counts_for_the_round_before(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-04", sends=False)
    scene.as_olga(waive_payment, at("2026-02-04"), reason="gift")
    scene.as_olga(unwaive_payment, at("2026-02-04"))
    clear(scene.cast, at("2026-02-06"))
    payment = scene.due()
    assert (payment.requests_sent, payment.requests_before) == (0, 0)
    scene.live("2026-02-06", "2026-02-18")
    assert (scene.asked_on(), scene.told_on()) == (["02-04", "02-07", "02-10"], ["02-13"])


def test_time_has_nothing_to_do_with_what_leavers_never_heard_of(scene: Scene) -> None:
    scene.cast.tick(at("2026-02-01"))
    terms = {"by": scene.cast.olga, "now": at("2026-02-02")}
    scene.cast.do(leave_group, scene.ben.id, left_on=date(2026, 2, 4), **terms)
    scene.live("2026-02-02", "2026-02-20")

    assert (scene.due().status, scene.due().next_action_at) == (Status.PENDING, None)
    assert scene.cast.do(sweep_payments, now=at("2026-06-01")).seen == 0
    assert scene.asked_on() == []
    assert scene.cast.read(lambda session: list(payment_faults(session, only(scene.due().id)))) == []
    scene.cast.read(check_books)


def test_what_a_leaver_was_asked_for_lapses(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-04")
    scene.cast.do(leave_group, scene.ben.id, by=scene.cast.olga, now=at("2026-02-05"))
    scene.live("2026-02-05", "2026-02-15")
    assert (scene.due().status, scene.due().next_action_at) == (Status.OVERDUE, None)


def clear(cast: Cast, now: datetime) -> None:
    """Cancel what is stale, as a worker does that cannot send."""
    cast.do(clear_lane, cast.messages()[0].lane, now=now)
