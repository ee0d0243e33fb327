"""New groups whose people others are busy with: whoever waits keeps nothing that others take before."""

from collections.abc import Callable
from datetime import date
from threading import Thread

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.terms import GroupTerms
from substrack.services.locks import lock_contacts, lock_mailbox
from substrack.services.newcomers import Newcomer, create_group_with
from substrack.store import Contact
from tests.races.crowd import all_at_once
from tests.support.cast import START, Cast, money

WAIT_SECONDS = 0.5

Lock = Callable[[Session], object]

pytestmark = pytest.mark.only_postgresql


def found(cast: Cast, name: str, newcomers: list[Newcomer], payer_id: int | None = None) -> int:
    terms = GroupTerms(
        name=name,
        currency="EUR",
        starts_on=date(2026, 2, 1),
        price=money("9.00"),
        time_zone="Europe/Berlin",
        payer_id=payer_id,
    )
    return cast.do(create_group_with, cast.workspace_id, terms, newcomers, by=cast.olga, now=START).id


def beside_locks(cast: Cast, work: Callable[[], object], first: Lock, second: Lock) -> None:
    """Take one lock, let the work begin and wait for it, then take another; the work goes on afterwards."""
    done: list[object] = []
    worker = Thread(target=lambda: done.append(work()))
    with cast.runtime.transaction() as session:
        first(session)
        worker.start()
        worker.join(WAIT_SECONDS)
        assert worker.is_alive()
        second(session)
    worker.join(60)
    assert done


def contact(contact_id: int) -> Lock:
    return lambda session: lock_contacts(session, [contact_id])


def people(cast: Cast) -> tuple[int, int]:
    group = cast.group("Before")
    return cast.join(group, "Ann").contact_id, cast.join(group, "Bob").contact_id


def test_guests_in_any_order_are_locked_in_one(cast: Cast) -> None:
    ann, bob = people(cast)
    guests = [Newcomer("Bob", contact_id=bob), Newcomer("Ann", contact_id=ann)]
    beside_locks(cast, lambda: found(cast, "New", guests), contact(ann), contact(bob))


def test_a_payer_is_locked_with_the_guests(cast: Cast) -> None:
    ann, bob = people(cast)
    guests = [Newcomer("Ann", contact_id=ann)]
    beside_locks(cast, lambda: found(cast, "New", guests, bob), contact(ann), contact(bob))


def test_mailboxes_in_any_order_are_locked_in_one(cast: Cast) -> None:
    def mailbox(name: str) -> Lock:
        return lambda session: lock_mailbox(session, cast.workspace_id, f"{name}@example.org")

    guests = [Newcomer("Bob", "bob@example.org"), Newcomer("Ann", "Ann@example.org")]
    beside_locks(cast, lambda: found(cast, "New", guests), mailbox("ann"), mailbox("bob"))


def test_two_lists_of_the_same_new_people_make_each_of_them_once(cast: Cast) -> None:
    guests = [Newcomer(name, f"{name.lower()}@example.org") for name in ("Ann", "Bob", "Cy", "Di")]
    lists = {"One": guests, "Two": guests[::-1], "Three": guests[2:] + guests[:2]}
    all_at_once([lambda name=name: found(cast, name, lists[name]) for name in lists])  # type: ignore[misc]
    names = cast.read(lambda session: session.scalars(select(Contact.name).order_by(Contact.name)).all())
    assert names == ["Ann", "Bob", "Cy", "Di", "Olga"]
