"""Whoever is erased stays erased, whatever somebody else does with them at that moment."""

from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.errors import Refused
from substrack.domain.shares import SplitKind
from substrack.queries.groups import load_terms
from substrack.services.contact_rows import UnknownContact
from substrack.services.erasing import StillOpen, erase_contact
from substrack.services.group_edits import edit_group
from substrack.services.groups import create_group
from substrack.services.mailboxes import MailboxShared, set_email
from substrack.services.members import add_member
from substrack.services.people import edit_contact, write_note
from substrack.services.receipts import record_receipt
from substrack.store import Address, Contact, Group, Member, Receipt
from tests.races.conftest import NOW, Race
from tests.support.cast import START, Cast, at, money

WAIT_SECONDS = 0.5

Act = Callable[[Session], Any]


def beside(cast: Cast, first: Act, second: Act) -> list[object]:
    """Begin `second` while `first` is done and not committed yet; return what became of each."""
    outcomes: list[object] = [None, None]

    def follow() -> None:
        try:
            with cast.runtime.transaction() as session:
                outcomes[1] = second(session)
        except Refused as refused:
            outcomes[1] = refused

    follower = Thread(target=follow)
    with cast.runtime.transaction() as session:
        outcomes[0] = first(session)
        session.flush()
        follower.start()
        follower.join(WAIT_SECONDS)
    follower.join(60)
    return outcomes


def erasing(race: Race) -> Act:
    return lambda session: erase_contact(
        session, race.ben.contact_id, anyway=True, by=race.cast.olga, now=NOW
    )


def ben_now(race: Race) -> Contact:
    return race.cast.read(lambda session: session.get_one(Contact, race.ben.contact_id))


def acts(race: Race, other: Group) -> dict[str, Act]:
    """What admins may be doing with Ben at this moment."""
    cast, ben = race.cast, race.ben.contact_id
    terms = cast.read(lambda session: load_terms(session, other.id))
    by_olga: dict[str, Any] = {"by": cast.olga, "now": NOW}
    return {
        "join": lambda session: add_member(session, other.id, contact_id=ben, **by_olga),
        "pay": lambda session: edit_group(session, other.id, replace(terms, payer_id=ben), **by_olga),
        "found": lambda session: create_group(
            session, cast.workspace_id, replace(terms, payer_id=ben), **by_olga
        ),
        "name": lambda session: edit_contact(session, ben, name="Benjamin", **by_olga),
        "note": lambda session: write_note(session, ben, "lives at Elm Street", **by_olga),
        "email": lambda session: set_email(session, ben, "ben.new@example.org", **by_olga),
        "receipt": lambda session: record_receipt(
            session,
            cast.workspace_id,
            contact_id=ben,
            payer_id=cast.olga_contact,
            amount=money("5.00"),
            note="cash from Ben",
            **by_olga,
        ),
    }


ACTS = ("join", "pay", "found", "name", "note", "email", "receipt")


@pytest.mark.parametrize("act", ACTS)
def test_nothing_can_be_done_with_whoever_is_just_erased(race: Race, act: str) -> None:
    other = race.cast.group("Other")
    _erased, refused = beside(race.cast, erasing(race), acts(race, other)[act])
    assert isinstance(refused, UnknownContact)
    check_is_gone(race, other)


@pytest.mark.parametrize("act", ACTS)
def test_whatever_is_done_just_before_goes_with_them(race: Race, act: str) -> None:
    other = race.cast.group("Other")
    outcomes = beside(race.cast, acts(race, other)[act], erasing(race))
    assert not any(isinstance(outcome, Refused) for outcome in outcomes), outcomes
    check_is_gone(race, other)


def check_is_gone(race: Race, other: Group) -> None:
    """Check that nothing tells who it was, and that nobody will owe or be owed for them."""
    ben, cast = ben_now(race), race.cast
    assert ben.erased_at is not None
    assert (ben.name, ben.note) == (f"Former member {ben.id}", "")
    cast.tick(at("2026-03-01"))
    cast.tick(at("2026-04-01"))
    assert [one for one in cast.payments(contact_id=ben.id) if one.closed_at is None] == []
    paid_to = select(Group.archived_at).where(Group.payer_id == ben.id)
    stays = select(Member.left_on).where(Member.contact_id == ben.id)
    notes = select(Receipt.note).where(Receipt.contact_id == ben.id)
    addresses = select(Address.value).where(Address.contact_id == ben.id)
    with cast.runtime.reading() as session:
        assert None not in session.scalars(paid_to).all()
        assert None not in session.scalars(stays).all()
        assert set(session.scalars(notes)) <= {None, ""}
        assert set(session.scalars(addresses)) <= {""}
    race.check_books()


def test_an_erasure_sees_what_somebody_was_let_into_meanwhile(race: Race) -> None:
    other = race.cast.group("Other")

    def erase(session: Session) -> Any:
        return erase_contact(session, race.ben.contact_id, by=race.cast.olga, now=NOW)

    _joined, refused = beside(race.cast, acts(race, other)["pay"], erase)
    assert isinstance(refused, StillOpen)
    assert len(refused.standing.groups) == 1


def test_one_new_person_let_into_two_groups_at_once_is_one_contact(cast: Cast) -> None:
    groups = [cast.group("One"), cast.group("Two")]
    joins = [joining(cast, group, "Ben") for group in groups]
    first, second = beside(cast, *joins)
    assert isinstance(first, int)
    assert first == second


def test_two_new_people_at_one_mailbox_at_once_are_asked_about(cast: Cast) -> None:
    groups = [cast.group("One"), cast.group("Two", split=SplitKind.WEIGHTS)]
    first, second = beside(cast, joining(cast, groups[0], "Ben"), joining(cast, groups[1], "Mia"))
    assert isinstance(first, int)
    assert isinstance(second, MailboxShared)


def joining(cast: Cast, group: Group, name: str) -> Act:
    def join(session: Session) -> int:
        terms: dict[str, Any] = {"name": name, "email": "Home@example.org", "by": cast.olga, "now": START}
        return add_member(session, group.id, **terms).contact_id

    return join
