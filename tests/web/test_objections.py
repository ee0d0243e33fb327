"""Claims about notes that something is off: answered on home or the group, and read on the member's page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from attrs import evolve
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.queries.objections import list_objections
from substrack.services.founding import Founded
from substrack.services.objections import answer_objection
from substrack.services.payments import waive_payment
from substrack.services.putting_off import object_to_payments
from substrack.store import Address, Member
from substrack.web.app import create_app
from tests.support.cast import Cast
from tests.web.admin import group_of, stranger
from tests.web.paying import page_of
from tests.web.support import NOW, Browser, browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def note(cast: Cast, ben: Member) -> str:
    """Let Ben write; return the id of his note."""
    keys, by = [cast.payment_of(ben).id], Actor.contact(ben.contact_id)
    cast.do(object_to_payments, ben.contact_id, keys, text="I <left> in May", by=by, now=NOW)
    [row] = cast.read(lambda session: list_objections(session, cast.workspace_id))
    return row.id


def test_it_is_answered_on_home_and_gone(olga: Browser, cast: Cast, ben: Member, note: str) -> None:
    shown = olga.get("/").text
    assert "I &lt;left&gt; in May" in shown
    assert f'action="/objections/{note}/answer"' in shown

    sent = olga.post(f"/objections/{note}/answer", page="/", text="Sorry, <all> yours", next="/")

    assert (sent.status_code, sent.location) == (303, "/")
    assert "Answered. No mail server is set, so the answer is kept under Messages." in olga.get("/").text
    assert "in May" not in olga.get("/").text
    assert cast.notices_to(ben.contact_id)[-1] == "objection_answered"


def test_that_an_answer_will_be_read_is_said_where_mail_is_sent(
    runtime: Runtime, home: Founded, note: str
) -> None:
    sending = replace(runtime, settings=evolve(runtime.settings, smtp_url="smtp://127.0.0.1:2525"))
    olga = browser(create_app(sending), sending)
    olga.sign_in(sending, home.user_id)

    olga.post(f"/objections/{note}/answer", page="/", text="Sorry", next="/")

    assert "Answered. Ben will read it." in olga.get("/").text


def test_of_an_answer_to_somebody_without_address_it_is_said_where_they_read_it(
    olga: Browser, cast: Cast, ben: Member, note: str
) -> None:
    cast.do(_forget_addresses, ben.contact_id)

    olga.post(f"/objections/{note}/answer", page="/", text="Sorry", next="/")

    assert "Answered. Ben reads it on their own page." in olga.get("/").text


def _forget_addresses(session: Session, contact_id: int) -> None:
    session.execute(update(Address).where(Address.contact_id == contact_id).values(refused_since=NOW))


def test_the_groups_page_and_the_payments_lead_there(
    olga: Browser, cast: Cast, ben: Member, note: str
) -> None:
    group = olga.get(f"/groups/{group_of(cast, 'YouTube Premium').public_id}").text
    payment = olga.get(f"/payments/{cast.payment_of(ben).public_id}").text

    assert f"/objections/{note}/answer" in group
    assert f'href="/objections/{note}"' in payment
    assert "Ben wrote: “I &lt;left&gt; in May”" in payment


@pytest.mark.only_sqlite
def test_of_what_is_waived_no_request_is_announced(olga: Browser, cast: Cast, ben: Member, note: str) -> None:
    page = f"/objections/{note}"
    for words in ("requests begin again", "Correct or waive it"):
        assert words in olga.get(page).text

    cast.do(waive_payment, cast.payment_of(ben).id, reason="You left", by=cast.olga, now=NOW)

    shown = olga.get(page).text
    assert "Ben reads it at once." in shown
    for words in ("requests begin again", "Correct or waive it"):
        assert words not in shown


def test_an_empty_answer_is_refused_beside_the_field_and_nobody_is_told(
    olga: Browser, cast: Cast, ben: Member, note: str
) -> None:
    refused = olga.post(f"/objections/{note}/answer", page="/", text=" ", next="/")

    assert refused.status_code == 422
    assert "Write something here." in refused.text
    assert 'name="next" value="/"' in refused.text
    assert "objection_answered" not in cast.notices_to(ben.contact_id)


@pytest.mark.only_sqlite
def test_what_is_too_long_is_kept_to_be_shortened(olga: Browser, note: str) -> None:
    refused = olga.post(f"/objections/{note}/answer", page="/", text="y" * 1001)

    assert "keep it to 1,000" in refused.text
    assert "y" * 1001 in refused.text


@pytest.mark.only_sqlite
def test_it_can_be_left_without_an_answer(olga: Browser, cast: Cast, ben: Member, note: str) -> None:
    olga.post(f"/objections/{note}/dismiss", page="/", next="/")

    assert "in May" not in olga.get("/").text
    assert "objection_answered" not in cast.notices_to(ben.contact_id)
    assert "Olga left this without an answer" in olga.get(f"/objections/{note}").text


def test_who_comes_too_late_reads_who_answered_what(olga: Browser, cast: Cast, note: str) -> None:
    cast.do(answer_objection, note, text="All is well", by=cast.second_admin(), now=NOW)

    for act in ("answer", "dismiss"):
        late = olga.post(f"/objections/{note}/{act}", page="/profile", text="Mine")
        assert late.location == f"/objections/{note}"

    shown = olga.get(f"/objections/{note}").text
    assert "Ada answered this" in shown
    assert "All is well" in shown
    assert "Send the answer" not in shown


def test_the_member_reads_question_and_answer_at_the_top_and_later_in_the_history(
    app: Flask, runtime: Runtime, cast: Cast, ben: Member, note: str
) -> None:
    page = page_of(app, runtime, cast, ben.contact_id)
    assert "Olga was told" in page.show().text

    cast.do(answer_objection, note, text="Half is <yours>", by=cast.olga, now=NOW)

    shown = page.show().text
    top, rest = shown[: shown.index("<h1>")], shown[shown.index("<h1>") :]
    assert "You wrote: “I &lt;left&gt; in May”" in top
    assert "Half is &lt;yours&gt;" in top
    assert "Olga was told" not in rest
    page.press("claim", cast.payment_of(ben))
    assert "the answer: “Half is &lt;yours&gt;”" in page.show().text


def test_the_journal_tells_that_it_was_answered(olga: Browser, cast: Cast, note: str) -> None:
    cast.do(answer_objection, note, text="Half is yours", by=cast.olga, now=NOW)

    shown = olga.get("/journal?kind=decided").text

    assert "What Ben wrote about February 2026 was answered." in shown
    assert "Half is yours" in shown


@pytest.mark.only_sqlite
def test_a_stranger_sees_and_answers_nothing(
    app: Flask, runtime: Runtime, cast: Cast, ben: Member, note: str
) -> None:
    zed = stranger(app, runtime)

    assert zed.get(f"/objections/{note}").status_code == 404
    assert zed.post(f"/objections/{note}/answer", page="/profile", text="Hi").status_code == 404
    assert zed.post(f"/objections/{note}/dismiss", page="/profile").status_code == 404
    assert cast.payment_of(ben).objection == note
