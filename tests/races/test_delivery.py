"""Delivery beside decisions: whoever reaches for one person's rows takes turns, without deadlocks.

On PostgreSQL only: on SQLite writers follow each other anyway.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from substrack.domain.actors import OPERATOR
from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.domain.notices import Notice
from substrack.services import addresses, letter_links, mailboxes, undo
from substrack.services.delivery import build_message, claim_messages
from substrack.services.leases import ClaimedMessage
from substrack.services.mailboxes import set_email
from substrack.services.outcomes import mark_failed
from substrack.services.payments import confirm_payment
from substrack.services.undo import undo_decision
from substrack.store import Message
from tests.races.conftest import Race
from tests.races.crowd import all_at_once
from tests.support.cast import at

NOW = at("2026-02-04")
NOBODY = DeliveryFailed("550 5.1.1 no such user", scope=Scope.ADDRESS, permanent=True)


def meet(monkeypatch: pytest.MonkeyPatch, *places: tuple[Any, str]) -> None:
    """Let two threads wait for each other before they call these functions; for a while, since one may be
    waiting for the other's lock already, as it should.
    """
    meeting = Barrier(2, timeout=2)

    def met(work: Callable[..., Any]) -> Callable[..., Any]:
        def waiting(*args: Any, **kwargs: Any) -> Any:
            with suppress(BrokenBarrierError):
                meeting.wait()
            return work(*args, **kwargs)

        return waiting

    for module, name in places:
        monkeypatch.setattr(module, name, met(getattr(module, name)))


def claimed_of(race: Race, message: Message) -> ClaimedMessage:
    held = race.cast.do(claim_messages, message.lane, limit=10, lease=timedelta(minutes=5), now=NOW)
    return next(claimed for claimed in held if claimed.id == message.id)


def request_to_ben(race: Race) -> Message:
    race.cast.tick(NOW)
    return race.cast.messages(contact_id=race.ben.contact_id, notice=Notice.REQUEST)[0]


@pytest.mark.only_postgresql
def test_an_undo_beside_a_refused_address_ends_in_peace(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    claimed = claimed_of(race, request_to_ben(race))
    decided = race.cast.do(confirm_payment, race.payment.id, by=race.cast.olga, now=NOW)
    meet(monkeypatch, (addresses, "reschedule_contacts"), (undo, "cancel_waiting"))

    all_at_once(
        [
            lambda: race.cast.do(mark_failed, claimed, NOBODY, sent_to="ben@example.org", now=NOW),
            lambda: race.cast.do(undo_decision, decided.correlation_id, by=race.cast.olga, now=NOW),
        ]
    )
    race.check_books()


@pytest.mark.only_postgresql
def test_a_new_address_beside_a_letter_being_written_ends_in_peace(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = claimed_of(race, request_to_ben(race))
    build(race, claimed)  # so that there is a pay link to fight for
    race.cast.do(confirm_payment, race.payment.id, by=OPERATOR, now=NOW)
    answer = claimed_of(race, race.cast.messages(contact_id=race.ben.contact_id)[-1])
    meet(monkeypatch, (mailboxes, "record_contact"), (letter_links, "renew_pay_link"))

    all_at_once(
        [
            lambda: race.cast.do(
                set_email, race.ben.contact_id, "new@example.org", by=race.cast.olga, now=NOW
            ),
            lambda: build(race, answer),
        ]
    )


def build(race: Race, claimed: ClaimedMessage) -> None:
    race.cast.do(build_message, claimed, signer=race.cast.runtime.signer, now=NOW)
