"""Zed administers a workspace of his own; in olga's every service refuses him, whatever page he came from."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, select

from substrack.domain.actors import Actor
from substrack.domain.errors import NotFound
from substrack.domain.payments import ReopenCause, Status
from substrack.domain.terms import GroupTerms
from substrack.services.addresses import resubscribe, unsubscribe
from substrack.services.claim_decisions import confirm_claim, reject_claim
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.groups import create_group
from substrack.services.invitations import invite_admin
from substrack.services.mailboxes import set_email
from substrack.services.messages import cancel_message, retry_message, send_test
from substrack.services.objections import answer_objection, dismiss_objection
from substrack.services.payments import confirm_payment, reopen_payment, waive_payment
from substrack.services.people import add_contact, edit_contact
from substrack.services.putting_off import object_to_payments, snooze_payments
from substrack.services.receipts import apply_credit_now, record_receipt, void_receipt
from substrack.services.undo import TooLateToUndo, undo_decision
from substrack.services.voiding import void_period
from substrack.store import Address, Attempt, Event, Member, Message, Payment, Receipt, RoleGrant
from tests.support.cast import Cast, at, money

NOW = at("2026-02-04")


@dataclass
class Scene:
    """Ben has paid February and has credit; he says he paid March; mia's request waits to be sent."""

    cast: Cast
    ben: Member
    mia: Member

    def one(self, table: type[Any], **where: Any) -> Any:
        query = select(table).filter_by(**where).order_by(table.id)
        return self.cast.read(lambda session: session.scalars(query).first())

    def noted(self) -> str:
        """Let mia write that something is off; return the id of her note."""
        payment, by = self.cast.payment_of(self.mia), Actor.contact(self.mia.contact_id)
        self.cast.do(object_to_payments, self.mia.contact_id, [payment.id], text="x", by=by, now=NOW)
        return self.cast.payment_of(self.mia).objection or ""

    def last_correlation(self, **where: Any) -> str:
        """Find the act that wrote the last such line."""
        query = select(Event.correlation_id).filter_by(**where).order_by(Event.id.desc()).limit(1)
        return self.cast.read(lambda session: session.scalars(query).one())

    @property
    def claimed(self) -> Payment:
        return self.cast.payment_of(self.ben, 2)


def make_scene(cast: Cast) -> Scene:
    group = cast.group(price="9.00", collect_days_before=27)
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-02"))
    paid = cast.payment_of(ben)
    cast.do(confirm_payment, paid.id, by=cast.olga, now=at("2026-02-02"))
    cast.tick(NOW)
    by = Actor.contact(ben.contact_id)
    cast.do(claim_payments, ben.contact_id, [cast.payment_of(ben, 2).id], by=by, now=NOW)
    cast.do(
        record_receipt,
        cast.workspace_id,
        contact_id=ben.contact_id,
        payer_id=cast.olga_contact,
        amount=money("1.00"),
        group_id=cast.group("Other").id,
        by=cast.olga,
        now=NOW,
    )
    return Scene(cast, ben, mia)


ACTS: dict[str, Callable[[Scene], tuple[Any, ...]]] = {
    "confirm_claim": lambda s: (confirm_claim, s.one(Attempt).id),
    "reject_claim": lambda s: (reject_claim, s.one(Attempt).id, {"reason": "x"}),
    "confirm_payment": lambda s: (confirm_payment, s.cast.payment_of(s.mia).id),
    "waive_payment": lambda s: (waive_payment, s.cast.payment_of(s.mia).id, {"reason": "x"}),
    "reopen_payment": lambda s: (
        reopen_payment,
        s.cast.payment_of(s.ben).id,
        {"because": ReopenCause.NEVER_CAME},
    ),
    "void_receipt": lambda s: (void_receipt, s.one(Receipt, source="admin").id, {"reason": "x"}),
    "record_receipt": lambda s: (
        record_receipt,
        s.cast.workspace_id,
        {"contact_id": s.ben.contact_id, "payer_id": s.cast.olga_contact, "amount": money("1.00")},
    ),
    "apply_credit_now": lambda s: (apply_credit_now, s.ben.contact_id, s.cast.olga_contact),
    "claim": lambda s: (claim_payments, s.mia.contact_id, [s.cast.payment_of(s.mia).id]),
    "withdraw": lambda s: (withdraw_claim, s.ben.contact_id, [s.claimed.id]),
    "snooze": lambda s: (
        snooze_payments,
        s.mia.contact_id,
        [s.cast.payment_of(s.mia).id],
        {"until": date(2026, 2, 9)},
    ),
    "object": lambda s: (
        object_to_payments,
        s.mia.contact_id,
        [s.cast.payment_of(s.mia).id],
        {"text": "x"},
    ),
    "answer_objection": lambda s: (answer_objection, s.noted(), {"text": "x"}),
    "dismiss_objection": lambda s: (dismiss_objection, s.noted()),
    "create_group": lambda s: (
        create_group,
        s.cast.workspace_id,
        GroupTerms("X", "EUR", date(2026, 2, 1), price=money("3.00"), payer_id=s.cast.olga_contact),
    ),
    "set_email": lambda s: (set_email, s.ben.contact_id, "zed@example.net"),
    "edit_contact": lambda s: (edit_contact, s.ben.contact_id, {"name": "Zed"}),
    "add_contact": lambda s: (add_contact, s.cast.workspace_id, {"name": "Zed"}),
    "unsubscribe": lambda s: (unsubscribe, s.one(Address, contact_id=s.ben.contact_id).id),
    "resubscribe": lambda s: (resubscribe, s.one(Address, contact_id=s.ben.contact_id).id),
    "retry_message": lambda s: (retry_message, s.one(Message, state="queued").id),
    "cancel_message": lambda s: (cancel_message, s.one(Message, state="queued").id),
    "send_test": lambda s: (send_test, s.cast.workspace_id, s.cast.olga_contact),
    "invite_admin": lambda s: (
        invite_admin,
        s.cast.workspace_id,
        {"email": "zed2@example.net", "name": "Zed"},
    ),
}


