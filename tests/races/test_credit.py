"""Money that is booked while a period opens settles it, whichever comes first."""

from threading import Thread

import pytest

from substrack.domain.payments import Status
from substrack.services.payments import confirm_payment
from substrack.services.receipts import record_receipt
from tests.races.conftest import Race
from tests.support.cast import at, money


@pytest.mark.only_postgresql
def test_an_opening_waits_for_money_that_is_just_being_booked(race: Race) -> None:
    cast, now = race.cast, at("2026-03-01")
    cast.do(confirm_payment, race.payment.id, by=cast.olga, now=at("2026-02-02"))
    opening = Thread(target=cast.tick, args=(now,))
    with cast.runtime.transaction() as session:
        record_receipt(
            session,
            cast.workspace_id,
            contact_id=race.ben.contact_id,
            payer_id=cast.olga_contact,
            amount=money("2.99"),
            by=cast.olga,
            now=now,
        )
        opening.start()
        opening.join(2)
        assert opening.is_alive(), "it waits until the money is booked"
    opening.join(60)
    assert cast.payment_of(race.ben, 2).status is Status.CONFIRMED
    race.check_books()
