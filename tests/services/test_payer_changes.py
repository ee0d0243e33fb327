"""A period is paid to whom it was opened for, whoever pays for the group when its bill comes."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.payments import PaymentKind, Status
from substrack.domain.shares import SplitKind
from substrack.queries.group_members import list_without_payment
from substrack.queries.group_periods import load_period
from substrack.queries.groups import load_terms
from substrack.services.erasing import erase_contact
from substrack.services.group_edits import edit_group
from substrack.services.late_joiners import PayerOwesNothing, add_to_period
from substrack.services.members import leave_group
from substrack.services.people import add_contact
from substrack.services.periods import edit_period
from substrack.services.receipts import record_receipt
from substrack.store import Group, Member, Payment, Period, Receipt
from tests.support.books import check_books
from tests.support.cast import Cast, at, money

NOW = at("2026-02-10")


@dataclass
class Scene:
    """Olga pays for power and shares it with ben and mia; February is open and waits for its bill."""

    cast: Cast
    group: Group
    ben: Member
    mia: Member

    @property
    def february(self) -> Period:
        query = select(Period).where(Period.sequence == 1)
        return self.cast.read(lambda session: session.scalars(query).one())

    def change(self, **terms: Any) -> None:
        before = self.cast.read(lambda session: load_terms(session, self.group.id))
        self.cast.do(edit_group, self.group.id, replace(before, **terms), by=self.cast.olga, now=NOW)

    def bill(self, total: str = "30.00") -> list[Payment]:
        self.cast.do(edit_period, self.february.id, total=money(total), by=self.cast.olga, now=NOW)
        self.cast.read(check_books)
        return self.cast.payments()

    def owed(self) -> dict[int, tuple[int, int, PaymentKind]]:
        """Say what everybody bears of February, and to whom."""
        return {one.contact_id: (one.amount_minor, one.payer_id, one.kind) for one in self.bill()}

    @property
    def olgas(self) -> dict[int, tuple[int, int, PaymentKind]]:
        """What everybody bears of February as it was opened."""
        olga = self.cast.olga_contact
        dues = (1000, olga, PaymentKind.DUES)
        own = (1000, olga, PaymentKind.OWN)
        return {olga: own, self.ben.contact_id: dues, self.mia.contact_id: dues}


def make_scene(cast: Cast) -> Scene:
    return _opened(cast)


def _opened(cast: Cast, **terms: Any) -> Scene:
    group = cast.group(split=SplitKind.VARIABLE, **terms)
    scene = Scene(cast, group, cast.join(group, "Ben"), cast.join(group, "Mia"))
    cast.tick(at("2026-02-01"))
    return scene


def test_a_bill_is_owed_to_whom_its_period_was_opened_for(scene: Scene) -> None:
    scene.change(payer_id=scene.mia.contact_id)
    assert scene.owed() == scene.olgas


def test_a_former_payers_own_share_is_settled_by_a_receipt_of_theirs(scene: Scene) -> None:
    scene.change(payer_id=scene.mia.contact_id)
    scene.bill()
    query = select(Receipt.contact_id, Receipt.payer_id, Receipt.amount_minor)
    olga = scene.cast.olga_contact
    assert scene.cast.read(lambda session: session.execute(query).all()) == [(olga, olga, 1000)]


def test_a_bill_that_is_corrected_goes_on_being_owed_to_the_same(scene: Scene) -> None:
    scene.change(payer_id=scene.mia.contact_id)
    scene.bill()
    scene.cast.do(
        edit_period, scene.february.id, total=money("33.00"), reason="typo", by=scene.cast.olga, now=NOW
    )
    assert {(one.amount_minor, one.payer_id) for one in scene.cast.payments()} == {
        (1100, scene.cast.olga_contact)
    }


def test_a_payer_who_shares_no_longer_still_bears_their_part_of_what_was_open(scene: Scene) -> None:
    scene.change(payer_included=False)
    assert scene.owed() == scene.olgas


def test_a_payer_who_leaves_paying_and_sharing_to_another_bears_it_as_well(scene: Scene) -> None:
    scene.change(payer_id=scene.mia.contact_id, payer_included=False)
    assert scene.owed() == scene.olgas


def test_a_former_payer_who_has_left_within_the_period_bears_it_as_well(scene: Scene) -> None:
    scene.change(payer_id=scene.mia.contact_id)
    seat = select(Member).where(Member.contact_id == scene.cast.olga_contact)
    olga = scene.cast.read(lambda session: session.scalars(seat).one())
    scene.cast.do(leave_group, olga.id, by=scene.cast.olga, now=NOW)
    assert scene.owed() == scene.olgas


@pytest.mark.parametrize("payer", ["olga", "mia", "pat"])
def test_a_payer_who_begins_to_share_bears_nothing_of_what_was_open(cast: Cast, payer: str) -> None:
    scene = _opened(cast, payer_included=False)
    pat = cast.do(add_contact, cast.workspace_id, name="Pat", by=cast.olga, now=NOW).id
    chosen = {"olga": cast.olga_contact, "mia": scene.mia.contact_id, "pat": pat}[payer]
    scene.change(payer_id=chosen, payer_included=True)
    dues = (1500, cast.olga_contact, PaymentKind.DUES)
    assert scene.owed() == {scene.ben.contact_id: dues, scene.mia.contact_id: dues}


def test_a_payer_who_is_new_shares_from_the_next_period(scene: Scene) -> None:
    pat = scene.cast.do(add_contact, scene.cast.workspace_id, name="Pat", by=scene.cast.olga, now=NOW).id
    scene.change(payer_id=pat)
    assert scene.owed() == scene.olgas


def test_credit_with_the_former_payer_settles_the_bill(scene: Scene) -> None:
    scene.cast.do(
        record_receipt,
        scene.cast.workspace_id,
        contact_id=scene.ben.contact_id,
        payer_id=scene.cast.olga_contact,
        amount=money("10.00"),
        by=scene.cast.olga,
        now=NOW,
    )
    scene.change(payer_id=scene.mia.contact_id)
    scene.bill()
    assert scene.cast.payment_of(scene.ben).status is Status.CONFIRMED


def test_a_new_payer_may_owe_the_former_one_and_not_the_other_way_round(scene: Scene) -> None:
    cast = scene.cast
    pat = cast.join(scene.group, "Pat", now=NOW, joined_on=date(2026, 3, 1))
    scene.change(payer_id=pat.contact_id)
    scene.bill()
    seat = select(Member).where(Member.contact_id == cast.olga_contact)
    olga = cast.read(lambda session: session.scalars(seat).one())
    terms: dict[str, Any] = {"amount": money("2.00"), "by": cast.olga, "now": NOW}
    with pytest.raises(PayerOwesNothing):
        cast.do(add_to_period, scene.february.id, olga.id, **terms)
    assert _choices(scene) == ["Pat"]
    payment = cast.do(add_to_period, scene.february.id, pat.id, **terms)
    assert (payment.contact_id, payment.payer_id) == (pat.contact_id, cast.olga_contact)
    cast.read(check_books)


def _choices(scene: Scene) -> list[str]:
    public_id = scene.february.public_id

    def look(session: Any) -> list[str]:
        period = load_period(session, scene.cast.workspace_id, public_id)
        return [one.name for one in list_without_payment(session, period)]

    return scene.cast.read(look)


def test_a_bill_that_is_wanted_passes_to_the_payer_when_the_former_one_is_erased(cast: Cast) -> None:
    pat = cast.do(add_contact, cast.workspace_id, name="Pat", by=cast.olga, now=NOW).id
    scene = _opened(cast, payer_id=pat)
    scene.change(payer_id=cast.olga_contact)
    cast.do(erase_contact, pat, by=cast.olga, now=NOW)
    assert {payer_id for _amount, payer_id, _kind in scene.owed().values()} == {cast.olga_contact}
