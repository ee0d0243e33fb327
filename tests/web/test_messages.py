"""Claims about the messages page: what was said, how far it got, and sending again."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.services.asking_now import ask_people
from substrack.services.outbox import Draft, queue
from substrack.store import Address, Message
from substrack.worker.outbox import deliver_due
from tests.support.cast import Cast
from tests.web.admin import contact_named, group_of, stranger
from tests.web.forms import counted, press
from tests.web.scenes import claim, youtube_of
from tests.web.support import NOW, Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def message(cast: Cast) -> Message:
    """The notice to olga that ben says he paid."""
    claim(cast, youtube_of(cast, "Ben", "Mia")["Ben"])
    return cast.messages(notice="claim_received")[0]


def set_message(runtime: Runtime, message: Message, **values: object) -> None:
    with runtime.transaction() as session:
        session.execute(update(Message).where(Message.id == message.id).values(**values))


LETTER = {"subject": "Ben says: <paid>", "text": "Look at /decide/abc.def-1 now", "html": "<p>Look</p>"}


def test_a_message_is_listed_with_state_person_and_error_in_plain_words(
    olga: Browser, runtime: Runtime, message: Message
) -> None:
    set_message(
        runtime, message, state=MessageState.DEAD, attempts=8, last_error="550 no <such> box", rendered=LETTER
    )

    shown = olga.get("/messages").text

    for told in ("Ben says: &lt;paid&gt;", "Olga · Mail", "Failed", "There is no such mailbox"):
        assert told in shown, told
    whole = olga.get(f"/messages/{message.public_id}").text
    for told in ("olga@example.org", "<dt>Tries</dt><dd>8</dd>", "The answer was: 550 no &lt;such&gt; box"):
        assert told in whole, told


def test_settings_tell_the_last_error_of_what_failed(
    olga: Browser, runtime: Runtime, message: Message
) -> None:
    set_message(runtime, message, state=MessageState.DEAD, last_error="550 no <such> box", rendered=LETTER)

    assert "550 no &lt;such&gt; box" in olga.get("/settings/mail").text


def test_the_try_that_succeeded_counts(olga: Browser, runtime: Runtime, message: Message) -> None:
    set_message(runtime, message, state=MessageState.SENT, attempts=2)
    assert "<dt>Tries</dt><dd>3</dd>" in olga.get(f"/messages/{message.public_id}").text


def test_filters_choose_and_anything_else_filters_nothing(
    olga: Browser, runtime: Runtime, message: Message
) -> None:
    set_message(runtime, message, state=MessageState.SENT)
    path = f"/messages/{message.public_id}"

    assert path in olga.get("/messages?state=sent&notice=claim_received").text
    assert path in olga.get("/messages?state=lost&notice=").text
    assert path not in olga.get("/messages?state=dead").text
    assert path not in olga.get("/messages?notice=reset").text


@pytest.mark.only_sqlite
def test_twenty_on_a_page_and_a_constant_number_of_statements(
    olga: Browser, runtime: Runtime, cast: Cast
) -> None:
    for _time in range(2):
        press(olga, "/messages", "/messages/test")
    with counted(runtime) as few:
        olga.get("/messages")
    with runtime.transaction() as session:
        first = session.get_one(Message, cast.messages()[0].id)
        session.add_all(_copies(first, 60))
    with counted(runtime) as many:
        shown = olga.get("/messages").text

    assert len(many) == len(few) <= 8
    assert shown.count('class="log-row"') == 20
    older = shown[shown.index("/messages?before=") :].partition('"')[0].replace("&amp;", "&")
    assert olga.get(older).text.count('class="log-row"') == 20


def test_the_exact_text_is_shown_escaped(olga: Browser, runtime: Runtime, message: Message) -> None:
    set_message(runtime, message, rendered=LETTER | {"text": "Hello <Olga>\n/decide/abc.def-1"})

    shown = olga.get(f"/messages/{message.public_id}").text

    assert "Hello &lt;Olga&gt;\n/decide/abc.def-1" in shown
    assert "put into words when it is sent" not in shown


def test_before_it_is_sent_there_are_no_words(olga: Browser, message: Message) -> None:
    assert "put into words when it is sent" in olga.get(f"/messages/{message.public_id}").text


def test_links_that_act_as_another_admin_are_cut_short(
    olga: Browser, runtime: Runtime, cast: Cast, message: Message
) -> None:
    bens = contact_named(cast, "Ben").id
    set_message(runtime, message, contact_id=bens, rendered=LETTER)

    shown = olga.get(f"/messages/{message.public_id}").text

    assert "/decide/…" in shown
    assert "abc.def-1" not in shown


def test_a_dead_message_is_tried_again_and_a_waiting_one_stopped(
    olga: Browser, runtime: Runtime, cast: Cast, message: Message
) -> None:
    set_message(runtime, message, state=MessageState.DEAD, attempts=8)
    path = f"/messages/{message.public_id}"

    press(olga, path, f"{path}/retry")
    again = cast.messages(id=message.id)[0]
    assert (again.state, again.attempts, again.due_at) == ("queued", 0, NOW)

    press(olga, path, f"{path}/cancel")
    assert cast.messages(id=message.id)[0].state == "cancelled"


def test_what_is_sent_is_left_alone(olga: Browser, runtime: Runtime, cast: Cast, message: Message) -> None:
    set_message(runtime, message, state=MessageState.SENT)
    path = f"/messages/{message.public_id}"

    for act in ("retry", "cancel"):
        answer = press(olga, "/messages", f"{path}/{act}")
        assert "nothing was changed" in answer.text

    assert cast.messages(id=message.id)[0].state == "sent"
    assert "Try again now" not in olga.get(path).text


def test_a_test_goes_to_oneself(olga: Browser, cast: Cast) -> None:
    answer = press(olga, "/messages", "/messages/test")

    assert answer.location == "/messages"
    assert cast.notices_to(cast.olga_contact) == ["test"]


def test_zed_reads_and_stops_nothing_of_olgas(
    app: Flask, runtime: Runtime, cast: Cast, message: Message
) -> None:
    zed = stranger(app, runtime)
    path = f"/messages/{message.public_id}"

    assert path not in zed.get("/messages").text
    assert zed.get(path).status_code == 404
    assert zed.get(f"{path}/letter").status_code == 404
    for act in ("retry", "cancel"):
        assert press(zed, "/profile", f"{path}/{act}").status_code == 404
    assert cast.messages(id=message.id)[0].state == "queued"


def test_people_and_groups_narrow_the_list(olga: Browser, cast: Cast, message: Message) -> None:
    path, ben = f"/messages/{message.public_id}", contact_named(cast, "Ben").public_id
    youtube, vpn = group_of(cast, "YouTube Premium").public_id, cast.group("VPN").public_id
    me = contact_named(cast, "Olga").public_id

    assert path in olga.get(f"/messages?person={me}").text
    assert path not in olga.get(f"/messages?person={ben}").text
    assert path in olga.get(f"/messages?group={youtube}").text
    assert path not in olga.get(f"/messages?group={vpn}").text
    assert path in olga.get("/messages?person=nobody&group=none").text


def test_requests_and_news_of_a_group_are_all_found_by_it(olga: Browser, cast: Cast) -> None:
    ben = youtube_of(cast, "Ben", "Mia")["Ben"].contact_id
    group = group_of(cast, "YouTube Premium")
    cast.do(ask_people, cast.workspace_id, [ben], by=cast.olga, now=NOW)
    [ask] = cast.messages(contact_id=ben)
    cast.do(_queue_pay_details, cast, group.id)
    [news] = cast.messages(notice="pay_details_changed")

    shown = olga.get(f"/messages?group={group.public_id}").text

    assert f"/messages/{ask.public_id}" in shown
    assert f"/messages/{news.public_id}" in shown


def test_the_log_says_where_a_message_really_went(olga: Browser, runtime: Runtime, message: Message) -> None:
    words = {"subject": "Linked", "text": "Linked", "html": "<b>Linked</b>", "keys": [], "to": "1009"}
    set_message(runtime, message, state=MessageState.SENT, channel="telegram", rendered=words)
    with runtime.transaction() as session:
        session.execute(
            update(Address).where(Address.id == message.address_id).values(value="1010", value_key="1010")
        )

    assert "Olga · Telegram" in olga.get("/messages").text
    shown = olga.get(f"/messages/{message.public_id}").text
    assert "Telegram, chat 1009" in shown
    assert "1010" not in shown


def test_the_buttons_of_a_chat_are_shown(olga: Browser, runtime: Runtime, message: Message) -> None:
    keys = [[{"text": "I’ve paid", "data": "p", "url": None}]]
    set_message(runtime, message, channel="telegram", rendered=LETTER | {"keys": keys})
    assert "<li>I’ve paid</li>" in olga.get(f"/messages/{message.public_id}").text


def test_a_mail_is_shown_as_it_looks_and_can_do_nothing(
    olga: Browser, runtime: Runtime, cast: Cast, message: Message
) -> None:
    bens = contact_named(cast, "Ben").id
    html = '<p style="color:red">Look</p><a href="/decide/abc.def-1">x</a>'
    set_message(runtime, message, contact_id=bens, rendered=LETTER | {"html": html})
    path = f"/messages/{message.public_id}/letter"

    assert path in olga.get(f"/messages/{message.public_id}").text
    answer = olga.get(path)

    assert 'style="color:red"' in answer.text
    assert "abc.def-1" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "sandbox" in policy
    assert "script" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_there_is_no_letter_before_it_is_written(olga: Browser, message: Message) -> None:
    assert olga.get(f"/messages/{message.public_id}/letter").status_code == 404


def _queue_pay_details(session: Session, cast: Cast, group_id: int) -> None:
    draft = Draft(
        workspace_id=cast.workspace_id,
        contact_id=cast.olga_contact,
        notice=Notice.PAY_DETAILS_CHANGED,
        dedupe_key="pay_details:1",
        due_at=NOW,
        payload={"group_id": group_id, "by": None},
    )
    queue(session, [draft], now=NOW)


def _copies(first: Message, count: int) -> list[Message]:
    kept = ("workspace_id", "contact_id", "address_id", "channel", "lane", "notice", "due_at", "created_at")
    return [
        Message(dedupe_key=f"copy:{number}", **{name: getattr(first, name) for name in kept})
        for number in range(count)
    ]


class TestKeptMail:
    """No mail server is set: nobody may read that something was sent."""

    @pytest.fixture
    def kept(self, runtime: Runtime, message: Message) -> Message:
        deliver_due(runtime, now=NOW)
        return message

    def test_the_log_says_that_it_was_kept(self, olga: Browser, kept: Message) -> None:
        shown = olga.get("/messages").text

        assert "Kept here, not sent</span>" in shown
        assert ">Sent<" not in shown
        assert "Sent (0)" in shown
        assert "Kept here, not sent (1)" in shown

    def test_what_was_kept_and_what_was_sent_are_found_apart(
        self, olga: Browser, runtime: Runtime, kept: Message
    ) -> None:
        path = f"/messages/{kept.public_id}"
        assert path in olga.get("/messages?state=kept").text
        assert path not in olga.get("/messages?state=sent").text

        set_message(runtime, kept, provider_id="2.0.0 Ok: queued as 4F")

        assert path not in olga.get("/messages?state=kept").text
        assert path in olga.get("/messages?state=sent").text

    def test_its_page_says_that_nobody_got_it_and_where_it_is(self, olga: Browser, kept: Message) -> None:
        shown = olga.get(f"/messages/{kept.public_id}").text

        assert "Kept here, not sent" in shown
        assert "Nobody got this: no mail server was set" in shown
        assert f"-{kept.public_id}.eml in the mail folder" in shown
        assert "<dt>Sent</dt>" not in shown

    def test_the_state_of_mail_tells_them_apart(self, olga: Browser, runtime: Runtime, kept: Message) -> None:
        press(olga, "/settings/mail", "/settings/mail/test")
        assert "it is not sent" in olga.get("/settings/mail").text
        deliver_due(runtime, now=NOW)

        shown = olga.get("/settings/mail").text

        assert "<dt>Last sent</dt><dd>nothing yet</dd>" in shown
        assert "<dt>Last kept here, not sent</dt><dd>1 Mar 2026" in shown
        assert "Kept here, not sent</span>" in shown


def test_a_message_whose_text_was_deleted_says_so_and_is_not_sent_again(
    olga: Browser, runtime: Runtime, message: Message
) -> None:
    set_message(runtime, message, state=MessageState.DEAD, emptied_at=NOW)
    shown = olga.get(f"/messages/{message.public_id}").text
    assert "Its text was deleted on" in shown
    assert "It is put into words when it is sent" not in shown
    assert "Try again now" not in shown
    assert "Cancel it" in shown
