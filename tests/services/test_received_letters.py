"""What members read of money: what came, what was credit before, what is left when the letter goes out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from substrack.domain.actors import Actor
from substrack.domain.notices import Notice
from substrack.domain.payments import ReopenCause, Status
from substrack.services.claim_decisions import confirm_claim
from substrack.services.claims import claim_payments
from substrack.services.payments import adjust_payment, confirm_payment, reopen_payment
from substrack.services.periods import open_next_period
from substrack.services.receipts import apply_credit_now, record_receipt
from substrack.services.voiding import void_period
from substrack.store import Attempt, Group, Member, Payment
from tests.support.cast import Cast, at, money

NOW = at("2026-02-02")
LATER = NOW + timedelta(hours=6)


class Scene:
    """Two open periods; ben owes 5.00 for each. Letters are read hours later."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.group: Group = cast.group(price="10.00", payer_included=False)
        self.ben: Member = cast.join(self.group, "Ben")
        cast.join(self.group, "Mia")
        cast.tick(at("2026-02-01"))
        self.open_another()

    def open_another(self) -> None:
        self.cast.do(open_next_period, self.group.id, by=self.cast.olga, now=at("2026-02-01"))

    def due(self, sequence: int = 1) -> Payment:
        return self.cast.payment_of(self.ben, sequence)

    def claim(self, *sequences: int) -> Attempt:
        keys, by = [self.due(sequence).id for sequence in sequences], Actor.contact(self.ben.contact_id)
        [attempt] = self.cast.do(claim_payments, self.ben.contact_id, keys, by=by, now=NOW)
        return attempt

    def decide(self, act: Callable[..., Any], sequence: int = 1, **terms: Any) -> Any:
        chosen: dict[str, Any] = {"by": self.cast.olga, "now": NOW}
        return self.cast.do(act, self.due(sequence).id, **chosen | terms)

    def money_in(self, amount: str) -> None:
        people = {"contact_id": self.ben.contact_id, "payer_id": self.cast.olga_contact}
        terms: dict[str, Any] = {"amount": money(amount), "by": self.cast.olga, "now": NOW}
        self.cast.do(record_receipt, self.cast.workspace_id, **people | terms)

    def leave_credit(self) -> None:
        """Void the first period once it is paid: its 5.00 are credit that moves with the next money."""
        self.decide(confirm_payment)
        period_id = self.due().period_id
        self.cast.do(void_period, period_id, reason="a free month", by=self.cast.olga, now=NOW)

    def letters(self) -> list[str]:
        """Read what answers say by now, oldest first; nothing for those that are not worth sending."""
        answers = (Notice.RECEIVED, Notice.PART_RECEIVED)
        found = [m for m in self.cast.messages(contact_id=self.ben.contact_id) if m.notice in answers]
        texts = (self.cast.text_of(message, LATER) for message in found)
        return [text.replace("\xa0", " ").partition("\nEverything you share")[0] for text in texts]

    @property
    def last(self) -> str:
        return self.letters()[-1]


def make_scene(cast: Cast) -> Scene:
    return Scene(cast)


def test_what_credit_adds_to_a_part_is_one_sum_with_it(scene: Scene) -> None:
    scene.decide(confirm_payment)
    scene.claim(2)
    scene.decide(adjust_payment, amount=money("2.00"), reason="a discount")
    scene.decide(confirm_payment, 2, amount=money("2.00"))
    assert scene.due(2).status is Status.CONFIRMED
    assert "Olga received your 2.00 €. Thank you!" in scene.last
    assert "March 2026: 5.00 €" in scene.last
    assert "3.00 € of this came from your credit with Olga." in scene.last
    assert "left" not in scene.last
    assert "Paid already?" not in scene.last


def test_what_credit_settles_beside_new_money_is_told_as_credit(scene: Scene) -> None:
    scene.open_another()
    scene.leave_credit()
    scene.money_in("5.00")
    assert [scene.due(k).status for k in (2, 3)] == [Status.CONFIRMED] * 2
    assert "Olga received your 5.00 €. Thank you!" in scene.last
    assert "5.00 € of this came from your credit with Olga." in scene.last


def test_what_is_left_of_new_money_is_no_credit_from_before(scene: Scene) -> None:
    scene.decide(confirm_payment, amount=money("7.00"))
    assert scene.due(2).received_minor == 200
    assert "Olga received your 7.00 €." in scene.last
    assert "credit" not in scene.last


