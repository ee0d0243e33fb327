""" "I've paid": what one press names, whom it tells, and what makes it look odd."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, Via
from substrack.domain.errors import Refused
from substrack.domain.money import Money
from substrack.domain.notices import Channel, Notice
from substrack.domain.payments import Status
from substrack.services.access import NoSuchPayment
from substrack.services.chat_rows import write_chat
from substrack.services.claim_decisions import confirm_claim
from substrack.services.claims import (
    NothingClaimed,
    PaidInTheFuture,
    PaidTooLongAgo,
    SeveralPayers,
    TooManyClaims,
    claim_payments,
    withdraw_claim,
)
from substrack.services.deciding import OtherCurrencyReceived
from substrack.services.letter_links import links_for
from substrack.store import Attempt, Contact, Group, Link, LinkPurpose, Member, Message, Receipt
from tests.support.books import check_books
from tests.support.cast import Cast, at, make_stranger, money

NOW = at("2026-02-02")


@dataclass
class Scene:
    """Ben owes olga for films and mia for music."""

    cast: Cast
    films: Group
    ben: Member
    music: Member

    def claim(self, *members: Member, by: Actor | None = None, **terms: Any) -> list[Attempt]:
        keys = [self.cast.payment_of(member).id for member in members]
        chosen: dict[str, Any] = {"by": by or Actor.contact(self.ben.contact_id), "now": NOW}
        return self.cast.do(claim_payments, self.ben.contact_id, keys, **chosen | terms)


def make_scene(cast: Cast) -> Scene:
    films = cast.group("Films")
    ben, mia = cast.join(films, "Ben"), cast.join(films, "Mia")
    music = cast.join(cast.group("Music", payer_id=mia.contact_id), "Ben", contact_id=ben.contact_id)
    cast.tick(at("2026-02-01"))
    return Scene(cast, films, ben, music)


def test_one_press_for_two_payers_is_one_claim_for_each(scene: Scene) -> None:
    attempts = scene.claim(scene.ben, scene.music)
    assert len({attempt.payer_id for attempt in attempts}) == len(attempts) == 2
    assert scene.cast.notices_to(scene.cast.olga_contact) == ["claim_received"] * 2
    scene.cast.read(check_books)


def test_one_amount_cannot_be_for_two_payers(scene: Scene) -> None:
    with pytest.raises(SeveralPayers):
        scene.claim(scene.ben, scene.music, amount=money("5.00"))


def test_a_claim_keeps_what_was_said(scene: Scene) -> None:
    said: dict[str, Any] = {"paid_on": date(2026, 2, 1), "method": " PayPal ", "note": "for both"}
    [attempt] = scene.claim(scene.ben, amount=money("4.00"), **said)
    assert (attempt.amount_minor, attempt.paid_on, attempt.method, attempt.note) == (
        400,
        date(2026, 2, 1),
        "PayPal",
        "for both",
    )


def test_nobody_has_paid_in_another_century(scene: Scene) -> None:
    with pytest.raises(PaidTooLongAgo):
        scene.claim(scene.ben, paid_on=date(1999, 12, 31))
    assert scene.claim(scene.ben, paid_on=date(2000, 1, 1))


def test_a_member_whose_day_is_ahead_is_confirmed_on_ours(scene: Scene) -> None:
    [attempt] = scene.claim(scene.ben, paid_on=date(2026, 2, 3))
    scene.cast.do(confirm_claim, attempt.id, by=scene.cast.olga, now=NOW)
    [receipt] = scene.cast.read(
        lambda session: list(session.scalars(select(Receipt).where(Receipt.attempt_id == attempt.id)))
    )
    assert receipt.received_on == date(2026, 2, 2)


def test_nobody_has_paid_tomorrow(scene: Scene) -> None:
    with pytest.raises(PaidInTheFuture):
        scene.claim(scene.ben, paid_on=date(2026, 2, 4))


def test_a_press_within_a_minute_of_the_mail_counts_and_is_flagged(scene: Scene) -> None:
    scene.cast.tick(at("2026-02-04", 9))
    scene.cast.send(at("2026-02-04", 9))
    [quick] = scene.claim(scene.ben, now=at("2026-02-04", 9) + timedelta(seconds=59))
    [later] = scene.claim(scene.music, now=at("2026-02-04", 9) + timedelta(seconds=60))
    assert (quick.flagged, later.flagged) == (True, False)
    assert scene.cast.payment_of(scene.ben).status is Status.MEMBER_CONFIRMED


@pytest.mark.parametrize("has_chat", [False, True], ids=["by mail", "by mail and in a chat"])
def test_from_the_eleventh_claim_within_an_hour_admins_get_a_summary(scene: Scene, has_chat: bool) -> None:
    channels = [Channel.EMAIL]
    if has_chat:
        link_chat(scene, scene.cast.olga_contact, 2001)
        channels = [Channel.EMAIL, Channel.TELEGRAM]
    friends = [scene.cast.join(scene.films, f"Friend-{number}") for number in range(13)]
    scene.cast.tick(at("2026-03-01"))
    for friend in friends:
        keys, by = [scene.cast.payment_of(friend, 2).id], Actor.contact(friend.contact_id)
        scene.cast.do(claim_payments, friend.contact_id, keys, by=by, now=at("2026-03-02"))
    for channel in channels:
        told = scene.cast.messages(contact_id=scene.cast.olga_contact, channel=channel)
        notices = [each.notice for each in told if each.notice is not Notice.CHAT_LINKED]
        assert notices == ["claim_received"] * 10 + ["claims_waiting"]
    assert scene.cast.messages(notice="claims_waiting")[0].due_at == at("2026-03-02", 12)


def link_chat(scene: Scene, contact_id: int, chat_id: int) -> None:
    """Let somebody be reached in Telegram as well."""

    def link(session: Session) -> None:
        contact, by = session.get_one(Contact, contact_id), Actor.contact(contact_id, Via.TELEGRAM)
        write_chat(session, contact, None, str(chat_id), key="test", by=by, now=NOW)

    scene.cast.do(link)


def test_an_admin_may_say_it_for_a_member_and_a_stranger_may_not(scene: Scene) -> None:
    zed = make_stranger(scene.cast.runtime).olga
    with pytest.raises(NoSuchPayment):
        scene.claim(scene.ben, by=zed)
    [attempt] = scene.claim(scene.ben, by=scene.cast.olga)
    assert (attempt.via, attempt.flagged) == ("web", False)


def test_a_letter_tried_again_keeps_the_one_link_to_decide(scene: Scene) -> None:
    scene.claim(scene.ben)
    [letter] = scene.cast.messages(notice=Notice.CLAIM_RECEIVED)

    for minute in range(3):
        write_links(scene.cast, letter, NOW + timedelta(minutes=minute))

    [link] = decide_links(scene.cast)
    assert link.expires_at == NOW + timedelta(minutes=2, hours=72)


def test_a_dead_link_to_decide_is_not_used_again(scene: Scene) -> None:
    scene.claim(scene.ben)
    [letter] = scene.cast.messages(notice=Notice.CLAIM_RECEIVED)

    write_links(scene.cast, letter, NOW)
    write_links(scene.cast, letter, NOW + timedelta(hours=72))

    assert len(decide_links(scene.cast)) == 2


def test_each_admin_has_a_link_of_their_own_to_decide(scene: Scene) -> None:
    ada = scene.cast.second_admin()
    scene.claim(scene.ben)

    for letter in scene.cast.messages(notice=Notice.CLAIM_RECEIVED):
        write_links(scene.cast, letter, NOW)

    assert {link.user_id for link in decide_links(scene.cast)} == {scene.cast.olga.id, ada.id}


def write_links(cast: Cast, letter: Message, now: datetime) -> None:
    cast.do(links_for, letter, cast.runtime.signer, now=now)


def decide_links(cast: Cast) -> list[Link]:
    query = select(Link).where(Link.purpose == LinkPurpose.DECIDE)
    return cast.read(lambda session: list(session.scalars(query)))


def test_a_worn_out_payment_does_not_keep_the_others_from_being_claimed(scene: Scene) -> None:
    by, keys = Actor.contact(scene.ben.contact_id), [scene.cast.payment_of(scene.ben).id]
    for _ in range(3):
        scene.claim(scene.ben)
        scene.cast.do(withdraw_claim, scene.ben.contact_id, keys, by=by, now=NOW)
    with pytest.raises(TooManyClaims):
        scene.claim(scene.ben)
    assert len(scene.claim(scene.ben, scene.music)) == 1
    assert scene.cast.payment_of(scene.ben).status is Status.PENDING
    assert scene.cast.payment_of(scene.music).status is Status.MEMBER_CONFIRMED


@pytest.mark.parametrize(
    ("amount", "refusal"),
    [
        (Money(-5, "EUR"), NothingClaimed),
        (Money(0, "EUR"), NothingClaimed),
        (Money(500, "JPY"), OtherCurrencyReceived),
    ],
)
def test_a_claim_is_over_money_of_the_currency_owed(
    scene: Scene, amount: Money, refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        scene.claim(scene.ben, amount=amount)
