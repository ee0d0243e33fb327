"""Claims about what home lists and adds up, whatever the sizes."""

from collections import Counter
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind, Via
from substrack.domain.notices import Channel
from substrack.domain.payments import Status
from substrack.queries.home import Needs, load_needs
from substrack.queries.home_history import load_history
from substrack.queries.home_owing import load_longest_owing
from substrack.queries.home_people import SHOWN, load_unreachable
from substrack.queries.home_signs import ADDED_UP, load_signs
from substrack.queries.objections import LOOKED_AT, list_objections
from substrack.queries.open_payments import LOOKED_AT as MANY
from substrack.queries.open_payments import load_longest_due
from substrack.services.addresses import mark_refused, unsubscribe
from substrack.services.asking_now import note_asked_by_hand
from substrack.services.claims import claim_payments
from substrack.services.connections import connection_for
from substrack.services.members import leave_group
from substrack.services.putting_off import object_to_payments
from substrack.services.receipts import record_receipt
from substrack.store import Address, Contact, Direction, Event, Member, Payment, Receipt, ReceiptSource
from tests.support.cast import Cast, at, money
from tests.web.crowds import copies, crowd

NOW = at("2026-03-01")
TODAY = NOW.date()


def needs_of(cast: Cast) -> Needs:
    return cast.read(lambda session: _needs(session, cast.workspace_id))


def _needs(session: Session, workspace_id: int) -> Needs:
    signs = load_signs(session, workspace_id, today=NOW.date(), now=NOW)
    longest = load_longest_due(session, workspace_id)
    return load_needs(session, workspace_id, signs, longest, today=NOW.date(), now=NOW)


def to_ask(cast: Cast, today: date = TODAY) -> dict[str, date | None]:
    """Name those who are to be asked by hand, and when they were last."""
    longest = cast.read(lambda session: load_longest_due(session, cast.workspace_id))
    found = cast.read(lambda session: load_unreachable(session, cast.workspace_id, longest, today=today))
    return {row.name: row.by_hand_on for row in found if row.is_to_ask}


def mailbox_of(cast: Cast, member: Member) -> Address:
    query = select(Address).where(Address.contact_id == member.contact_id)
    return cast.read(lambda session: session.scalars(query).one())


def test_one_reason_not_to_be_reached_hides_no_other(cast: Cast) -> None:
    group = cast.group()
    for number in range(SHOWN + 1):
        cast.join(group, f"Ann {number}", email=None)
    away, silent = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(NOW)
    cast.do(mark_refused, mailbox_of(cast, away).id, reason="550 no such box", now=NOW)
    by = Actor.contact(silent.contact_id)
    cast.do(unsubscribe, mailbox_of(cast, silent).id, by=by, now=NOW)

    found = needs_of(cast).unreachable

    assert Counter(row.why for row in found) == {"missing": SHOWN, "refused": 1, "unsubscribed": 1}
    assert [(row.name, row.since, row.reason) for row in found if row.why != "missing"] == [
        ("Ben", NOW, "550 no such box"),
        ("Mia", NOW, None),
    ]


def test_who_had_only_a_chat_that_refuses_is_told_apart(cast: Cast) -> None:
    ben = cast.join(cast.group(), "Ben", email=None)
    with cast.runtime.transaction() as session:
        chat = Address(
            contact_id=ben.contact_id,
            connection_id=connection_for(session, cast.workspace_id, Channel.TELEGRAM).id,
            channel=Channel.TELEGRAM,
            value="1002",
            value_key="1002",
            created_at=NOW,
        )
        session.add(chat)
        session.flush()
        mark_refused(session, chat.id, reason="bot was blocked by the user", now=NOW)

    (row,) = needs_of(cast).cut_off

    assert (row.name, row.why, row.since, row.reason) == ("Ben", "chat", NOW, "bot was blocked by the user")


class TestAskingByHand:
    """Theo has no address and was asked by hand on the first; the group asks again after three days."""

    @pytest.fixture
    def theo(self, cast: Cast) -> Member:
        theo = cast.join(cast.group(starts_on=TODAY), "Theo", email=None)
        cast.tick(NOW)
        assert to_ask(cast) == {"Theo": None}
        cast.do(note_asked_by_hand, theo.contact_id, by=cast.olga, now=NOW)
        return theo

    def test_who_was_just_asked_need_not_be_asked(self, cast: Cast, theo: Member) -> None:
        assert to_ask(cast) == {}
        assert to_ask(cast, today=TODAY + timedelta(days=2)) == {}

    def test_it_is_time_again_when_the_days_between_are_over(self, cast: Cast, theo: Member) -> None:
        assert to_ask(cast, today=TODAY + timedelta(days=3)) == {"Theo": TODAY}

    def test_what_is_asked_for_since_has_not_been_asked_for(self, cast: Cast, theo: Member) -> None:
        other = cast.group("Phone", "6.00", starts_on=TODAY + timedelta(days=1))
        cast.join(other, "Theo", email=None, contact_id=theo.contact_id)
        cast.tick(NOW + timedelta(days=1))

        assert to_ask(cast, today=TODAY + timedelta(days=1)) == {"Theo": TODAY}

    def test_what_is_said_to_be_paid_is_not_asked_for(self, cast: Cast, theo: Member) -> None:
        keys = [cast.payment_of(theo).id]
        cast.do(claim_payments, theo.contact_id, keys, by=cast.olga, now=NOW)

        assert to_ask(cast, today=TODAY + timedelta(days=9)) == {}

    def test_who_is_gone_is_not_asked(self, cast: Cast, theo: Member) -> None:
        tomorrow = TODAY + timedelta(days=1)
        cast.do(leave_group, theo.id, left_on=tomorrow, by=cast.olga, now=NOW)

        assert to_ask(cast, today=TODAY + timedelta(days=9)) == {}