def test_a_claim_on_what_was_covered_before_is_told_so(scene: Scene) -> None:
    scene.decide(confirm_payment, amount=money("2.00"))
    scene.claim(1)
    scene.decide(adjust_payment, amount=money("2.00"), reason="a discount")
    scene.decide(confirm_payment)
    assert scene.due().status is Status.CONFIRMED
    assert "What Olga received before covers this; there is nothing left to pay." in scene.last
    assert "February 2026: 2.00 €" in scene.last
    assert "credit" not in scene.last


def test_a_claim_whose_money_went_elsewhere_is_told_so(scene: Scene) -> None:
    attempt = scene.claim(1, 2)
    scene.open_another()
    scene.decide(confirm_payment, amount=money("10.00"))
    scene.cast.do(confirm_claim, attempt.id, by=scene.cast.olga, now=NOW)
    assert "The money you told of is booked by Olga already, and 5.00 € of this is left to pay." in scene.last


def test_the_rest_of_an_overpaid_claim_is_told_as_settled_from_credit(scene: Scene) -> None:
    attempt = scene.claim(1, 2)
    scene.decide(confirm_payment, amount=money("10.00"))
    scene.cast.do(confirm_claim, attempt.id, by=scene.cast.olga, now=NOW)
    first, second = scene.letters()
    assert "Olga received your 10.00 €. Thank you!" in first
    assert "kept as credit" not in first
    assert "Your credit with Olga has settled this." in second
    assert "March 2026: 5.00 €" in second


def test_a_late_letter_about_a_part_knows_that_the_rest_came(scene: Scene) -> None:
    scene.decide(confirm_payment, amount=money("2.00"))
    assert "3.00 € is left to pay" in scene.last
    scene.decide(confirm_payment, now=NOW + timedelta(hours=5))
    part, rest = scene.letters()
    assert "Olga received your 2.00 €. Thank you!" in part
    assert "Olga received your 3.00 €. Thank you!" in rest
    assert "left" not in part + rest


def test_a_late_letter_asks_nobody_who_has_said_so_meanwhile(scene: Scene) -> None:
    scene.decide(confirm_payment, amount=money("2.00"))
    scene.claim(1)
    assert "Olga received your 2.00 €. Thank you!" in scene.last
    assert "left" not in scene.last


def test_nobody_is_thanked_for_money_that_never_came(scene: Scene) -> None:
    scene.decide(confirm_payment)
    scene.decide(reopen_payment, because=ReopenCause.NEVER_CAME, now=NOW + timedelta(hours=1))
    assert scene.letters() == [""]


def test_what_credit_settled_is_told_when_the_new_money_never_came(scene: Scene) -> None:
    scene.open_another()
    scene.leave_credit()
    scene.money_in("5.00")
    scene.decide(reopen_payment, 2, because=ReopenCause.NEVER_CAME, now=NOW + timedelta(hours=1))
    assert [scene.due(k).status for k in (2, 3)] == [Status.PENDING, Status.CONFIRMED]
    assert "Your credit with Olga has settled this." in scene.last
    assert "April 2026: 5.00 €" in scene.last
    assert "March 2026" not in scene.last


def test_money_that_was_for_something_else_is_not_told_to_have_settled_this(scene: Scene) -> None:
    scene.decide(confirm_payment)
    scene.decide(reopen_payment, because=ReopenCause.SOMETHING_ELSE, now=NOW + timedelta(hours=1))
    came, by_credit = scene.letters()
    assert "Olga received your 5.00 €. Thank you!" in came
    assert "February 2026" not in came
    assert "March 2026: 5.00 €" in by_credit


def test_of_two_sums_only_the_one_that_settles_it_is_told_to(scene: Scene) -> None:
    scene.decide(confirm_payment)
    scene.decide(reopen_payment, because=ReopenCause.SOMETHING_ELSE)
    scene.decide(confirm_payment)
    first, *_others, last = scene.letters()
    assert "Olga received your 5.00 €. Thank you!" in first
    assert "February 2026" not in first
    assert "February 2026: 5.00 €" in last


def test_credit_that_was_used_meanwhile_is_not_told_to_be_kept(scene: Scene) -> None:
    scene.claim(2)
    scene.money_in("12.00")
    assert "2.00 € more came than was owed." in scene.last
    scene.open_another()
    pair = (scene.ben.contact_id, scene.cast.olga_contact)
    scene.cast.do(apply_credit_now, *pair, by=scene.cast.olga, now=LATER)
    assert "more came" not in scene.letters()[0]
