"""Claims about letters on their way through every layer: made by time or by an act, read as they arrive."""

from __future__ import annotations

import re

import pytest

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.services.claims import claim_payments
from substrack.services.links import open_link
from substrack.store import LinkPurpose
from substrack.worker import outbox_steps
from substrack.worker.outbox import deliver_due
from tests.fakes.smtp import FakeRelay
from tests.support.cast import Cast, at, make_cast
from tests.support.post import through


@pytest.fixture
def cast(runtime: Runtime, relay: FakeRelay) -> Cast:
    return make_cast(through(runtime, relay.url))


def test_a_request_carries_a_live_pay_link_and_one_click_unsubscription(cast: Cast, relay: FakeRelay) -> None:
    ben = cast.join(cast.group(), "Ben")
    cast.tick(at("2026-02-01"))
    cast.tick(at("2026-02-04"))

    assert deliver_due(cast.runtime, now=at("2026-02-04")).sent == 1

    mail = relay.received[0]
    assert (mail.to, mail.message["Reply-To"]) == ("ben@example.org", "olga@example.org")
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token = link_in(mail.text, "pay")
    link = cast.read(
        lambda s: open_link(s, cast.runtime.signer, LinkPurpose.PAY, token, now=at("2026-02-17"))
    )
    assert link.contact_id == ben.contact_id


def test_requests_are_put_into_words_together_and_none_by_itself(
    cast: Cast, relay: FakeRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = cast.group()
    for name in ("Ben", "Mia"):
        cast.join(group, name)
    cast.tick(at("2026-02-01"))
    cast.tick(at("2026-02-04"))
    monkeypatch.delattr(outbox_steps, "build_message")

    assert deliver_due(cast.runtime, now=at("2026-02-04")).sent == 2

    assert all(link_in(mail.text, "pay").count(".") == 1 for mail in relay.received)


def test_a_claim_between_queueing_and_sending_stops_the_request(cast: Cast, relay: FakeRelay) -> None:
    ben = cast.join(cast.group(), "Ben")
    cast.tick(at("2026-02-01"))
    cast.tick(at("2026-02-04"))
    paid = [cast.payment_of(ben).id]
    cast.do(claim_payments, ben.contact_id, paid, by=Actor.contact(ben.contact_id), now=at("2026-02-04"))

    deliver_due(cast.runtime, now=at("2026-02-04"))

    assert [mail.to for mail in relay.received] == ["olga@example.org"]


def test_each_admin_gets_a_link_of_their_own_to_decide_with(cast: Cast, relay: FakeRelay) -> None:
    ben = cast.join(cast.group(), "Ben")
    cast.tick(at("2026-02-01"))
    paid = [cast.payment_of(ben).id]
    cast.do(claim_payments, ben.contact_id, paid, by=Actor.contact(ben.contact_id), now=at("2026-02-02"))

    deliver_due(cast.runtime, now=at("2026-02-02"))

    token = link_in(relay.received[0].text, "decide")
    link = cast.read(
        lambda s: open_link(s, cast.runtime.signer, LinkPurpose.DECIDE, token, now=at("2026-02-05", 10))
    )
    assert (link.contact_id, link.user_id) == (cast.olga_contact, cast.olga.id)


def link_in(text: str, purpose: str) -> str:
    found = re.search(rf"/{purpose}/(\S+)", text)
    assert found is not None, text
    return found[1]
