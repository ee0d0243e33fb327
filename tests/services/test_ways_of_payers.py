"""Ways to pay belong to a payer: what is owed to one is never asked for into the account of another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.bills import HowToPay
from substrack.domain.notices import Notice
from substrack.domain.pay_methods import PayMethod, pay_method
from substrack.queries.group_form import find_latest_ways
from substrack.queries.groups import load_pay_methods, load_terms
from substrack.queries.letter_items import load_how_to_pay, load_owed
from substrack.services.erasing import erase_contact
from substrack.services.group_edits import edit_group
from substrack.services.groups import set_pay_methods
from substrack.services.people import add_contact
from substrack.store import Group, Member
from substrack.store import PayMethod as PayMethodRow
from tests.support.cast import Cast, at

CHANGED = at("2026-02-02")
CASH = pay_method("text", {"text": "In cash."})


def account(whose: str) -> PayMethod:
    return pay_method("iban", {"iban": "DE89370400440532013000", "holder": whose})


@dataclass
class Scene:
    """Olga is paid into her account; ben owes her for February."""

    cast: Cast
    group: Group
    ben: Member
    mia: Member

    def change(self, *, now: datetime = CHANGED, **terms: Any) -> None:
        before = self.cast.read(lambda session: load_terms(session, self.group.id))
        self.cast.do(edit_group, self.group.id, replace(before, **terms), by=self.cast.olga, now=now)

    def mia_is_paid(self, **terms: Any) -> None:
        self.change(payer_id=self.mia.contact_id, **terms)

    def olga_is_paid(self, **terms: Any) -> None:
        self.change(payer_id=self.cast.olga_contact, **terms)

    def how_to_pay(self, *sequences: int, by: Member | None = None) -> tuple[HowToPay, ...]:
        keys = [self.cast.payment_of(by or self.ben, sequence).id for sequence in sequences]
        today = date(2026, 3, 2)
        return self.cast.read(lambda session: load_how_to_pay(session, load_owed(session, keys), today=today))

    def shown(self, *sequences: int, by: Member | None = None) -> list[tuple[str, list[str], bool]]:
        """Tell who is to be paid, into whose account, and whether it is said to be new."""
        found = self.how_to_pay(*sequences, by=by)
        return [
            (one.payer, [way.holder or way.value for way in one.ways], bool(one.changed_on)) for one in found
        ]

    def ways(self) -> list[PayMethod]:
        return self.cast.read(lambda session: load_pay_methods(session, self.group.id))

    def march_opens(self) -> None:
        self.cast.tick(at("2026-03-01"))


def make_scene(cast: Cast) -> Scene:
    group = cast.group(pay_methods=(account("Olga"),))
    scene = Scene(cast, group, cast.join(group, "Ben"), cast.join(group, "Mia"))
    cast.tick(at("2026-02-01"))
    return scene


def test_what_is_owed_to_a_former_payer_goes_into_their_account(scene: Scene) -> None:
    scene.mia_is_paid(pay_methods=(account("Mia"),))
    scene.march_opens()
    assert scene.shown(1, 2) == [("Olga", ["Olga"], False), ("Mia", ["Mia"], True)]


def test_a_letter_asks_for_each_debt_into_the_account_of_whom_it_is_owed(scene: Scene) -> None:
    scene.mia_is_paid(pay_methods=(pay_method("text", {"text": "MIA-ACCOUNT"}),))
    scene.cast.tick(at("2026-02-04"))
    [message] = scene.cast.messages(contact_id=scene.ben.contact_id, notice=Notice.REQUEST)
    text = scene.cast.text_of(message, at("2026-02-04"))
    assert "Olga" in text
    assert "MIA-ACCOUNT" not in text
    assert "New since" not in text


def test_ways_that_were_left_as_they_were_are_not_those_of_the_next_payer(scene: Scene) -> None:
    scene.mia_is_paid()
    scene.march_opens()
    assert scene.shown(1, 2) == [("Olga", ["Olga"], False), ("Mia", [], True)]
    assert scene.ways() == []
    assert len(scene.cast.messages(notice=Notice.PAY_DETAILS_CHANGED)) == 1


def test_the_same_ways_are_the_next_payers_once_an_admin_says_so(scene: Scene) -> None:
    scene.mia_is_paid()
    scene.change(pay_methods=(account("Olga"),))
    scene.march_opens()
    assert scene.shown(2) == [("Mia", ["Olga"], True)]


def test_who_is_paid_again_has_the_ways_that_were_theirs(scene: Scene) -> None:
    scene.mia_is_paid(pay_methods=(account("Mia"),))
    scene.march_opens()
    scene.olga_is_paid()
    assert scene.ways() == [account("Olga")]
    assert scene.shown(2) == [("Mia", ["Mia"], False)]


@pytest.mark.parametrize("account_is_typed", [False, True])
def test_the_ways_of_who_is_paid_again_are_new_to_whom_they_were_never_shown(
    scene: Scene, account_is_typed: bool
) -> None:
    scene.mia_is_paid(pay_methods=(account("Mia"),))
    kim = scene.cast.join(scene.group, "Kim", now=at("2026-02-10"))
    scene.march_opens()
    terms = {"pay_methods": (account("Olga"),)} if account_is_typed else {}
    scene.olga_is_paid(now=at("2026-03-02"), **terms)
    scene.cast.tick(at("2026-04-01"))
    assert scene.shown(1) == [("Olga", ["Olga"], False)]
    assert scene.shown(3) == [("Olga", ["Olga"], False)]
    assert scene.shown(3, by=kim) == [("Olga", ["Olga"], True)]


def test_another_way_of_who_is_paid_again_is_new_to_all(scene: Scene) -> None:
    scene.mia_is_paid(pay_methods=(account("Mia"),))
    scene.olga_is_paid(now=at("2026-03-02"), pay_methods=(CASH,))
    assert scene.shown(1) == [("Olga", ["In cash."], True)]


def test_a_change_of_payer_is_told_to_nobody_where_no_ways_were_known(scene: Scene) -> None:
    scene.cast.do(set_pay_methods, scene.group.id, (), by=scene.cast.olga, now=CHANGED)
    told = len(scene.cast.messages(notice=Notice.PAY_DETAILS_CHANGED))
    scene.mia_is_paid()
    assert len(scene.cast.messages(notice=Notice.PAY_DETAILS_CHANGED)) == told


def test_another_group_takes_over_the_ways_of_its_own_payer(scene: Scene) -> None:
    scene.mia_is_paid()
    cast, mia = scene.cast, scene.mia.contact_id
    assert cast.read(lambda session: find_latest_ways(session, cast.workspace_id, mia)) is None
    scene.change(pay_methods=(CASH,))
    found = cast.read(lambda session: find_latest_ways(session, cast.workspace_id, mia))
    assert found is not None
    assert (found.payer, found.methods) == ("Mia", (CASH,))


def test_the_account_of_a_former_payer_goes_when_they_are_erased(cast: Cast) -> None:
    pat = cast.do(add_contact, cast.workspace_id, name="Pat", by=cast.olga, now=CHANGED).id
    group = cast.group(payer_id=pat, payer_included=False, pay_methods=(account("Pat"),))
    scene = Scene(cast, group, cast.join(group, "Ben"), cast.join(group, "Mia"))
    cast.tick(at("2026-02-01"))
    scene.mia_is_paid(pay_methods=(account("Mia"),))
    assert scene.shown(1) == [("Pat", ["Pat"], False)]
    cast.do(erase_contact, pat, anyway=True, by=cast.olga, now=CHANGED)
    rows = cast.read(lambda session: list(session.scalars(select(PayMethodRow))))
    assert {row.payer_id for row in rows} == {scene.mia.contact_id}
