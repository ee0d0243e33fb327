"""Erasing somebody: the books add up, nothing names them any more, and nobody writes to them by accident."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.domain.delivery import MessageState
from substrack.domain.errors import NotFound
from substrack.domain.keeping import KeepDays
from substrack.domain.notices import Channel
from substrack.domain.shares import SplitKind
from substrack.queries.personal import WHOSE, load_subject
from substrack.services.accounts import add_user
from substrack.services.claims import claim_payments
from substrack.services.emptying import empty_rows
from substrack.services.erased import NobodyToAsk
from substrack.services.erasing import Erased, LastOwnerStays, StillOpen, erase_contact
from substrack.services.group_rows import hold_group
from substrack.services.groups import PayerIsGone, restore_group
from substrack.services.links import DeadLink, open_link, renew_pay_link
from substrack.services.locks import lock_contacts
from substrack.services.mailboxes import set_email
from substrack.services.members import add_member
from substrack.services.pacing import pace_of_bot, reserve_send
from substrack.services.payments import (
    adjust_payment,
    confirm_payment,
    reject_payment,
    unwaive_payment,
    waive_payment,
)
from substrack.services.people import add_contact, write_note
from substrack.services.periods import edit_period
from substrack.services.purging import purge
from substrack.services.receipts import record_receipt
from substrack.services.roles import OwnersOnly, change_role, check_whose_account
from substrack.services.sealing import Purpose, Sealer
from substrack.services.suppression import AddressErased
from substrack.services.welcoming import tell_them
from substrack.store import (
    Address,
    Base,
    Connection,
    Contact,
    Event,
    Group,
    Lane,
    LinkPurpose,
    Member,
    Message,
    Period,
    Receipt,
    Role,
    RoleGrant,
    User,
)
from substrack.store.privacy import PRIVACY, Erasing
from tests.races.crowd import all_at_once
from tests.support.books import check_books
from tests.support.cast import START, Cast, at, money
from tests.support.filling import fill_every_table, marked_columns, marker

NOW = at("2026-02-20")
NAME = "Benedikta"
EMAIL = "benedikta@example.org"
CHAT = 987654321


@dataclass
class Scene:
    """Benedikta shares with Mia, has claimed, was rejected once, and was written about."""

    cast: Cast
    group: Group
    person: Member
    mia: Member

    @property
    def key(self) -> int:
        return self.person.contact_id

    def erase(self, **terms: Any) -> Erased:
        erased: Erased = self.cast.do(erase_contact, self.key, **{"by": self.cast.olga, "now": NOW} | terms)
        return erased

    def dump(self) -> str:
        """Write down everything the database holds."""
        with self.cast.runtime.reading() as session:
            tables = Base.metadata.sorted_tables
            rows = [tuple(row) for table in tables for row in session.execute(select(table))]
        return json.dumps(rows, default=str, ensure_ascii=False).casefold()


def make_scene(cast: Cast) -> Scene:
    group = cast.group()
    person, mia = cast.join(group, NAME), cast.join(group, "Mia")
    cast.do(tell_them, group.id, None, by=cast.olga, now=START)
    cast.tick(at("2026-02-05"))
    owed = cast.payment_of(person)
    by = Actor.contact(person.contact_id)
    cast.do(claim_payments, person.contact_id, [owed.id], note=f"{NAME} paid", by=by, now=at("2026-02-06"))
    cast.do(reject_payment, owed.id, reason=f"no money from {NAME}", by=cast.olga, now=at("2026-02-07"))
    cast.do(write_note, person.contact_id, f"{NAME} likes cash", by=cast.olga, now=at("2026-02-07"))
    cast.do(write_note, mia.contact_id, f"Sister of {NAME}!", by=cast.olga, now=at("2026-02-07"))
    link_chat(cast, person.contact_id)
    for message in cast.send(at("2026-02-08")):
        with cast.runtime.transaction() as session:
            stored = session.get_one(Message, message.id)
            stored.rendered = {"text": f"Hello, {NAME} is here", "to": EMAIL}
    return Scene(cast, group, person, mia)


def link_chat(cast: Cast, contact_id: int) -> None:
    """Let somebody be reached in a chat into which a bot has spoken."""
    with cast.runtime.transaction() as session:
        bot = Connection(
            workspace_id=cast.workspace_id, channel=Channel.TELEGRAM, name="bot", settings={}, state="working"
        )
        session.add(bot)
        session.flush()
        chat = Address(
            contact_id=contact_id, connection_id=bot.id, channel=Channel.TELEGRAM, created_at=START
        )
        chat.value = chat.value_key = str(CHAT)
        session.add(chat)
        for said_to in (CHAT, CHAT + 1, f"1{CHAT}"):
            reserve_send(session, pace_of_bot(7), str(said_to), now=START)


def settle(scene: Scene) -> None:
    owed = scene.cast.payment_of(scene.person)
    scene.cast.do(confirm_payment, owed.id, by=scene.cast.olga, now=NOW)


def test_nothing_names_them_any_more_and_the_books_add_up(scene: Scene) -> None:
    settle(scene)
    before = scene.cast.payments()
    erased = scene.erase()
    assert erased.name == f"Former member {scene.key}"
    assert NAME.casefold() not in scene.dump()
    assert EMAIL not in scene.dump()
    assert re.search(rf"\b{CHAT}\b", scene.dump()) is None
    lanes = scene.cast.read(lambda session: set(session.scalars(select(Lane.name))))
    assert lanes == {pace_of_bot(7), f"telegram:bot7:{CHAT + 1}", f"telegram:bot7:1{CHAT}"}
    scene.cast.read(check_books)
    assert [(one.amount_minor, one.status) for one in scene.cast.payments()] == [
        (one.amount_minor, one.status) for one in before
    ]


def test_what_others_wrote_stays_with_the_neutral_name(scene: Scene) -> None:
    settle(scene)
    scene.erase()
    mia = scene.cast.read(lambda session: session.get_one(Contact, scene.mia.contact_id))
    assert mia.note == f"Sister of Former member {scene.key}!"


def test_words_in_another_workspace_are_nobody_elses_to_change(cast: Cast, zed: Cast) -> None:
    mia = cast.do(add_contact, cast.workspace_id, name="Mia", by=cast.olga, now=START).id
    cast.do(write_note, mia, "Pays by Card, always", by=cast.olga, now=START)
    card = zed.do(add_contact, zed.workspace_id, name="Card", by=zed.olga, now=START).id
    zed.do(erase_contact, card, by=zed.olga, now=NOW)
    assert cast.read(lambda session: session.get_one(Contact, mia).note) == "Pays by Card, always"


def test_names_of_every_alphabet_go_and_parts_of_words_stay(cast: Cast) -> None:
    terms = {"by": cast.olga, "now": START}
    keys = {
        name: cast.do(add_contact, cast.workspace_id, name=name, **terms).id
        for name in ("Mia", "Женя", "Özlem", "Al")
    }
    cast.do(write_note, keys["Mia"], "ЖЕНЯ, Özlem, Al; also Özlems", **terms)
    for name in ("Женя", "Özlem", "Al"):
        cast.do(erase_contact, keys[name], by=cast.olga, now=NOW)
    former = [f"Former member {keys[name]}" for name in ("Женя", "Özlem", "Al")]
    note = cast.read(lambda session: session.get_one(Contact, keys["Mia"]).note)
    assert note == f"{', '.join(former)}; also Özlems"


def test_a_name_that_is_a_common_word_takes_nothing_out_of_the_records_of_others(cast: Cast) -> None:
    group = cast.group()
    may, mia = cast.join(group, "May"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    owed, terms = cast.payment_of(mia), {"by": cast.olga, "now": at("2026-02-02")}
    cast.do(adjust_payment, owed.id, amount=money("5.00"), reason="The bill for May was wrong", **terms)
    cast.do(
        record_receipt,
        cast.workspace_id,
        contact_id=mia.contact_id,
        payer_id=cast.olga_contact,
        amount=money("1.00"),
        note="Rent for May 2026",
        **terms,
    )
    reason = "May never paid"
    cast.do(waive_payment, cast.payment_of(may).id, reason=reason, **terms)
    cast.do(erase_contact, may.contact_id, anyway=True, by=cast.olga, now=NOW)
    with cast.runtime.reading() as session:
        reasons = session.scalars(select(Event.reason)).all()
        assert "The bill for May was wrong" in reasons
        assert reason not in reasons
        assert "Rent for May 2026" in session.scalars(select(Receipt.note)).all()


def test_a_shared_mailbox_takes_nothing_out_of_the_letters_of_others(cast: Cast) -> None:
    group = cast.group()
    person = cast.join(group, NAME, email="home@example.org")
    mia = cast.join(group, "Mia", email="home@example.org", shares_mailbox=True)
    cast.do(tell_them, group.id, None, by=cast.olga, now=START)
    store_texts(cast, {"to": "home@example.org", "text": "Hello"})
    cast.do(erase_contact, person.contact_id, anyway=True, by=cast.olga, now=NOW)
    texts = {one.contact_id: one.rendered for one in cast.messages()}
    assert texts[mia.contact_id] is not None
    assert texts[person.contact_id] is None


def test_letters_that_say_to_pay_them_lose_their_texts_whatever_the_name(cast: Cast) -> None:
    may = cast.do(add_contact, cast.workspace_id, name="May", by=cast.olga, now=START).id
    group = cast.group(payer_id=may)
    mia = cast.join(group, "Mia")
    cast.do(tell_them, group.id, None, by=cast.olga, now=START)
    cast.tick(at("2026-02-01"))
    cast.tick(at("2026-02-04"))
    store_texts(cast, {"text": "Pay May"})
    cast.do(erase_contact, may, anyway=True, by=cast.olga, now=NOW)
    assert {one.rendered for one in cast.messages(contact_id=mia.contact_id) if one.sent_at} == {None}


def store_texts(cast: Cast, rendered: dict[str, str]) -> None:
    """Let all that waits be sent, in these words."""
    keys = [message.id for message in cast.send(NOW)]
    assert keys
    with cast.runtime.transaction() as session:
        for message in session.scalars(select(Message).where(Message.id.in_(keys))):
            message.rendered = rendered


def test_a_group_says_the_neutral_name_as_long_as_it_fits(scene: Scene) -> None:
    sentence = f"{NAME}{' x' * 145}"
    with scene.cast.runtime.transaction() as session:
        group = session.get_one(Group, scene.group.id)
        group.description, group.request_sentence = f"{NAME} pays cash", sentence
    scene.erase(anyway=True)
    group = scene.cast.read(lambda session: session.get_one(Group, scene.group.id))
    assert group.description == f"Former member {scene.key} pays cash"
    assert group.request_sentence == sentence.replace(NAME, f"Former member {scene.key}")[:300]


@pytest.mark.parametrize(
    ("state", "attempts", "said", "stays"),
    [
        (MessageState.SENT, 0, f"as {NAME} said", False),
        (MessageState.SENT, 0, f"a {NAME}tte", True),
        (MessageState.QUEUED, 0, f"as {NAME} said", False),
        (MessageState.QUEUED, 1, f"as {NAME} said", True),
        (MessageState.SENDING, 0, f"as {NAME} said", True),
    ],
)
def test_a_letter_to_others_that_names_them_loses_its_text_unless_it_may_be_repeated(
    cast: Cast, state: MessageState, attempts: int, said: str, *, stays: bool
) -> None:
    group = cast.group()
    person = cast.do(add_contact, cast.workspace_id, name=NAME, by=cast.olga, now=START)
    mia = cast.join(group, "Mia")
    cast.do(tell_them, group.id, None, by=cast.olga, now=START)
    (letter,) = cast.messages(contact_id=mia.contact_id)
    with cast.runtime.transaction() as session:
        stored = session.get_one(Message, letter.id)
        stored.state, stored.attempts, stored.rendered = state, attempts, {"text": f"Hello,\n{said}"}
    cast.do(erase_contact, person.id, by=cast.olga, now=NOW)
    (left,) = cast.messages(contact_id=mia.contact_id)
    assert (left.rendered is not None) is stays
    assert left.state is state


def test_links_die_and_nothing_goes_out_to_them(scene: Scene) -> None:
    cast, signer = scene.cast, scene.cast.runtime.signer
    link = cast.do(renew_pay_link, scene.key, workspace_id=cast.workspace_id, now=NOW)
    settle(scene)
    scene.erase()
    token = signer.token(link.purpose, link.jti)
    with pytest.raises(DeadLink):
        cast.read(lambda session: open_link(session, signer, LinkPurpose.PAY, token, now=NOW))
    waiting = (MessageState.QUEUED, MessageState.SENDING)
    assert not [one for one in cast.messages(contact_id=scene.key) if one.state in waiting]
    owed = len(cast.payments(contact_id=scene.key))
    cast.tick(at("2026-05-01"))
    assert len(cast.payments(contact_id=scene.key)) == owed
    assert not [one for one in cast.messages(contact_id=scene.key) if one.state in waiting]
    cast.read(check_books)


def test_who_owes_stays_until_somebody_says_anyway(scene: Scene) -> None:
    with pytest.raises(StillOpen) as refused:
        scene.erase()
    assert (refused.value.standing.open, refused.value.standing.claims) == (1, 0)
    assert NAME.casefold() in scene.dump()

    assert scene.erase(anyway=True).forgiven == 1
    forgiven = scene.cast.payment_of(scene.person)
    assert forgiven.status == "waived"
    with pytest.raises(NobodyToAsk):
        scene.cast.do(unwaive_payment, forgiven.id, by=scene.cast.olga, now=NOW)
    scene.cast.read(check_books)


def test_credit_stands_in_the_way_and_stays_in_the_books(scene: Scene) -> None:
    settle(scene)
    people = {"contact_id": scene.key, "payer_id": scene.cast.olga_contact}
    scene.cast.do(
        record_receipt, scene.cast.workspace_id, **people, amount=money("5.00"), by=scene.cast.olga, now=NOW
    )
    with pytest.raises(StillOpen):
        scene.erase()
    scene.erase(anyway=True)
    scene.cast.read(check_books)


def test_a_bill_that_comes_later_is_not_theirs(cast: Cast) -> None:
    group = cast.group("Electricity", split=SplitKind.VARIABLE)
    gone, stays = cast.join(group, NAME), cast.join(group, "Mia")
    cast.tick(at("2026-02-05"))
    cast.do(erase_contact, gone.contact_id, by=cast.olga, now=NOW)
    (period,) = cast.read(lambda session: session.scalars(select(Period)).all())
    cast.do(edit_period, period.id, total=money("30.00"), reason="bill", by=cast.olga, now=NOW)
    assert cast.payments(contact_id=gone.contact_id) == []
    assert len(cast.payments(contact_id=stays.contact_id)) == 1
    cast.read(check_books)


def test_a_period_that_opens_late_is_not_theirs(cast: Cast) -> None:
    group = cast.group()
    gone, stays = cast.join(group, NAME), cast.join(group, "Mia")
    cast.do(erase_contact, gone.contact_id, by=cast.olga, now=NOW)
    cast.tick(NOW + timedelta(hours=1))
    assert cast.payments(contact_id=gone.contact_id) == []
    assert len(cast.payments(contact_id=stays.contact_id)) == 1
    cast.read(check_books)


def test_only_an_owner_erases_who_administers(cast: Cast) -> None:
    ada, bea = cast.second_admin("Ada"), cast.second_admin("Bea")
    for whom in (bea, ada, cast.olga):
        with pytest.raises(OwnersOnly):
            cast.do(erase_contact, contact_of(cast, whom), anyway=True, by=ada, now=NOW)
    cast.do(erase_contact, contact_of(cast, bea), by=cast.olga, now=NOW)


def test_only_owners_and_themselves_get_all_that_is_known_of_an_admin(cast: Cast) -> None:
    ada, bea = cast.second_admin("Ada"), cast.second_admin("Bea")
    cast.read(lambda session: check_whose_account(session, contact_of(cast, ada), by=ada))
    cast.read(lambda session: check_whose_account(session, contact_of(cast, ada), by=cast.olga))
    with pytest.raises(OwnersOnly):
        cast.read(lambda session: check_whose_account(session, contact_of(cast, bea), by=ada))


@pytest.mark.only_postgresql
def test_of_two_owners_who_erase_each_other_one_stays(cast: Cast) -> None:
    ada = cast.second_admin("Ada")
    public_id = cast.read(lambda session: session.get_one(User, ada.id).public_id)
    cast.do(change_role, cast.workspace_id, public_id, role=Role.OWNER, by=cast.olga, now=START)
    pairs = [(contact_of(cast, ada), cast.olga), (contact_of(cast, cast.olga), ada)]
    answers = all_at_once(
        [partial(cast.do, erase_contact, key, anyway=True, by=by, now=NOW) for key, by in pairs]
    )
    assert sum(isinstance(one, Erased) for one in answers) == 1
    active = select(User.id).where(User.deactivated_at.is_(None))
    assert len(cast.read(lambda session: session.scalars(active).all())) == 1


@pytest.mark.only_postgresql
def test_it_waits_for_whoever_holds_the_group_and_holds_nobody_up(cast: Cast) -> None:
    """Groups are locked before contacts, so neither waits for the other."""
    group = cast.group()
    person = cast.join(group, NAME)
    with ThreadPoolExecutor(1) as pool, cast.runtime.transaction() as session:
        hold_group(session, group.id, cast.olga)
        erased = pool.submit(cast.do, erase_contact, person.contact_id, by=cast.olga, now=NOW)
        wait_for_a_lock(cast)
        session.execute(text("SET LOCAL lock_timeout = '2s'"))
        assert lock_contacts(session, [person.contact_id]) == [person.contact_id]
        session.commit()
        assert erased.result(timeout=20).name == f"Former member {person.contact_id}"


def contact_of(cast: Cast, user: Actor) -> int:
    grant = select(RoleGrant.contact_id).where(RoleGrant.user_id == user.id)
    return cast.read(lambda session: session.scalars(grant).one())


def wait_for_a_lock(cast: Cast) -> None:
    """Wait until somebody waits for a lock of the database."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    until = monotonic() + 20
    while not cast.read(lambda session: session.scalar(waiting)):
        assert monotonic() < until
        sleep(0.02)


