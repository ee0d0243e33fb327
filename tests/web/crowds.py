"""Scenes with crowds: a group of many, written at once instead of by two thousand forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from substrack.domain.payments import Status
from substrack.store import Contact, Group, Member, Payment, Receipt
from tests.support.cast import START, Cast
from tests.web.support import NOW


def crowd(cast: Cast, count: int, name: str = "Club") -> Group:
    """Make a group of `count` guests, "Guest 0001" and so on, with February and March open."""
    group = cast.group(name, f"{count + 1}.00")
    cast.join(group, "Ben", email=None)
    cast.do(fill, group.id, count - 1)
    for _period in range(2):
        cast.tick(NOW)
    return group


def fill(session: Session, group_id: int, count: int) -> None:
    group = session.get_one(Group, group_id)
    people = [
        Contact(workspace_id=group.workspace_id, name=f"Guest {number:04}", created_at=START)
        for number in range(1, count + 1)
    ]
    session.add_all(people)
    session.flush()
    session.add_all(
        Member(group_id=group.id, contact_id=person.id, joined_on=group.starts_on, created_at=START)
        for person in people
    )


def copies(session: Session, row: Payment | Receipt, changes: Sequence[Mapping[str, Any]]) -> None:
    """Write a row once more for each of `changes`, with what these say; its codes are numbered."""
    columns = type(row).__table__.columns
    values = {column.key: getattr(row, column.key) for column in columns if column.key != "id"}
    start = (session.scalar(select(func.max(type(row).id))) or 0) + 1
    session.execute(
        insert(type(row)),
        [values | _codes(row, number) | dict(change) for number, change in enumerate(changes, start)],
    )


def _codes(row: Payment | Receipt, number: int) -> dict[str, str]:
    codes = {"public_id": f"{number:012}"}
    return codes | {"reference": f"{number:06}"} if isinstance(row, Payment) else codes


def settled_crowd(cast: Cast, count: int) -> tuple[Group, Member, Member]:
    """Make a group of Ben, Mia and `count` guests; the guests have paid for February, the two have not."""
    group = cast.group("Club", f"{count + 3}.00")
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(NOW.replace(month=2))
    of_ben = cast.payment_of(ben)
    paid = {"status": Status.CONFIRMED, "received_minor": of_ben.amount_minor, "closed_at": NOW}
    with cast.runtime.transaction() as session:
        fill(session, group.id, count)
        session.flush()
        joined = select(Member).where(Member.group_id == group.id, Member.id > mia.id)
        guests = [{"member_id": one.id, "contact_id": one.contact_id} for one in session.scalars(joined)]
        copies(session, of_ben, [paid | guest for guest in guests])
    return group, ben, mia
