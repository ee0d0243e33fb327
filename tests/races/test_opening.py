"""What is booked or changed while a period opens counts for it, whichever comes first."""

from collections.abc import Callable
from datetime import datetime
from threading import Thread
from typing import Any

import pytest

from substrack.domain.payments import Status
from substrack.services.collection_day import set_contact_collection_day, set_workspace_collection_day
from substrack.services.mailboxes import set_email
from substrack.services.payments import confirm_payment
from substrack.services.receipts import record_receipt
from tests.races.conftest import Race
from tests.support.cast import Cast, at, money

FEBRUARY, MARCH = at("2026-02-01"), at("2026-03-01")


@pytest.mark.only_postgresql
def test_an_opening_waits_for_money_that_is_just_being_booked(race: Race) -> None:
    cast = race.cast
    cast.do(confirm_payment, race.payment.id, by=cast.olga, now=at("2026-02-02"))
    tick_beside(
        cast,
        record_receipt,
        cast.workspace_id,
        contact_id=race.ben.contact_id,
        payer_id=cast.olga_contact,
        amount=money("2.99"),
        by=cast.olga,
        now=MARCH,
    )
    assert cast.payment_of(race.ben, 2).status is Status.CONFIRMED
    race.check_books()


@pytest.mark.only_postgresql
def test_an_opening_waits_for_an_address_that_is_just_being_added(cast: Cast) -> None:
    ben = cast.join(cast.group(), "Ben", email=None)
    tick_beside(cast, set_email, ben.contact_id, "ben@example.org", by=cast.olga, now=FEBRUARY)
    assert cast.payment_of(ben).next_action_at == at("2026-02-04", 9)


@pytest.mark.only_postgresql
def test_an_opening_waits_for_a_collection_day_that_is_just_being_set(cast: Cast) -> None:
    ben = cast.join(cast.group(), "Ben")
    tick_beside(cast, set_contact_collection_day, ben.contact_id, 20, by=cast.olga, now=FEBRUARY)
    assert cast.payment_of(ben).next_action_at == at("2026-02-20", 9)


@pytest.mark.only_postgresql
def test_an_opening_waits_for_a_collection_day_of_the_workspace(cast: Cast) -> None:
    ben = cast.join(cast.group(), "Ben")
    tick_beside(cast, set_workspace_collection_day, cast.workspace_id, 20, by=cast.olga, now=FEBRUARY)
    assert cast.payment_of(ben).next_action_at == at("2026-02-20", 9)


def tick_beside(cast: Cast, work: Callable[..., Any], *args: Any, now: datetime, **terms: Any) -> None:
    """Let a period open while something is done and not yet committed; the opening waits for it."""
    opening = Thread(target=cast.tick, args=(now,))
    with cast.runtime.transaction() as session:
        work(session, *args, now=now, **terms)
        opening.start()
        opening.join(2)
        assert opening.is_alive(), "it waits until that is written"
    opening.join(60)
