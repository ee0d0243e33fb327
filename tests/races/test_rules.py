"""Rules of a group change beside everything that does not depend on them."""

from dataclasses import replace
from threading import Thread

import pytest

from substrack.queries.groups import load_terms
from substrack.services.group_edits import edit_group
from substrack.services.locks import lock_contacts
from substrack.services.payments import confirm_payment
from tests.races.conftest import NOW, Race
from tests.support.cast import at


@pytest.mark.only_postgresql
def test_new_rules_of_asking_wait_for_nobody_who_has_paid(race: Race) -> None:
    cast = race.cast
    cast.do(confirm_payment, race.payment.id, by=cast.olga, now=NOW)
    terms = replace(cast.read(lambda session: load_terms(session, race.group.id)), grace_days=6)
    by_olga = {"by": cast.olga, "now": NOW}
    edit = Thread(target=cast.do, args=(edit_group, race.group.id, terms), kwargs=by_olga)
    with cast.runtime.transaction() as session:
        lock_contacts(session, [race.ben.contact_id])
        edit.start()
        edit.join(60)
        assert not edit.is_alive()
    assert cast.payment_of(race.mia).next_action_at == at("2026-02-07", 9)
