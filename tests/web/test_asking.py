"""Claims about asking now: the preview is what happens, one press asks, and a message to send by hand."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.domain.notices import Channel
from substrack.domain.pay_methods import pay_method
from substrack.services.asking_now import note_asked_by_hand
from substrack.services.pay_links import give_pay_link
from substrack.services.putting_off import snooze_payments
from substrack.store import Address, Connection, Contact, Group, Member, Message
from substrack.worker.outbox import deliver_due
from tests.support.cast import Cast
from tests.web.admin import contact_named, group_of, stranger
from tests.web.crowds import crowd
from tests.web.forms import counted, fill, press, send
from tests.web.scenes import claim, youtube_of
from tests.web.support import NOW, Browser, TurnableClock

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def members(cast: Cast) -> dict[str, Member]:
    """Ben, Mia, Kim and Tom owe for February and March; nobody was asked yet."""
    members = youtube_of(cast, "Ben", "Mia", "Kim", "Tom")
    with cast.runtime.transaction() as session:
        session.execute(update(Message).values(state="cancelled", dedupe_key=Message.public_id))
        session.execute(update(Contact).values(requested_on=None))
    return members


@pytest.fixture
def path(cast: Cast, members: dict[str, Member]) -> str:
    return f"/groups/{group_of(cast, 'YouTube Premium').public_id}/ask"


def requests(cast: Cast, member: Member) -> list[Message]:
    found = cast.messages(contact_id=member.contact_id)
    return [one for one in found if one.notice in ("request", "reminder") and one.state == "queued"]


def set_address(cast: Cast, member: Member, **values: Any) -> None:
    with cast.runtime.transaction() as session:
        session.execute(update(Address).where(Address.contact_id == member.contact_id).values(**values))


def set_message(cast: Cast, member: Member, **values: Any) -> None:
    with cast.runtime.transaction() as session:
        session.execute(update(Message).where(Message.contact_id == member.contact_id).values(**values))


def person(cast: Cast, name: str) -> str:
    return f"/people/{contact_named(cast, name).public_id}"


def plain(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).replace("\xa0", " ").split())


def test_everybody_unpaid_is_asked_by_one_press_of_the_preview(
    olga: Browser, cast: Cast, members: dict[str, Member], path: str
) -> None:
    group = path.removesuffix("/ask")
    assert path in olga.get(group).text
    shown = plain(olga.get(path).text)
    for told in ("Ask 4 people", "Ben", "5.98 €", "February 2026", "March 2026", "by mail", "never asked"):
        assert told in shown, told

    answer = send(olga, path, "person")

    assert (answer.status_code, answer.location) == (303, group)
    for member in members.values():
        [message] = requests(cast, member)
        assert message.due_at == NOW + timedelta(seconds=10)
    assert "Written to 4 people." in olga.get(group).text


def test_without_a_mail_server_nobody_is_said_to_have_been_asked(
    olga: Browser, runtime: Runtime, cast: Cast, clock: TurnableClock, members: dict[str, Member], path: str
) -> None:
    assert "nobody gets this by mail" in olga.get(path).text
    assert "They are kept under Messages ten seconds later" in olga.get(path).text
    assert "go out" not in olga.get(path).text
    send(olga, path, "person")
    clock.turn(timedelta(minutes=1))
    deliver_due(runtime, now=clock.now)
    assert "written today and kept here, not sent" in plain(olga.get(path).text)
    clock.turn(timedelta(days=1))
    set_message(cast, members["Ben"], provider_id="2.0.0 Ok: queued as 4F")

    shown = plain(olga.get(path).text)

    assert shown.count("kept here, not sent") - shown.count("Mail is kept here, not sent") == 3
    assert shown.count("asked yesterday") == 1


def test_a_second_press_asks_nobody_again(
    olga: Browser, cast: Cast, members: dict[str, Member], path: str
) -> None:
    form = fill(olga.get(path).text, "person")
    olga.client.post(path, data=form)
    answer = olga.client.post(path, data=form)

    assert answer.status_code == 303
    assert [len(requests(cast, member)) for member in members.values()] == [1, 1, 1, 1]


def test_undo_takes_all_of_them_back(
    olga: Browser, cast: Cast, members: dict[str, Member], path: str
) -> None:
    send(olga, path, "person")
    shown = olga.get(path.removesuffix("/ask")).text
    undo = re.search(r"/decisions/\w+/undo", shown)
    assert undo is not None

    also = re.findall(r'name="also" value="(\w+)"', shown)
    olga.client.post(undo[0], data=fill(shown, "also") | {"also": also})

    assert [requests(cast, member) for member in members.values()] == [[], [], [], []]
    assert "Ask 4 people" in olga.get(path).text


def test_who_is_not_ticked_is_not_asked(
    olga: Browser, cast: Cast, members: dict[str, Member], path: str
) -> None:
    send(olga, path, "person", person=[contact_named(cast, "Mia").public_id])
    assert [len(requests(cast, members[name])) for name in ("Ben", "Mia", "Kim")] == [0, 1, 0]


@pytest.mark.only_sqlite
@pytest.mark.parametrize("number", ["2", "99999", "9" * 30, "-1", "x"])
def test_a_page_that_is_not_there_is_the_last_or_the_first(olga: Browser, path: str, number: str) -> None:
    for page in ("/ask", path):
        assert "Ask 4 people" in plain(olga.get(f"{page}?page={number}").text)


def test_nobody_ticked_is_said_above_the_list(olga: Browser, path: str) -> None:
    answer = send(olga, path, "person", person=[])
    assert answer.status_code == 422
    assert "Tick at least one of them first." in answer.text


def test_the_preview_says_who_is_left_out_and_why(
    olga: Browser, cast: Cast, members: dict[str, Member], path: str
) -> None:
    claim(cast, members["Ben"], 1, 2)
    set_address(cast, members["Mia"], refused_since=NOW)
    keys = [cast.payment_of(members["Kim"], sequence).id for sequence in (1, 2)]
    kim = Actor.contact(members["Kim"].contact_id)
    until = NOW.date() + timedelta(days=5)
    cast.do(snooze_payments, members["Kim"].contact_id, keys, until=until, by=kim, now=NOW)

    shown = plain(olga.get(path).text)

    assert "Ask 1 person" in shown
    for told in (
        "says it is paid; waits for your check",
        "no address that works",
        "asked to wait until 6 Mar 2026",
    ):
        assert told in shown, told


def test_who_was_asked_lately_is_there_but_not_ticked(
    olga: Browser, cast: Cast, members: dict[str, Member], path: str, clock: TurnableClock
) -> None:
    send(olga, path, "person", person=[contact_named(cast, "Mia").public_id])
    cast.send(NOW + timedelta(minutes=1))
    clock.now = NOW + timedelta(days=2)

    shown = olga.get(path).text

    assert "Ask 3 people" in shown
    assert "asked 2 days ago, 1 Mar 2026" in shown
    mia = contact_named(cast, "Mia").public_id
    assert mia not in fill(shown, "person")["person"]
    assert f'value="{mia}"' in shown


def test_late_in_the_evening_it_says_when_they_go_out(olga: Browser, path: str, clock: TurnableClock) -> None:
    clock.now = NOW + timedelta(hours=12)
    assert "they are written 2 Mar 2026, 10:00" in plain(olga.get(path).text)


def test_one_person_is_asked_for_everything(olga: Browser, cast: Cast, members: dict[str, Member]) -> None:
    ask = f"{person(cast, 'Ben')}/ask"
    assert "Ask Ben" in olga.get(ask).text

    answer = send(olga, ask, "person")

    assert answer.location == person(cast, "Ben")
    assert len(requests(cast, members["Ben"])) == 1


def test_all_groups_are_asked_from_one_page(olga: Browser, cast: Cast, members: dict[str, Member]) -> None:
    vpn = cast.group("VPN", "8.00")
    cast.join(vpn, "Ben", contact_id=members["Ben"].contact_id)
    for _period in range(2):
        cast.tick(NOW)

    answer = send(olga, "/ask", "person")

    assert answer.location == "/"
    [message] = requests(cast, members["Ben"])
    assert "VPN" in cast.text_of(message, NOW)
    assert "YouTube Premium" in cast.text_of(message, NOW)


@pytest.mark.only_sqlite
def test_a_crowd_is_paged_and_asked_at_once(olga: Browser, cast: Cast) -> None:
    group = crowd(cast, 90)
    with cast.runtime.transaction() as session:
        _give_addresses(session, cast)
    path = f"/groups/{group.public_id}/ask"

    shown = olga.get(path)

    assert shown.text.count('name="person"') == 40
    assert len(shown.data) < 120_000
    answer = send(olga, path, "person", whom="all")
    assert answer.status_code == 303
    assert len(cast.messages(state="queued")) == 90


@pytest.mark.only_sqlite
def test_a_group_that_does_not_say_how_to_pay_is_told_of_before_anybody_is_asked(
    olga: Browser, cast: Cast
) -> None:
    way = pay_method("text", {"text": "Cash"})
    silent, saying = cast.group("Silent"), cast.group("Saying", pay_methods=(way,))
    for group in (silent, saying):
        cast.join(group, "Ben")
    cast.tick(NOW)
    assert "nobody has said how to pay yet" in olga.get(f"/groups/{silent.public_id}/ask").text
    assert "nobody has said how to pay yet" not in olga.get(f"/groups/{saying.public_id}/ask").text


def test_a_group_offers_no_asking_where_all_were_asked_today(
    olga: Browser, cast: Cast, members: dict[str, Member], path: str
) -> None:
    group = path.removesuffix("/ask")
    assert "Ask all unpaid" in olga.get(group).text
    send(olga, path, "person")
    shown = olga.get(group).text
    assert "Ask all unpaid" not in shown
    assert f'href="{path}"' in shown


@pytest.mark.only_sqlite
def test_a_constant_number_of_statements(olga: Browser, cast: Cast, runtime: Runtime) -> None:
    few, many = crowd(cast, 2, "Few"), crowd(cast, 30, "Many")
    with counted(runtime) as small:
        olga.get(f"/groups/{few.public_id}/ask")
    with counted(runtime) as large:
        olga.get(f"/groups/{many.public_id}/ask")
    assert len(large) == len(small) <= 21


def _give_addresses(session: Any, cast: Cast) -> None:
    connection = session.scalars(select(Connection).where(Connection.channel == Channel.EMAIL)).first()
    for contact in session.scalars(select(Contact).where(Contact.id != cast.olga_contact)):
        value = f"{contact.public_id}@example.org"
        session.add(
            Address(
                contact_id=contact.id,
                connection_id=connection.id,
                channel=Channel.EMAIL,
                value=value,
                value_key=value,
                created_at=NOW,
            )
        )


class TestByHand:
    def test_the_message_has_the_sum_and_their_own_link_in_their_language(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        ben = person(cast, "Ben")
        answer = press(olga, f"{ben}/message", f"{ben}/message")
        assert answer.location == f"{ben}/message"

        shown = olga.get(f"{ben}/message").text

        text = shown[shown.index("<textarea") :].partition(">")[2].partition("</textarea>")[0]
        assert text.strip().splitlines()[:3] == [
            "Hi Ben, 5.98 € is open with Olga:",
            "– YouTube Premium, February 2026: 2.99 €",
            "– YouTube Premium, March 2026: 2.99 €",
        ]
        assert re.search(r"http://127\.0\.0\.1:8000/pay/\S+", text)

    def test_looking_changes_nothing_and_shows_no_dead_link(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        shown = olga.get(f"{person(cast, 'Ben')}/message").text
        assert "/pay/" not in shown
        assert "Make it and show the message" in shown

    def test_i_have_sent_it_counts_once_a_day(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        ben = person(cast, "Ben")
        cast.do(give_pay_link, members["Ben"].contact_id, by=cast.olga, now=NOW)
        for told in ("Noted: Ben was asked today.", "They were asked today already"):
            answer = press(olga, f"{ben}/message", f"{ben}/message/sent")
            assert answer.location == ben
            assert told in olga.get(ben).text
        assert cast.payment_of(members["Ben"]).requests_sent == 1
        assert requests(cast, members["Ben"]) == []

    def test_who_has_no_address_can_be_asked_by_hand(
        self, olga: Browser, cast: Cast, members: dict[str, Member], path: str
    ) -> None:
        set_address(cast, members["Ben"], refused_since=NOW)
        ben = person(cast, "Ben")
        assert f"{ben}/message" in olga.get(path).text
        press(olga, path, f"{ben}/message")
        press(olga, f"{ben}/message", f"{ben}/message/sent")
        assert cast.payment_of(members["Ben"]).requests_sent == 1

    def test_who_was_asked_by_hand_is_said_to_be_on_their_page_and_on_home(
        self, olga: Browser, cast: Cast
    ) -> None:
        phone = cast.group("Phone", "6.00", starts_on=NOW.date())
        theo = cast.join(phone, "Theo", email=None)
        cast.tick(NOW)
        page = person(cast, "Theo")
        assert "Nothing was sent to them yet." in olga.get(page).text
        assert "no request reaches them" in olga.get("/").text

        cast.do(note_asked_by_hand, theo.contact_id, by=cast.olga, now=NOW)

        assert f"Asked by hand on {NOW.day} {NOW:%B} {NOW.year}." in olga.get(page).text
        assert "Nothing was sent to them yet." not in olga.get(page).text
        home = olga.get("/").text
        assert f"asked by hand on {NOW.day} {NOW:%b} {NOW.year}" in home
        assert "no request reaches them" not in home

    @pytest.mark.only_sqlite
    def test_home_and_their_page_lead_straight_to_the_message_where_no_request_arrives(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        ben = person(cast, "Ben")
        assert f'href="{ben}/ask"' in olga.get(ben).text

        set_address(cast, members["Ben"], refused_since=NOW)

        assert f'href="{ben}/message"' in olga.get("/").text
        assert f'action="{ben}/message"' in olga.get(ben).text
        assert f'href="{ben}/ask"' not in olga.get(ben).text
        cast.do(note_asked_by_hand, members["Ben"].contact_id, by=cast.olga, now=NOW)
        assert f'href="{ben}/message"' not in olga.get("/").text

    @pytest.mark.only_sqlite
    def test_copying_comes_before_having_sent(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        cast.do(give_pay_link, members["Ben"].contact_id, by=cast.olga, now=NOW)

        shown = olga.get(f"{person(cast, 'Ben')}/message").text

        assert re.findall(r'class="btn btn-primary[^>]*?data-copied', shown)
        assert '<button type="submit" class="btn btn-quiet">' in shown.partition("message/sent")[2]

    @pytest.mark.only_sqlite
    def test_who_said_they_paid_gets_no_message_that_asks(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        cast.do(give_pay_link, members["Ben"].contact_id, by=cast.olga, now=NOW)
        claim(cast, members["Ben"], 1, 2)
        shown = olga.get(f"{person(cast, 'Ben')}/message").text

        assert "<textarea" not in shown
        assert "Says it is paid; waits for your check." in shown

    @pytest.mark.only_sqlite
    def test_what_was_claimed_is_left_out_of_the_message(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        cast.do(give_pay_link, members["Ben"].contact_id, by=cast.olga, now=NOW)
        claim(cast, members["Ben"], 1)

        assert "Hi Ben, your share for YouTube Premium, March 2026 is 2.99 €" in plain(
            olga.get(f"{person(cast, 'Ben')}/message").text
        )

    @pytest.mark.only_sqlite
    def test_a_day_keeps_its_capitals_in_the_sentence_below(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        ben = members["Ben"]
        keys = [cast.payment_of(ben, sequence).id for sequence in (1, 2)]
        until = NOW.date() + timedelta(days=5)
        by = Actor.contact(ben.contact_id)
        cast.do(snooze_payments, ben.contact_id, keys, until=until, by=by, now=NOW)

        assert "Asked to wait until 6 Mar 2026." in plain(olga.get(f"{person(cast, 'Ben')}/message").text)


class TestOwnSentence:
    def test_it_is_kept_and_said(
        self, olga: Browser, cast: Cast, members: dict[str, Member], path: str
    ) -> None:
        to = path.removesuffix("/ask") + "/sentence"
        answer = send(olga, path, "sentence", to, sentence="Before <Friday>, please.")
        assert (answer.status_code, answer.location) == (303, path)
        assert "Before &lt;Friday&gt;, please." in olga.get(path).text

        send(olga, path, "person")

        assert "Before <Friday>, please." in cast.text_of(requests(cast, members["Ben"])[0], NOW)

    @pytest.mark.only_sqlite
    def test_one_that_says_where_to_pay_is_refused_and_not_kept(
        self, olga: Browser, cast: Cast, members: dict[str, Member], path: str
    ) -> None:
        to, account = path.removesuffix("/ask") + "/sentence", "New account: DE89 3704 0044 0532 0130 00"
        answer = send(olga, path, "sentence", to, sentence=account)

        assert answer.status_code == 422
        assert "How to pay is changed where the group is edited." in answer.text
        assert account in answer.text
        group = cast.read(lambda session: session.get_one(Group, members["Ben"].group_id))
        assert group.request_sentence == ""

    def test_a_long_one_is_kept_in_the_form_with_a_sentence_beside_it(self, olga: Browser, path: str) -> None:
        to = path.removesuffix("/ask") + "/sentence"
        answer = send(olga, path, "sentence", to, sentence="x" * 301)
        assert answer.status_code == 422
        assert "x" * 301 in answer.text
        assert "field-error" in answer.text


def test_zed_sees_and_asks_nobody_of_olgas(
    app: Flask, runtime: Runtime, cast: Cast, members: dict[str, Member], path: str
) -> None:
    zed = stranger(app, runtime)
    ben = person(cast, "Ben")
    for page in (path, f"{ben}/ask", f"{ben}/message"):
        assert zed.get(page).status_code == 404
    assert "Ben" not in zed.get("/ask").text
    for to in (path, f"{ben}/ask", f"{ben}/message", f"{ben}/message/sent", f"{path[:-4]}/sentence"):
        fields = {"person": [contact_named(cast, "Ben").public_id], "sentence": "x"}
        assert press(zed, "/profile", to, **fields).status_code == 404, to
    answer = press(zed, "/profile", "/ask", person=[contact_named(cast, "Ben").public_id])
    assert answer.status_code == 422
    assert requests(cast, members["Ben"]) == []
    assert cast.read(lambda session: session.get_one(Group, members["Ben"].group_id)).request_sentence == ""


class TestAtNight:
    """It is eleven at night in Berlin; people are asked from ten in the morning."""

    @pytest.fixture(autouse=True)
    def night(self, members: dict[str, Member], clock: TurnableClock) -> None:
        clock.turn(timedelta(hours=13))

    def test_the_page_says_when_it_goes_out_and_what_time_it_is_there(
        self, olga: Browser, cast: Cast, members: dict[str, Member], path: str
    ) -> None:
        shown = plain(olga.get(path).text)
        with cast.runtime.transaction() as session:
            session.get_one(Contact, members["Ben"].contact_id).time_zone = "Asia/Tokyo"
        far = plain(olga.get(path).text)

        assert "Nobody is asked at this hour: they are written 2 Mar 2026, 10:00 CET." in shown
        assert "Send at once all the same; it is 23:00 there" in shown
        assert "it is 07:00–23:00 there" in far

    def test_by_default_it_waits_and_on_purpose_it_goes(
        self, olga: Browser, cast: Cast, members: dict[str, Member], path: str
    ) -> None:
        ben, mia = contact_named(cast, "Ben"), contact_named(cast, "Mia")
        send(olga, path, "person", person=[ben.public_id])
        assert "Written to Ben." in olga.get("/").text
        send(olga, path, "person", person=[mia.public_id], at_once="y")
        assert "Written to Mia." in olga.get("/").text

        assert [requests(cast, members[name])[0].payload for name in ("Ben", "Mia")] == [
            {},
            {"at_any_hour": True},
        ]

    def test_what_waits_is_sent_by_one_press_from_where_it_is_seen(
        self, olga: Browser, cast: Cast, members: dict[str, Member], path: str
    ) -> None:
        send(olga, path, "person", person=[contact_named(cast, "Ben").public_id])
        [message] = requests(cast, members["Ben"])
        now = f"{person(cast, 'Ben')}/ask/now"
        for page in (path, f"{person(cast, 'Ben')}/ask", f"{person(cast, 'Ben')}/message"):
            shown = plain(olga.get(page).text).lower()
            assert "a request waits until 2 mar 2026, 10:00 cet" in shown
            assert "send it now; it is 23:00 there" in shown
        of_message = plain(olga.get(f"/messages/{message.public_id}").text)
        assert "2 Mar 2026, 10:00 CET; nobody is asked at this hour." in of_message

        answer = press(olga, path, now)

        assert (answer.status_code, answer.location) == (303, path)
        assert "The request goes out now." in olga.get(path).text
        [moved] = requests(cast, members["Ben"])
        assert (moved.id, moved.payload) == (message.id, {"at_any_hour": True})
        assert "Try again now" in plain(olga.get(f"/messages/{message.public_id}").text)

    def test_a_second_press_is_answered_calmly(
        self, olga: Browser, cast: Cast, members: dict[str, Member], path: str
    ) -> None:
        send(olga, path, "person", person=[contact_named(cast, "Ben").public_id])
        now = f"{person(cast, 'Ben')}/ask/now"
        token = fill(olga.get(path).text, "csrf_token")["csrf_token"]
        for _ in range(2):
            olga.client.post(now, data={"csrf_token": token, "next": path})

        assert "It was on its way already; nothing was changed." in olga.get(path).text

    def test_a_stranger_sends_nothing(
        self, olga: Browser, app: Flask, runtime: Runtime, cast: Cast, members: dict[str, Member], path: str
    ) -> None:
        send(olga, path, "person", person=[contact_named(cast, "Ben").public_id])
        zed = stranger(app, runtime)
        token = fill(zed.get("/ask").text, "csrf_token")["csrf_token"]

        answer = zed.client.post(f"{person(cast, 'Ben')}/ask/now", data={"csrf_token": token})

        assert answer.status_code == 404
        assert requests(cast, members["Ben"])[0].payload == {}