def test_they_are_gone_from_every_list_and_can_not_be_erased_twice(scene: Scene) -> None:
    scene.erase(anyway=True)
    with pytest.raises(NotFound):
        scene.erase(anyway=True)


def test_a_stranger_erases_nobody(scene: Scene, zed: Cast) -> None:
    with pytest.raises(NotFound):
        scene.erase(by=zed.olga, anyway=True)


def test_the_last_owner_stays_and_another_owner_may_go(cast: Cast) -> None:
    with pytest.raises(LastOwnerStays):
        cast.do(erase_contact, cast.olga_contact, anyway=True, by=cast.olga, now=NOW)
    group = cast.group()
    user_id = cast.do(
        add_user, cast.workspace_id, email="ada@example.org", name="Ada", password_hash="x", role=Role.OWNER,
        by=cast.olga, now=START,
    )  # fmt: skip
    cast.do(erase_contact, cast.olga_contact, anyway=True, by=Actor.user(user_id), now=NOW)

    olga = cast.read(lambda session: session.get_one(User, cast.olga.id))
    assert (olga.email, olga.password_hash, olga.deactivated_at) == (None, None, NOW)
    with pytest.raises(PayerIsGone):
        cast.do(restore_group, group.id, by=Actor.user(user_id), now=NOW)


