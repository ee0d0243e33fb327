"""Claims about causes: which ids decisions get, and what logs are told."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from substrack.domain.actors import Actor, Via
from substrack.services.claims import claim_payments
from substrack.services.correlation import cause, effect, id_after_told, new_correlation_id, told_ids
from substrack.services.payments import confirm_payment
from substrack.services.undo import undo_decision
from substrack.store import Event, Message
from tests.support.cast import Cast, at

NOW = at("2026-02-01")


def test_the_first_decision_has_the_id_of_its_cause_and_others_begin_like_it() -> None:
    with cause() as own:
        ids = [new_correlation_id() for _ in range(100)]

    assert ids[0] == own
    assert len(set(ids)) == 100
    assert {one[:8] for one in ids} == {own[:8]}


def test_without_a_cause_ids_have_nothing_in_common() -> None:
    assert len({new_correlation_id()[:8] for _ in range(100)}) == 100


def test_threads_that_decide_at_once_share_no_id() -> None:
    with cause():
        together = [asyncio.run(many_at_once()) for _ in range(3)]

    ids = [one for batch in together for one in batch]
    assert len(set(ids)) == len(ids)


async def many_at_once() -> list[str]:
    made = await asyncio.gather(*(asyncio.to_thread(ids_of_one) for _ in range(8)))
    return [one for ids in made for one in ids]


def ids_of_one() -> list[str]:
    return [new_correlation_id() for _ in range(50)]


def test_an_effect_is_told_by_the_id_of_its_cause_and_decides_under_others() -> None:
    with cause() as outer:
        with effect("abcdefgh2345"):
            assert told_ids() == {"correlation_id": "abcdefgh2345"}
            assert not new_correlation_id().startswith(("abcdefgh", outer[:8]))
        assert told_ids() == {"correlation_id": outer}
    assert told_ids() == {}


def test_what_an_effect_has_led_to_begins_like_its_cause() -> None:
    with effect("k7m2qx9d3fhp"):
        found = id_after_told()
    assert (found[:8], found != "k7m2qx9d3fhp") == ("k7m2qx9d", True)
    with cause() as opened:
        assert id_after_told() == opened


def test_another_thread_knows_of_no_cause() -> None:
    with cause(), ThreadPoolExecutor(1) as thread:
        assert thread.submit(told_ids).result() == {}


@pytest.mark.only_sqlite
def test_two_decisions_of_one_cause_are_undone_one_by_one(cast: Cast) -> None:
    group = cast.group()
    members = [cast.join(group, name) for name in ("Ben", "Mia")]
    cast.tick(NOW)
    payments = [cast.payment_of(member) for member in members]
    with cause() as own:
        for payment in payments:
            cast.do(confirm_payment, payment.id, by=cast.olga, now=NOW)

    events = cast.read(lambda session: [session.get_one(Event, one.id) for one in decided(cast)])
    first, second = sorted({event.correlation_id for event in events}, key=lambda one: one != own)
    assert (first, second[:8]) == (own, own[:8])
    cast.do(undo_decision, first, by=cast.olga, now=NOW)
    assert [cast.payment_of(one).status.value for one in members] == ["pending", "confirmed"]


def decided(cast: Cast) -> list[Event]:
    return cast.read(lambda session: list(session.query(Event).filter(Event.verb == "confirm")))


@pytest.mark.only_sqlite
def test_the_notice_of_a_claim_has_the_id_of_the_press(cast: Cast) -> None:
    ben = cast.join(cast.group(), "Ben")
    cast.tick(NOW)
    payment, by = cast.payment_of(ben), Actor.contact(ben.contact_id, via=Via.LINK)
    with cause() as own:
        cast.do(claim_payments, ben.contact_id, [payment.id], by=by, now=NOW)

    (notice,) = cast.messages(notice="claim_received")
    assert notice.correlation_id == own
    assert cast.read(lambda s: s.query(Event).filter(Event.correlation_id == own).count()) > 0
    assert cast.read(lambda s: s.query(Message).filter(Message.correlation_id == own).count()) == 1