@pytest.mark.only_sqlite
@pytest.mark.parametrize("name", list(ACTS))
def test_a_stranger_is_refused_by_the_service_itself(scene: Scene, zed: Cast, name: str) -> None:
    act, *arguments = ACTS[name](scene)
    terms = arguments.pop() if isinstance(arguments[-1], dict) else {}
    with pytest.raises(NotFound):
        scene.cast.do(act, *arguments, by=zed.olga, now=NOW, **terms)


@pytest.mark.only_sqlite
@pytest.mark.parametrize("name", ["claim", "withdraw", "snooze", "object", "set_email", "edit_contact"])
def test_a_member_acts_for_nobody_else(scene: Scene, name: str) -> None:
    act, owner, *arguments = ACTS[name](scene)
    terms = arguments.pop() if isinstance(arguments[-1], dict) else {}
    other = scene.mia if owner == scene.ben.contact_id else scene.ben
    with pytest.raises(NotFound):
        scene.cast.do(act, owner, *arguments, by=Actor.contact(other.contact_id), now=NOW, **terms)


@pytest.mark.only_sqlite
def test_only_who_decided_can_undo_it(scene: Scene, zed: Cast) -> None:
    ada = scene.cast.second_admin()
    decided = scene.cast.do(confirm_payment, scene.cast.payment_of(scene.mia).id, by=scene.cast.olga, now=NOW)
    for other in (ada, zed.olga):
        with pytest.raises(TooLateToUndo):
            scene.cast.do(undo_decision, decided.correlation_id, by=other, now=NOW)
    scene.cast.do(undo_decision, decided.correlation_id, by=scene.cast.olga, now=NOW)
    assert scene.cast.payment_of(scene.mia).status is Status.PENDING


@pytest.mark.only_sqlite
def test_what_credit_settled_is_undone_by_nobody_but_who_let_it(scene: Scene, zed: Cast) -> None:
    cast, paid = scene.cast, scene.cast.payment_of(scene.ben)
    ada, pair = cast.second_admin(), (scene.ben.contact_id, cast.olga_contact)
    cast.do(withdraw_claim, scene.ben.contact_id, [scene.claimed.id], by=cast.olga, now=NOW)
    cast.do(void_period, paid.period_id, reason="x", by=cast.olga, now=NOW)
    assert cast.do(apply_credit_now, *pair, by=cast.olga, now=NOW) == 1
    settled = scene.last_correlation(verb="confirm")

    assert cast.olga.id is not None
    namesake = Actor.contact(cast.olga.id)  # a contact's key may be the number of a user's
    for other in (ada, zed.olga, namesake):
        with pytest.raises(TooLateToUndo):
            cast.do(undo_decision, settled, by=other, now=NOW)
    stays = scene.claimed
    assert stays.status is Status.CONFIRMED
    cast.do(undo_decision, settled, by=cast.olga, now=NOW)
    assert scene.claimed.status is Status.PENDING


@pytest.mark.only_sqlite
def test_what_time_settled_at_an_opening_is_undone_by_nobody(scene: Scene, zed: Cast) -> None:
    cast = scene.cast
    cast.do(
        record_receipt,
        cast.workspace_id,
        contact_id=scene.mia.contact_id,
        payer_id=cast.olga_contact,
        amount=money("9.00"),
        by=cast.olga,
        now=NOW,
    )
    opened = at("2026-03-05")
    cast.tick(opened)
    assert cast.payment_of(scene.mia, 3).status is Status.CONFIRMED
    for by in (cast.olga, zed.olga, Actor.contact(scene.mia.contact_id)):
        with pytest.raises(TooLateToUndo):
            cast.do(undo_decision, scene.last_correlation(verb="confirm"), by=by, now=opened)


@pytest.mark.only_sqlite
def test_who_administers_no_more_undoes_nothing(scene: Scene) -> None:
    ada = scene.cast.second_admin()
    decided = scene.cast.do(confirm_payment, scene.cast.payment_of(scene.mia).id, by=ada, now=NOW)
    with scene.cast.runtime.transaction() as session:
        session.execute(delete(RoleGrant).where(RoleGrant.user_id == ada.id))
    with pytest.raises(NotFound):
        scene.cast.do(undo_decision, decided.correlation_id, by=ada, now=NOW)
    assert scene.cast.payment_of(scene.mia).status is Status.CONFIRMED


@pytest.mark.only_sqlite
def test_the_same_acts_are_open_to_olga(scene: Scene) -> None:
    scene.cast.do(confirm_claim, scene.one(Attempt).id, by=scene.cast.olga, now=NOW)
    assert scene.claimed.status is Status.CONFIRMED