def test_many_notes_on_one_payment_hide_no_other(cast: Cast) -> None:
    group = cast.group()
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    for member in (ben, *[mia] * (SHOWN + 1)):
        keys = [cast.payment_of(member).id]
        cast.do(object_to_payments, member.contact_id, keys, text="Not mine.", by=cast.olga, now=NOW)

    assert {row.name for row in needs_of(cast).notes} == {"Ben", "Mia"}


def test_an_address_that_refuses_is_told_of_however_many_people_came_later(cast: Cast) -> None:
    group = cast.group()
    refused, silent = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.do(mark_refused, mailbox_of(cast, refused).id, reason="550 no such box", now=NOW)
    by = Actor.contact(silent.contact_id)
    cast.do(unsubscribe, mailbox_of(cast, silent).id, by=by, now=NOW)
    assert not needs_of(cast).has_crowd
    with cast.runtime.transaction() as session:
        terms = {"workspace_id": cast.workspace_id, "created_at": NOW}
        session.add_all(Contact(name=f"Guest {number}", **terms) for number in range(MANY + 1))

    needs = needs_of(cast)

    assert {(row.name, row.why) for row in needs.unreachable} == {("Ben", "refused"), ("Mia", "unsubscribed")}
    assert needs.has_crowd


def test_notes_on_what_is_settled_hide_no_fresh_one(cast: Cast) -> None:
    club = crowd(cast, LOOKED_AT)
    settled = cast.payments(group_id=club.id, kind="dues")
    assert len(settled) == 2 * LOOKED_AT
    with cast.runtime.transaction() as session:
        of_club = update(Payment).where(Payment.id.in_([payment.id for payment in settled]))
        session.execute(of_club.values(status="waived", closed_at=NOW, objection="0" * 12))
        session.add_all(_note(payment, "0" * 12) for payment in settled)
    group = cast.group("Mullvad")
    fresh = [cast.join(group, name) for name in ("Ann", "Cem", "Mia", "Tom")]
    cast.tick(NOW)

    for member in fresh:
        keys = [cast.payment_of(member).id]
        cast.do(object_to_payments, member.contact_id, keys, text="Not mine.", by=cast.olga, now=NOW)

    assert {row.name for row in needs_of(cast).notes} == {"Ann", "Cem", "Mia", "Tom"}


def test_a_fresh_note_is_told_of_though_more_are_open_than_are_looked_at(cast: Cast) -> None:
    club = crowd(cast, LOOKED_AT + 1)
    with cast.runtime.transaction() as session:
        for number, payment in enumerate(cast.payments(group_id=club.id, kind="dues")):
            session.get_one(Payment, payment.id).objection = f"{number:012}"
            session.add(_note(payment, f"{number:012}"))
    lea = cast.join(cast.group("Films"), "Lea")
    cast.tick(NOW)
    keys = [cast.payment_of(lea).id]
    cast.do(object_to_payments, lea.contact_id, keys, text="Not mine.", by=cast.olga, now=NOW)

    assert {row.text for row in needs_of(cast).notes} == {"Years ago.", "Not mine."}


def _note(payment: Payment, correlation_id: str) -> Event:
    return Event(
        workspace_id=payment.workspace_id,
        group_id=payment.group_id,
        payment_id=payment.id,
        subject_kind="payment",
        subject_id=payment.id,
        verb="object",
        actor_kind=ActorKind.CONTACT,
        actor_id=payment.contact_id,
        via=Via.LINK,
        at=NOW,
        reason="Years ago.",
        correlation_id=correlation_id,
    )