def test_what_an_admin_typed_about_others_stays_only_in_messages_for_their_time(scene: Scene) -> None:
    cast, ada = scene.cast, scene.cast.second_admin("Ada")
    owed = cast.payment_of(scene.mia)
    by = Actor.contact(scene.mia.contact_id)
    cast.do(claim_payments, scene.mia.contact_id, [owed.id], by=by, now=NOW)
    cast.do(reject_payment, owed.id, reason="so she says", by=ada, now=NOW)
    key = contact_of(cast, ada)
    cast.send(at("2026-02-21"))
    cast.do(erase_contact, key, by=cast.olga, now=at("2026-02-21"))
    cast.do(purge, KeepDays(30, 90, 365), now=at("2026-03-30"))
    assert "so she says" not in scene.dump()
    cast.read(check_books)


class TestSuppression:
    def test_nobody_is_added_at_their_address_without_being_asked(self, scene: Scene) -> None:
        scene.erase(anyway=True)
        cast, terms = scene.cast, {"by": scene.cast.olga, "now": NOW}
        typed = EMAIL.upper()
        for attempt in (
            lambda: cast.do(add_contact, cast.workspace_id, name="B", email=typed, **terms),
            lambda: cast.do(add_member, scene.group.id, name="B", email=typed, **terms),
            lambda: cast.do(set_email, scene.mia.contact_id, typed, **terms),
        ):
            _asked(attempt)
        added = cast.do(add_contact, cast.workspace_id, name="B", email=typed, wanted_again=True, **terms)
        assert added.id != scene.key
        cast.do(set_email, added.id, None, **terms)
        cast.do(set_email, added.id, typed, **terms)

    def test_a_mailbox_that_somebody_else_shares_is_not_suppressed(self, scene: Scene) -> None:
        cast, terms = scene.cast, {"by": scene.cast.olga, "now": NOW}
        cast.do(add_contact, cast.workspace_id, name="Tom", email=EMAIL, shares_mailbox=True, **terms)
        scene.erase(anyway=True)
        cast.do(set_email, scene.mia.contact_id, EMAIL, shares_mailbox=True, **terms)

    def test_it_is_known_by_an_old_key_and_by_no_other(self) -> None:
        old, new = "o1l2d3" * 10, "n1e2w3" * 10
        (digest,) = Sealer([old]).blinds(Purpose.SUPPRESSION, EMAIL)
        assert digest in Sealer([new, old]).blinds(Purpose.SUPPRESSION, EMAIL)
        assert digest not in Sealer([new]).blinds(Purpose.SUPPRESSION, EMAIL)


@pytest.mark.only_sqlite
def test_every_tag_is_obeyed(runtime: Runtime) -> None:
    with runtime.write_engine.connect() as connection, Session(connection) as session:
        fill_every_table(session)
        empty_rows(session, load_subject(session, 1), "Former member 1", now=NOW)
        left = {name: str(session.execute(select(Base.metadata.tables[name])).all()) for name in WHOSE}
    marked = [(table, name) for table in WHOSE for name in marked_columns(table)]
    found = {(table, name) for table, name in marked if marker(table, name)[:4] in left[table]}
    assert found == {(table, name) for table, name in marked if PRIVACY[table][name].erasing is Erasing.KEPT}
    assert "Former member 1" in left["contacts"]


def _asked(attempt: Callable[[], Any]) -> None:
    with pytest.raises(AddressErased):
        attempt()
