"""Claims about answers to "something's off": told once, to who wrote, and requests begin again afterwards."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from substrack.domain.actors import OPERATOR, Actor
from substrack.domain.errors import NotFound, Refused
from substrack.domain.wording import TextMissing, TextTooLong
from substrack.queries.objections import list_objections, load_objection
from substrack.services.claims import claim_payments
from substrack.services.objections import (
    MAX_ANSWER,
    ObjectionAnswered,
    answer_objection,
    dismiss_objection,
)
from substrack.services.payments import confirm_payment
from substrack.services.putting_off import object_to_payments, snooze_payments
from substrack.store import Event, Member, Payment, Workspace
from tests.support.cast import Cast, at, money

NOW = at("2026-02-05")


@pytest.fixture
def ben(cast: Cast) -> Member:
    """Ben, who owes for two things since 1 February."""
    members = [cast.join(cast.group(name), "Ben") for name in ("YouTube Premium", "Mullvad")]
    cast.tick(at("2026-02-01"))
    return members[0]


@pytest.fixture
def note(cast: Cast, ben: Member) -> str:
    """Let Ben write about both."""
    return write(cast, ben, "I left in January")


def write(cast: Cast, ben: Member, text: str, *, days: int = 0, payments: list[Payment] | None = None) -> str:
    """Let Ben write about some of what he owes; return the id of the note."""
    keys = [payment.id for payment in (payments or owed(cast, ben))]
    by, now = Actor.contact(ben.contact_id), NOW + timedelta(days=days)
    cast.do(object_to_payments, ben.contact_id, keys, text=text, by=by, now=now)
    noted = select(Event.correlation_id).where(Event.verb == "object").order_by(Event.id.desc()).limit(1)
    return cast.read(lambda session: session.scalars(noted).one())


def owed(cast: Cast, ben: Member) -> list[Payment]:
    return [payment for payment in cast.payments(kind="dues") if payment.contact_id == ben.contact_id]


def reply(cast: Cast, note: str, text: str = "Until the 14th, please.", by: Actor | None = None) -> None:
    cast.do(answer_objection, note, text=text, by=by or cast.olga, now=NOW + timedelta(days=1))


def open_notes(cast: Cast) -> list[str]:
    return [row.text for row in cast.read(lambda session: list_objections(session, cast.workspace_id))]


def lines_of(cast: Cast, verb: str) -> list[Event]:
    query = select(Event).where(Event.verb == verb).order_by(Event.id)
    return cast.read(lambda session: list(session.scalars(query)))


def test_an_answer_goes_to_who_wrote_at_once_and_ends_the_note(cast: Cast, ben: Member, note: str) -> None:
    assert open_notes(cast) == ["I left in January"]

    reply(cast, note)

    [message] = cast.messages(notice="objection_answered")
    assert (message.contact_id, message.due_at) == (ben.contact_id, NOW + timedelta(days=1))
    text = cast.text_of(message, NOW)
    assert "I left in January" in text
    assert "Until the 14th, please." in text
    assert "Mullvad" in text
    assert open_notes(cast) == []
    assert all(payment.objection is None for payment in owed(cast, ben))


def test_the_journal_has_a_line_for_each_payment_and_no_names(cast: Cast, ben: Member, note: str) -> None:
    reply(cast, note)

    events = lines_of(cast, "answer")
    assert [event.payment_id for event in events] == [payment.id for payment in owed(cast, ben)]
    assert all((event.before, event.after) == (None, {"objection": note}) for event in events)
    assert len({event.correlation_id for event in events}) == 1


def test_a_second_answer_is_refused_and_sends_nothing(cast: Cast, note: str) -> None:
    reply(cast, note, by=cast.second_admin())

    for act, terms in ((answer_objection, {"text": "Me too"}), (dismiss_objection, {})):
        with pytest.raises(ObjectionAnswered):
            cast.do(act, note, by=cast.olga, now=NOW, **terms)

    assert len(cast.messages(notice="objection_answered")) == 1


def test_requests_begin_again_three_days_after_an_answer(cast: Cast, ben: Member, note: str) -> None:
    assert {payment.snoozed_until for payment in owed(cast, ben)} == {date(2026, 2, 19)}

    reply(cast, note)

    assert {payment.snoozed_until for payment in owed(cast, ben)} == {date(2026, 2, 9)}


def test_what_the_member_put_off_for_longer_stays_put_off(cast: Cast, ben: Member) -> None:
    keys = [payment.id for payment in owed(cast, ben)]
    by, until = Actor.contact(ben.contact_id), date(2026, 3, 1)
    cast.do(snooze_payments, ben.contact_id, keys, until=until, by=by, now=NOW)

    reply(cast, write(cast, ben, "And it is wrong"))

    assert {payment.snoozed_until for payment in owed(cast, ben)} == {until}


def test_an_earlier_wish_of_the_member_still_holds_after_an_answer(cast: Cast, ben: Member) -> None:
    keys = [payment.id for payment in owed(cast, ben)]
    by, until = Actor.contact(ben.contact_id), date(2026, 2, 12)
    cast.do(snooze_payments, ben.contact_id, keys, until=until, by=by, now=NOW)

    reply(cast, write(cast, ben, "And it is wrong"))

    assert {payment.snoozed_until for payment in owed(cast, ben)} == {until}


@pytest.mark.parametrize("answered", [at("2026-02-18", 17), at("2026-02-25", 17)], ids=["ending", "over"])
def test_an_answer_gives_three_days_when_the_rest_is_ending_or_over(
    cast: Cast, ben: Member, note: str, answered: datetime
) -> None:
    cast.do(answer_objection, note, text="It is right", by=cast.olga, now=answered)

    asked_again_on = answered.date() + timedelta(days=3)
    assert {payment.snoozed_until for payment in owed(cast, ben)} == {asked_again_on}
    before = cast.notices_to(ben.contact_id)
    for day in range(1, 3):
        cast.tick(answered.replace(hour=10) + timedelta(days=day))
    assert cast.notices_to(ben.contact_id) == before
    cast.tick(answered.replace(hour=10) + timedelta(days=3))
    assert len(cast.notices_to(ben.contact_id)) == len(before) + 1


def test_an_early_answer_shortens_the_rest_though_the_zone_changed(cast: Cast, ben: Member) -> None:
    by, keys = Actor.contact(ben.contact_id), [payment.id for payment in owed(cast, ben)]
    cast.do(object_to_payments, ben.contact_id, keys, text="Off", by=by, now=at("2026-02-05", 20))
    with cast.runtime.transaction() as session:
        session.get_one(Workspace, cast.workspace_id).time_zone = "Asia/Tokyo"
    [note] = {payment.objection for payment in owed(cast, ben)}

    cast.do(answer_objection, note or "", text="It is right", by=cast.olga, now=at("2026-02-06"))

    assert {payment.snoozed_until for payment in owed(cast, ben)} == {date(2026, 2, 9)}


def test_a_note_without_need_of_an_answer_is_told_to_nobody_and_rests_on(
    cast: Cast, ben: Member, note: str
) -> None:
    before = len(cast.messages())

    cast.do(dismiss_objection, note, by=OPERATOR, now=NOW)

    assert open_notes(cast) == []
    assert len(cast.messages()) == before
    assert {payment.snoozed_until for payment in owed(cast, ben)} == {date(2026, 2, 19)}
    assert {event.reason for event in lines_of(cast, "dismiss")} == {None}


def test_a_note_stays_until_somebody_answers_however_long(cast: Cast, note: str) -> None:
    assert note
    cast.tick(at("2026-04-01"))
    assert "I left in January" in open_notes(cast)


def test_what_was_written_anew_is_answered_with_what_came_before(cast: Cast, ben: Member, note: str) -> None:
    newer = write(cast, ben, "In January, I said", days=1)

    with pytest.raises(ObjectionAnswered):
        reply(cast, note)
    shown = cast.read(lambda session: load_objection(session, cast.workspace_id, newer))
    assert (shown.text, shown.earlier) == ("In January, I said", ("I left in January",))
    reply(cast, newer)
    assert open_notes(cast) == []


def test_a_note_about_one_of_two_leaves_the_other_s_open(cast: Cast, ben: Member, note: str) -> None:
    first, _second = owed(cast, ben)
    newer = write(cast, ben, "This one above all", payments=[first])

    reply(cast, newer)

    assert open_notes(cast) == ["I left in January"]
    reply(cast, note)
    assert open_notes(cast) == []


def test_of_what_is_paid_or_claimed_no_note_waits(cast: Cast, ben: Member, note: str) -> None:
    first, second = owed(cast, ben)
    cast.do(confirm_payment, first.id, by=cast.olga, now=NOW)
    cast.do(claim_payments, ben.contact_id, [second.id], by=Actor.contact(ben.contact_id), now=NOW)

    assert open_notes(cast) == []
    reply(cast, note)
    assert "There is nothing to pay for it now." in cast.text_of(
        cast.messages(notice="objection_answered")[0], NOW
    )


def test_the_letter_says_what_is_owed_by_the_time_it_goes(cast: Cast, ben: Member, note: str) -> None:
    first, _second = owed(cast, ben)
    reply(cast, note)

    cast.do(confirm_payment, first.id, amount=money("1.00"), by=cast.olga, now=NOW)

    assert "left of" in cast.text_of(cast.messages(notice="objection_answered")[0], NOW)


@pytest.mark.only_sqlite
@pytest.mark.parametrize(("text", "refusal"), [("  ", TextMissing), ("x" * (MAX_ANSWER + 1), TextTooLong)])
def test_words_that_cannot_be_sent_leave_the_note_open(
    cast: Cast, note: str, text: str, refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        reply(cast, note, text)
    assert open_notes(cast) == ["I left in January"]


@pytest.mark.only_sqlite
def test_a_stranger_and_a_made_up_id_get_the_same_no(cast: Cast, zed: Cast, note: str) -> None:
    for wanted, by in ((note, zed.olga), ("N0tTh3reAtA1", cast.olga)):
        with pytest.raises(NotFound):
            cast.do(answer_objection, wanted, text="Hello", by=by, now=NOW)
        with pytest.raises(NotFound):
            cast.do(dismiss_objection, wanted, by=by, now=NOW)
