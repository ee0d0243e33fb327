"""Claims about changes that are looked at first: what is shown, that nothing changed, and who hears of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime
from substrack.domain.shares import PartPeriod, SplitKind
from substrack.services.groups import pause_group
from substrack.services.payments import adjust_payment
from substrack.services.prices import set_price
from substrack.store import Contact, Group, Member, Message, Period, Price
from substrack.worker.outbox import deliver_due
from tests.support.cast import Cast, money
from tests.web.admin import events, members_of, stranger
from tests.web.forms import apply, counted, fill, press, send
from tests.web.support import NOW, Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

FOUR = ("Ben", "Kim", "Mia", "You")
KIM = {"name": "Kim", "email": "kim@example.org"}


@pytest.fixture
def youtube(cast: Cast) -> Group:
    """Olga, ben and mia share 12.00; February and March are open."""
    group = cast.group("YouTube Premium", "12.00")
    for name in ("Ben", "Mia"):
        cast.join(group, name)
    cast.tick(NOW)
    return group


@pytest.fixture
def ben(cast: Cast, youtube: Group) -> Member:
    return members_of(cast, youtube)[1]


def _news(cast: Cast) -> dict[str, list[Message]]:
    """Collect what is queued about changes, by name."""
    wanted = ("share_changed", "price_change", "welcome")
    found: dict[str, list[Message]] = {}
    names = _names(cast)
    for message in cast.messages(state="queued"):
        if message.notice in wanted:
            found.setdefault(names[message.contact_id or 0], []).append(message)
    return found


def _names(cast: Cast) -> dict[int, str]:
    return cast.read(lambda session: {one.id: one.name for one in session.scalars(select(Contact))})


def _kinds(cast: Cast) -> dict[str, list[str]]:
    return {name: [one.notice.value for one in told] for name, told in _news(cast).items()}


def _told(cast: Cast, name: str) -> list[tuple[str, str, str]]:
    """Read from which day on somebody is told which share, and which so far."""
    texts = [cast.text_of(message, NOW).replace("\xa0", " ") for message in _news(cast)[name]]
    told = r"Counts from: (.+?)\n.*until then: ([\d.]+) .*new share: ([\d.]+) "
    found = [re.search(told, text, re.DOTALL) for text in texts]
    return sorted((one[1], one[2], one[3]) for one in found if one)


def change(name: str, youtube: Group, ben: Member) -> tuple[str, str, str, dict[str, Any]]:
    """Name the page of a change, a field of its form, where it posts to, and what is typed."""
    group, member = f"/groups/{youtube.public_id}", f"/members/{ben.public_id}"
    changes: dict[str, tuple[str, str, str, dict[str, Any]]] = {
        "price": (f"{group}/prices", "from_on", f"{group}/prices", {"amount": "15.00"}),
        "join": (f"{group}/members/new", "known", f"{group}/members/new", KIM),
        "leave": (member, "left_on", f"{member}/leave", {"left_on": "2026-03-20"}),
        "amount": (member, "amount", member, {"amount": "3.00"}),
        "terms": (f"{group}/edit", "price", f"{group}/edit", {"payer_included": []}),
    }  # fmt: skip
    return changes[name]


each_change = pytest.mark.parametrize("name", ["price", "join", "leave", "amount", "terms"])


class TestLooking:
    @each_change
    def test_nothing_changes_without_apply(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member, name: str
    ) -> None:
        before, messages = events(cast), len(cast.messages())
        page, holding, to, typed = change(name, youtube, ben)
        shown = send(olga, page, holding, to, **typed)

        assert shown.status_code == 200
        assert "nothing has changed yet" in shown.text
        assert "It counts from 1 April 2026" in shown.text
        assert (events(cast), len(cast.messages())) == (before, messages)

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("name", "now_and_then"),
        [
            ("price", [("Ben", "4.00", "5.00"), ("Mia", "4.00", "5.00"), ("You", "4.00", "5.00")]),
            ("join", [(who, "–" if who == "Kim" else "4.00", "3.00") for who in FOUR]),
            ("leave", [("Ben", "4.00", "–"), ("Mia", "4.00", "6.00"), ("You", "4.00", "6.00")]),
            ("amount", [("Ben", "4.00", "3.00"), ("Mia", "4.00", "4.50"), ("You", "4.00", "4.50")]),
            ("terms", [("Ben", "4.00", "6.00"), ("Mia", "4.00", "6.00"), ("You", "4.00", "–")]),
        ],
    )  # fmt: skip
    def test_each_share_is_shown_as_it_is_and_as_it_will_be(
        self, olga: Browser, youtube: Group, ben: Member, name: str, now_and_then: list[tuple[str, str, str]]
    ) -> None:
        page, holding, to, typed = change(name, youtube, ben)

        assert sorted(_rows(send(olga, page, holding, to, **typed).text)) == sorted(now_and_then)

    @each_change
    def test_what_is_shown_is_what_is_billed(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member, name: str
    ) -> None:
        page, holding, to, typed = change(name, youtube, ben)
        shown = {who: then for who, _now, then in _rows(send(olga, page, holding, to, **typed).text)}
        apply(olga, page, holding, to, **typed)
        cast.tick(NOW.replace(month=4))

        names = _names(cast)
        billed = {
            names[one.contact_id]: f"{one.amount_minor / 100:.2f}"
            for one in cast.payments(group_id=youtube.id)
            if one.asked_on and one.asked_on >= date(2026, 4, 1)
        }
        shown["Olga"] = shown.pop("You")
        assert billed == {who: then for who, then in shown.items() if then != "–"}

    def test_a_refused_change_is_said_beside_its_field(self, olga: Browser, youtube: Group) -> None:
        page = f"/groups/{youtube.public_id}/prices"
        answer = send(olga, page, "from_on", amount="15.00", from_on="2026-03-01")

        assert answer.status_code == 422
        assert "already open" in answer.text.split('id="from_on-error-1"')[1]

    @each_change
    def test_going_back_loses_nothing(self, olga: Browser, youtube: Group, ben: Member, name: str) -> None:
        page, holding, to, typed = change(name, youtube, ben)
        seen = fill(send(olga, page, holding, to, **typed).text, "seen")
        back = olga.client.post(to, data=seen | {"back": "1"})

        form = fill(back.text, next(iter(typed)) if holding != "left_on" else holding)
        assert back.status_code == 200
        assert {field: form.get(field, []) for field in typed} == typed

    def test_what_changes_nobodys_share_is_saved_at_once(self, olga: Browser, youtube: Group) -> None:
        answer = send(olga, f"/groups/{youtube.public_id}/edit", "price", name="Videos", grace_days="5")

        assert answer.status_code == 303

    def test_a_variable_group_says_who_shares_the_bill(self, cast: Cast, olga: Browser) -> None:
        pitch = cast.group("Pitch", split=SplitKind.VARIABLE)
        cast.join(pitch, "Ben")
        shown = send(olga, f"/groups/{pitch.public_id}/members/new", "known", name="Kim", weight="2")

        assert ("Kim", "–", "by the bill, weight 2") in _rows(shown.text)
        assert "3 people share it then, instead of 2." in shown.text


class TestApplying:
    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("price", {"Ben": ["price_change"], "Mia": ["price_change"]}),
            ("join", {"Ben": ["share_changed"], "Mia": ["share_changed"], "Kim": ["welcome"]}),
            ("leave", {"Ben": ["share_changed"], "Mia": ["share_changed"]}),
            ("amount", {"Ben": ["share_changed"], "Mia": ["share_changed"]}),
            ("terms", {"Ben": ["share_changed"], "Mia": ["share_changed"]}),
        ],
    )
    def test_everybody_it_touches_is_told_once(
        self,
        cast: Cast,
        olga: Browser,
        youtube: Group,
        ben: Member,
        name: str,
        told: dict[str, list[str]],
    ) -> None:
        page, holding, to, typed = change(name, youtube, ben)
        answer = apply(olga, page, holding, to, **typed)

        assert (answer.status_code, answer.location) == (303, f"/groups/{youtube.public_id}")
        assert _kinds(cast) == told

    @each_change
    def test_nobody_is_told_when_the_tick_is_taken_out(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member, name: str
    ) -> None:
        page, holding, to, typed = change(name, youtube, ben)
        before = events(cast)
        apply(olga, page, holding, to, tell=False, **typed)

        assert events(cast) > before
        assert _kinds(cast) == {}

    @each_change
    def test_a_second_press_changes_and_tells_nothing_more(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member, name: str
    ) -> None:
        page, holding, to, typed = change(name, youtube, ben)
        seen = fill(send(olga, page, holding, to, **typed).text, "seen")
        first = olga.client.post(to, data=seen)
        after, messages = events(cast), len(cast.messages())
        second = olga.client.post(to, data=seen)

        assert [first.status_code, second.status_code] == [303, 303]
        assert (events(cast), len(cast.messages())) == (after, messages)

    def test_price_and_split_together_are_one_notice(self, cast: Cast, olga: Browser, youtube: Group) -> None:
        apply(olga, f"/groups/{youtube.public_id}/edit", "price", price="15.00", payer_included=[])

        assert _kinds(cast) == {"Ben": ["share_changed"], "Mia": ["share_changed"]}

    def test_a_letter_says_the_share_so_far_and_the_new_one(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        apply(olga, f"/groups/{youtube.public_id}/members/new", "known", name="Kim")
        text = cast.text_of(_news(cast)["Ben"][0], NOW).replace("\xa0", " ")

        assert "Somebody joins" in text
        assert "Your share until then: 4.00 €" in text
        assert "Your new share: 3.00 €" in text
        assert "Kim" not in text

    def test_the_share_so_far_is_at_the_price_until_a_dearer_one_begins(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        april = date(2026, 4, 1)
        cast.do(set_price, youtube.id, amount=money("18.00"), from_on=april, by=cast.olga, now=NOW)
        page = f"/groups/{youtube.public_id}/members/new"
        shown = send(olga, page, "known", name="Kim")
        olga.client.post(page, data=fill(shown.text, "seen"))
        text = cast.text_of(_news(cast)["Ben"][-1], NOW).replace("\xa0", " ")

        assert sorted(_rows(shown.text)) == [(who, "–" if who == "Kim" else "4.00", "4.50") for who in FOUR]
        assert re.search(r"12\.00.*18\.00", shown.text.split("<tfoot>")[1].split("</tfoot>")[0])
        assert "Your share until then: 4.00 €" in text
        assert "Your new share: 4.50 €" in text

    def test_a_price_of_the_midst_of_a_period_is_not_that_of_the_share_so_far(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        later = date(2026, 4, 10)
        cast.do(set_price, youtube.id, amount=money("18.00"), from_on=later, by=cast.olga, now=NOW)
        page = f"/groups/{youtube.public_id}/members/new"
        shown = send(olga, page, "known", name="Kim", joined_on="2026-05-01")

        assert ("Ben", "4.00", "4.50") in _rows(shown.text)

    def test_a_dearer_price_that_is_taken_back_is_what_it_is_compared_with(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        cast.do(set_price, youtube.id, amount=money("18.00"), by=cast.olga, now=NOW)
        shown = send(olga, f"/groups/{youtube.public_id}/prices", "from_on", amount="12.00")

        assert ("Ben", "6.00", "4.00") in _rows(shown.text)

    def test_who_leaves_is_told_that_they_did(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member
    ) -> None:
        page = f"/members/{ben.public_id}"
        apply(olga, page, "left_on", f"{page}/leave", left_on="2026-03-20")

        assert "you no longer share YouTube Premium" in cast.text_of(_news(cast)["Ben"][0], NOW)

    def test_two_changes_before_the_first_is_sent_are_told_as_one(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        for name in ("Kim", "Lea"):
            apply(olga, f"/groups/{youtube.public_id}/members/new", "known", name=name)
        (letter,) = _news(cast)["Ben"]
        text = cast.text_of(letter, NOW).replace("\xa0", " ")

        assert ("Your share until then: 4.00 €" in text, "Your new share: 2.40 €" in text) == (True, True)

    def test_a_share_that_nobody_ever_pays_is_not_the_one_until_then(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page, april = f"/groups/{youtube.public_id}", date(2026, 4, 1)
        cast.do(set_price, youtube.id, amount=money("18.00"), from_on=april, by=cast.olga, now=NOW)
        for name in ("Kim", "Lea"):
            apply(olga, f"{page}/members/new", "known", name=name, email=f"{name}@example.org")
            deliver_due(cast.runtime, now=NOW)
        apply(olga, f"{page}/prices", "from_on", amount="25.00", from_on="2026-04-01")
        news = {name: cast.text_of(told[-1], NOW).replace("\xa0", " ") for name, told in _news(cast).items()}

        assert "Your share until then: 4.00 €" in news["Ben"]
        assert all("Your new share: 5.00 €" in text for text in news.values())
        assert "until then" not in news["Lea"]

    def test_a_change_of_a_later_day_takes_nothing_back(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page = f"/groups/{youtube.public_id}/members/new"
        apply(olga, page, "known", name="Kim", joined_on="2026-04-01")
        kim = f"/members/{members_of(cast, youtube)[-1].public_id}"
        apply(olga, kim, "left_on", f"{kim}/leave", left_on="2026-06-01")

        assert _told(cast, "Ben") == [("1 April 2026", "4.00", "3.00"), ("1 June 2026", "3.00", "4.00")]

    def test_what_comes_later_begins_with_what_comes_first(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        mia = f"/members/{members_of(cast, youtube)[-1].public_id}"
        apply(olga, mia, "left_on", f"{mia}/leave", left_on="2026-06-01")
        apply(olga, f"/groups/{youtube.public_id}/members/new", "known", name="Kim", joined_on="2026-04-01")

        assert _told(cast, "Ben") == [("1 April 2026", "4.00", "3.00"), ("1 June 2026", "3.00", "4.00")]

    def test_who_leaves_first_hears_nothing_of_what_comes_later(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member
    ) -> None:
        page = f"/members/{ben.public_id}"
        apply(olga, page, "left_on", f"{page}/leave", left_on="2026-06-01")
        apply(olga, page, "left_on", f"{page}/leave", left_on="2026-04-01")

        assert len(_news(cast)["Ben"]) == 1

    def test_what_is_changed_back_before_it_was_told_is_not_told(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member
    ) -> None:
        page = f"/members/{ben.public_id}"
        apply(olga, page, "amount", amount="3.00")
        apply(olga, page, "amount", amount="")

        assert _kinds(cast) == {}

    def test_it_is_looked_at_again_when_something_else_changed_meanwhile(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page = f"/groups/{youtube.public_id}/members/new"
        seen = fill(send(olga, page, "known", name="Kim").text, "seen")
        cast.do(set_price, youtube.id, amount=money("20.00"), by=cast.olga, now=NOW)
        answer = olga.client.post(page, data=seen)

        assert answer.status_code == 409
        assert "Something else changed in the meantime" in answer.text
        assert ("Kim", "–", "5.00") in _rows(answer.text)
        assert len(members_of(cast, youtube)) == 3
        assert olga.client.post(page, data=fill(answer.text, "seen")).status_code == 303

    def test_whom_nothing_reaches_is_named(self, cast: Cast, olga: Browser, youtube: Group) -> None:
        cast.join(youtube, "Noor", email=None)
        shown = send(olga, f"/groups/{youtube.public_id}/prices", "from_on", amount="16.00").text

        assert "Nothing reaches Noor: tell them yourself." in shown
        assert "Tell Ben and Mia on 25 Mar 2026, one message each" in shown

    def test_a_group_that_rests_tells_nobody(self, cast: Cast, olga: Browser, youtube: Group) -> None:
        cast.do(pause_group, youtube.id, by=cast.olga, now=NOW)
        shown = send(olga, f"/groups/{youtube.public_id}/members/new", "known", name="Kim")

        assert 'name="tell"' not in shown.text

    def test_a_price_of_a_far_day_is_looked_at_on_that_day(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page = f"/groups/{youtube.public_id}/prices"
        shown = send(olga, page, "from_on", amount="15.00", from_on="2027-06-01")
        olga.client.post(page, data=fill(shown.text, "seen"))

        assert "It counts from 1 June 2027" in shown.text
        query = select(Price.from_on, Price.amount_minor).where(Price.group_id == youtube.id)
        assert (date(2027, 6, 1), 1500) in cast.read(lambda session: list(session.execute(query)))


class TestPartPeriods:
    """A group that pays by days: March is open, Ben leaves on 20 April, and from May on it costs more."""

    @pytest.fixture
    def house(self, cast: Cast) -> Group:
        house = cast.group("House", "12.00", part_period=PartPeriod.DAYS)
        for name in ("Ben", "Mia", "Kim"):
            cast.join(house, name)
        cast.tick(NOW)
        cast.do(
            set_price,
            house.id,
            amount=money("18.00"),
            from_on=date(2026, 5, 1),
            announces=False,
            by=cast.olga,
            now=NOW,
        )
        return house

    def leave(self, cast: Cast, olga: Browser, house: Group, does: Any = apply) -> TestResponse:
        page = f"/members/{members_of(cast, house)[1].public_id}"
        answer: TestResponse = does(olga, page, "left_on", f"{page}/leave", left_on="2026-04-20")
        return answer

    def texts(self, cast: Cast) -> dict[str, str]:
        news = {name: cast.text_of(told[-1], NOW) for name, told in _news(cast).items()}
        return {name: text.replace("\xa0", " ").replace("\u2009", " ") for name, text in news.items()}

    def test_the_change_that_stays_is_shown_beside_the_part_period(
        self, cast: Cast, olga: Browser, house: Group
    ) -> None:
        shown = self.leave(cast, olga, house, send).text.replace("\xa0", " ")
        table = shown.split('class="shares in-four"')[1].split("</table>")[0]

        assert re.findall(r'scope="col" class="number">([^<]+)', table) == [
            "So far",
            "From 1 Apr 2026",
            "From 1 May 2026",
        ]
        mia = re.sub(r"<[^>]+>|\s+", " ", table.split("Mia")[1].split("</tr>")[0])
        assert " ".join(mia.split()) == "is told 3.00 € 3.00 € as before 6.00 € instead of 4.50 €"
        assert "You bear the days of it that nobody pays for." in shown
        assert "From 1 May 2026 on 3 people share it." in shown
        assert "Tell Ben, Mia and Kim now" in shown

    def test_a_period_that_is_open_stays_and_is_led_to(self, cast: Cast, olga: Browser, house: Group) -> None:
        march = cast.read(
            lambda session: session.scalars(
                select(Period).where(Period.group_id == house.id).order_by(Period.sequence.desc())
            ).first()
        )
        assert march is not None
        path = f"/members/{members_of(cast, house)[1].public_id}"
        joining = f"/groups/{house.public_id}/members/new"
        leaves = send(olga, path, "left_on", f"{path}/leave", left_on="2026-03-20").text
        joins = send(olga, joining, "known", name="Gina", joined_on="2026-03-20").text

        link = f'<a href="/periods/{march.public_id}">March 2026</a>'
        for shown in (leaves, joins):
            assert f"That includes {link}, whatever day was typed." in shown
        assert "That includes" not in self.leave(cast, olga, house, send).text

    def test_who_leaves_reads_when_and_what_for(self, cast: Cast, olga: Browser, house: Group) -> None:
        self.leave(cast, olga, house)
        text = self.texts(cast)["Ben"]

        assert "You leave on 20 April 2026. For 1–19 Apr 2026 you pay 1.90 €." in text
        assert "Somebody leaves" not in text
        assert "until then" not in text

    def test_the_others_read_what_lasts(self, cast: Cast, olga: Browser, house: Group) -> None:
        self.leave(cast, olga, house)
        text = self.texts(cast)["Mia"]

        assert "Counts from: 1 May 2026" in text
        assert "Your share until then: 3.00 €" in text
        assert "Your new share: 6.00 €" in text

    def test_who_joins_within_a_period_changes_it_for_that_one(
        self, cast: Cast, olga: Browser, house: Group
    ) -> None:
        self.leave(cast, olga, house)
        page = f"/groups/{house.public_id}/members/new"
        apply(olga, page, "known", name="Gina", email="gina@example.org", joined_on="2026-04-15")
        texts = self.texts(cast)

        assert "You leave on 20 April 2026. For 1–19 Apr 2026 you pay 1.52 €." in texts["Ben"]
        assert "Somebody" not in texts["Ben"]
        assert "Your share for April 2026: 2.40 €" in texts["Mia"]
        assert "Your share from 1 May 2026: 4.50 €" in texts["Mia"]
        assert "Your share until then: 3.00 €" in texts["Mia"]
        assert "Your share for 15–30 Apr 2026: 1.28 €" in texts["Gina"]
        assert "Your share from 1 May 2026: 4.50 €" in texts["Gina"]

    def test_what_one_payment_was_corrected_to_is_not_a_share(
        self, cast: Cast, olga: Browser, house: Group
    ) -> None:
        mia = members_of(cast, house)[2]
        payment = cast.payment_of(mia, 2)
        cast.do(adjust_payment, payment.id, amount=money("1.50"), reason="a trial", by=cast.olga, now=NOW)
        self.leave(cast, olga, house)

        assert "Your share until then: 3.00 €" in self.texts(cast)["Mia"]

    def test_each_whom_it_touches_is_told_once(self, cast: Cast, olga: Browser, house: Group) -> None:
        self.leave(cast, olga, house)

        assert _kinds(cast) == {name: ["share_changed"] for name in ("Ben", "Mia", "Kim")}


@pytest.mark.only_sqlite
def test_a_large_group_is_shown_by_those_whose_share_differs_most(
    cast: Cast, olga: Browser, youtube: Group
) -> None:
    for number in range(60):
        cast.join(youtube, f"Guest{number}", email=None)
    shown = send(olga, f"/groups/{youtube.public_id}/members/new", "known", name="Kim")

    names = [name for name, _now, _then in _rows(shown.text)]
    assert (len(names), {"You", "Kim"} - set(names)) == (50, set())
    assert "and 14 more" in shown.text
    assert "64 people share it then, instead of 63." in shown.text


@pytest.mark.only_sqlite
def test_looking_takes_the_same_statements_for_two_and_for_thirty(
    cast: Cast, olga: Browser, runtime: Runtime, youtube: Group
) -> None:
    page = f"/groups/{youtube.public_id}/prices"
    with counted(runtime) as few:
        send(olga, page, "from_on", amount="15.00")
    for number in range(30):
        cast.join(youtube, f"Guest{number}")
    with counted(runtime) as many:
        send(olga, page, "from_on", amount="15.00")

    assert len(many) == len(few)


@each_change
def test_a_stranger_sees_and_changes_nothing(
    app: Flask, runtime: Runtime, cast: Cast, youtube: Group, ben: Member, name: str
) -> None:
    zed, before = stranger(app, runtime), events(cast)
    _page, _holding, to, typed = change(name, youtube, ben)

    assert press(zed, "/profile", to, **typed, seen="x", tell="y").status_code == 404
    assert events(cast) <= before + 1  # zed's own workspace


def _rows(page: str) -> list[tuple[str, str, str]]:
    """Read the table of shares: who, now, then; amounts without their sign."""
    table = page.split('class="shares"', 1)[1].split("</tbody>")[0]
    rows = []
    for row in table.split("<tr>")[2:]:
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        plain = [
            re.sub(r"<small.*?</small>|<[^>]+>", "", cell).replace("\xa0€", "").strip() for cell in cells
        ]
        if len(plain) == 3:
            rows.append((plain[0], plain[1], plain[2]))
    return rows
