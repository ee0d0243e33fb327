"""Whoever left a group and is in it again is asked for all they owe there, whatever stay it is from."""

from dataclasses import dataclass
from datetime import date, datetime

from substrack.domain.notices import REQUESTS
from substrack.domain.payments import PaymentKind
from substrack.domain.shares import SplitKind
from substrack.queries.home_owing import load_leavers
from substrack.queries.open_payments import load_longest_due
from substrack.queries.pay_page import load_pay_page
from substrack.queries.pay_reach import load_reader
from substrack.services.asking_now import ask_people, note_asked_by_hand
from substrack.services.members import edit_member, leave_group
from substrack.services.periods import edit_period
from substrack.store import Group, Member, Payment, Period
from tests.support.books import check_books
from tests.support.cast import Cast, at, money

LEFT = at("2026-02-02")


@dataclass
class Scene:
    """February is open; Ben, who owes his share of it, left by mistake on the second."""

    cast: Cast
    group: Group
    ben: Member

    @property
    def due(self) -> Payment:
        return self.cast.payment_of(self.ben)

    def leave(self, member: Member, day: str, now: datetime = LEFT) -> None:
        on = date.fromisoformat(day)
        self.cast.do(leave_group, member.id, left_on=on, by=self.cast.olga, now=now)

    def come_back(self, day: str = "2026-02-02") -> Member:
        on = date.fromisoformat(day)
        return self.cast.join(self.group, "Ben", contact_id=self.ben.contact_id, joined_on=on, now=LEFT)

    def texts(self, until: str) -> list[str]:
        """Let the days go by; say what Ben was asked for."""
        for day in range(3, int(until[-2:]) + 1):
            now = at(f"{until[:8]}{day:02}")
            self.cast.tick(now)
            self.cast.send(now)
        found = self.cast.messages(contact_id=self.ben.contact_id)
        return [self.cast.text_of(one, one.created_at) for one in found if one.notice in REQUESTS]

    def leavers(self, today: str) -> list[str]:
        """Name whom home calls gone, and since when."""
        day = date.fromisoformat(today)
        rows = self.cast.read(
            lambda session: load_leavers(
                session, load_longest_due(session, self.cast.workspace_id), today=day
            )
        )
        return [f"{row.name} {row.left_on}" for row in rows]


def make_scene(cast: Cast) -> Scene:
    group = cast.group()
    ben, _mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    scene = Scene(cast, group, ben)
    scene.leave(ben, "2026-02-02")
    return scene


def test_what_they_owe_is_asked_for_again(scene: Scene) -> None:
    assert scene.due.next_action_at is None
    scene.come_back()
    assert scene.due.next_action_at == at("2026-02-04", 9)
    texts = scene.texts("2026-02-08")
    assert len(texts) == 2
    assert all("6.00" in text for text in texts)


def test_an_admin_can_ask_at_once_or_by_hand(scene: Scene) -> None:
    scene.come_back()
    cast, contact_id = scene.cast, scene.ben.contact_id
    cast.do(note_asked_by_hand, contact_id, by=cast.olga, now=at("2026-02-05"))
    asked = cast.do(ask_people, cast.workspace_id, [contact_id], by=cast.olga, now=at("2026-02-10"))
    assert [one.name for one in asked] == ["Ben"]


def test_their_page_and_home_call_them_gone_no_more(scene: Scene) -> None:
    assert scene.leavers("2026-02-03") == ["Ben 2026-02-02"]
    scene.come_back()
    assert scene.leavers("2026-02-03") == []
    page = scene.cast.read(
        lambda session: load_pay_page(
            session,
            scene.ben.contact_id,
            load_reader(session, scene.ben.contact_id),
            today=date(2026, 2, 3),
        )
    )
    assert [owing.has_left for owing in page.owing] == [False]


def test_whoever_comes_back_later_is_asked_until_then_too(scene: Scene) -> None:
    scene.come_back("2026-03-15")
    assert scene.texts("2026-02-04") != []


def test_whoever_leaves_again_is_asked_for_neither_stay(scene: Scene) -> None:
    again = scene.come_back()
    scene.leave(again, "2026-02-03", now=at("2026-02-03"))
    assert scene.due.next_action_at is None
    assert scene.leavers("2026-02-03") == ["Ben 2026-02-03"]
    assert scene.texts("2026-02-08") == []


def test_a_return_that_is_called_off_is_none(scene: Scene) -> None:
    again = scene.come_back("2026-03-15")
    scene.leave(again, "2026-03-15")
    assert scene.due.next_action_at is None
    assert scene.leavers("2026-02-03") == ["Ben 2026-02-02"]
    scene.cast.do(edit_member, again.id, joined_on=date(2026, 3, 1), by=scene.cast.olga, now=LEFT)
    assert scene.due.next_action_at == at("2026-02-04", 9)


def test_a_bill_that_comes_after_they_came_back_is_asked_for(cast: Cast) -> None:
    group = cast.group(split=SplitKind.VARIABLE)
    ben, _mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    cast.do(leave_group, ben.id, left_on=date(2026, 3, 1), by=cast.olga, now=at("2026-02-20"))
    cast.join(group, "Ben", contact_id=ben.contact_id, joined_on=date(2026, 3, 5), now=at("2026-03-05"))
    [february] = cast.read(lambda session: session.query(Period.id).filter(Period.sequence == 1).all())
    cast.do(edit_period, february.id, total=money("30.00"), by=cast.olga, now=at("2026-03-06"))
    due = cast.payment_of(ben)
    assert (due.kind, due.next_action_at) == (PaymentKind.DUES, at("2026-03-09", 9))
    cast.read(check_books)