def test_who_left_owes_all_of_it_however_many_payments_there_are(cast: Cast) -> None:
    group = cast.group(price="8.00", starts_on=date(2023, 3, 1))
    names = ["Ann", "Ben", "Cem", "Dan", "Eve", "Fay", "Gus"]
    members = [cast.join(group, name, joined_on=date(2023, 3, 1)) for name in names]
    cast.tick(NOW)
    for member in members:
        cast.do(leave_group, member.id, left_on=date(2026, 3, 1), by=cast.olga, now=NOW)

    needs = needs_of(cast)

    payments = {member.id: cast.payments(member_id=member.id) for member in members}
    assert sum(map(len, payments.values())) > 200
    assert [(row.name, row.owed, row.oldest) for row in needs.leavers] == [
        (name, money(f"{len(payments[member.id])}.00"), payments[member.id][0].public_id)
        for name, member in zip(names, members, strict=True)
    ]


def test_claims_take_nobodys_place_among_those_who_owe(cast: Cast) -> None:
    group = cast.group()
    ben, _mia, cem = (cast.join(group, name) for name in ("Ben", "Mia", "Cem"))
    cast.tick(at("2026-02-01"))
    cast.do(leave_group, cem.id, left_on=date(2026, 3, 1), by=cast.olga, now=NOW)
    with cast.runtime.transaction() as session:
        claimed = {"status": Status.MEMBER_CONFIRMED, "period_id": None, "due_on": date(2026, 1, 1)}
        copies(session, cast.payment_of(ben), [claimed] * (MANY + 1))

    longest = cast.read(lambda session: load_longest_due(session, cast.workspace_id))
    owing = cast.read(lambda session: load_longest_owing(session, longest, limit=5))

    assert not longest.is_all
    assert ({row.name for row in owing.rows}, owing.total) == ({"Ben", "Mia", "Cem"}, 3)
    assert [row.name for row in needs_of(cast).leavers] == ["Cem"]


def test_the_newest_notes_of_a_group_are_told_of_whatever_payment_and_group_others_are_about(
    cast: Cast,
) -> None:
    club, other = crowd(cast, LOOKED_AT + 2), crowd(cast, LOOKED_AT + 1, "Choir")
    old = [(one, f"{number:012}") for number, one in enumerate(cast.payments(group_id=club.id, kind="dues"))]
    fresh = [(old[0][0], "of the first"), (old[-1][0], "of the last.")]
    later = [(one, f"l{number:011}") for number, one in enumerate(cast.payments(group_id=other.id))]
    with cast.runtime.transaction() as session:
        for payment, note in (*old, *fresh, *later):
            session.get_one(Payment, payment.id).objection = note
            session.add(_note(payment, note))
            session.flush()

    notes = cast.read(lambda session: list_objections(session, cast.workspace_id, group_id=club.id))

    assert {row.id for row in notes} >= {"of the first", "of the last."}


def test_what_is_not_drawn_makes_no_long_year(cast: Cast) -> None:
    cast.join(cast.group(), "Ben")
    cast.tick(at("2026-02-01"))
    with cast.runtime.transaction() as session:
        own = session.scalars(select(Receipt).where(Receipt.source == ReceiptSource.OWN)).one()
        came = {"source": ReceiptSource.ADMIN}
        copies(
            session,
            own,
            [
                *[{}] * (ADDED_UP + 1),
                came | {"voided_at": NOW},
                came | {"direction": Direction.OUT},
                came | {"received_on": date(2026, 3, 2)},
            ],
        )
    assert not _has_long_year(cast)

    with cast.runtime.transaction() as session:
        copies(session, own, [came])

    assert _has_long_year(cast)


def test_what_is_yet_to_come_makes_no_year_long(cast: Cast) -> None:
    cast.join(cast.group(), "Ben")
    cast.tick(at("2026-02-01"))
    with cast.runtime.transaction() as session:
        own = session.scalars(select(Receipt).where(Receipt.source == ReceiptSource.OWN)).one()
        copies(session, own, [{"source": ReceiptSource.ADMIN}])
        copies(session, own, [{"received_on": date(2026, 3, 2)}] * ADDED_UP)

    assert not _has_long_year(cast)


def _has_long_year(cast: Cast) -> bool:
    today = NOW.date()
    signs = cast.read(lambda session: load_signs(session, cast.workspace_id, today=today, now=NOW))
    return signs.has_long_year


def test_a_payment_took_until_the_last_of_its_money_came_and_counts_once(cast: Cast) -> None:
    group = cast.group(price="18.00")
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    parts = (ben, "2", "1.00"), (ben, "3", "1.00"), (ben, "27", "4.00"), (mia, "11", "6.00")
    for member, day, amount in parts:
        cast.do(
            record_receipt,
            cast.workspace_id,
            contact_id=member.contact_id,
            payer_id=cast.olga_contact,
            amount=money(amount),
            received_on=date(2026, 2, int(day)),
            by=cast.olga,
            now=at("2026-02-28"),
        )

    history = cast.read(lambda session: load_history(session, cast.workspace_id, today=date(2026, 2, 28)))

    assert history is not None
    # The lower one of 10 days and 26; the parts alone would make it 2.
    assert (history.months[-1].collected, history.months[-1].days) == (money("12.00"), 10)
