"""Claims about changing how a group is paid: all admins hear of it, and requests can say that it is new."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from substrack.domain.actors import OPERATOR, Actor
from substrack.domain.pay_methods import PayMethod, pay_method
from substrack.queries.groups import load_pay_methods, load_terms
from substrack.services.accounts import Role, add_user
from substrack.services.group_edits import edit_group
from substrack.services.groups import set_pay_methods
from substrack.store import Event, Group, Message
from tests.support.cast import Cast
from tests.web.support import NOW

PAYPAL = pay_method("link", {"url": "https://paypal.me/olga"})
CASH = pay_method("text", {"text": "In cash."})


def youtube(cast: Cast, *ways: PayMethod) -> Group:
    """Set up a group that may have ways to pay, with nothing open."""
    group = cast.group()
    cast.do(set_pay_methods, group.id, ways, by=cast.olga, now=NOW)
    return group


def told(cast: Cast) -> list[Message]:
    """List the notices about ways to pay, in the order they were queued."""
    query = select(Message).where(Message.notice == "pay_details_changed").order_by(Message.id)
    return cast.read(lambda session: list(session.scalars(query)))


def changed_at(cast: Cast, group: Group) -> object:
    return cast.read(lambda session: session.get_one(Group, group.id).pay_changed_at)


def change(cast: Cast, group: Group, *ways: PayMethod, by: Actor | None = None) -> None:
    """Save the group's form with other ways to pay and nothing else changed."""
    terms = cast.read(lambda session: load_terms(session, group.id))
    cast.do(edit_group, group.id, replace(terms, pay_methods=ways), by=by or cast.olga, now=NOW)


def test_the_first_ways_of_a_group_that_has_opened_nothing_are_no_news(cast: Cast) -> None:
    group = youtube(cast, PAYPAL)

    assert told(cast) == []
    assert changed_at(cast, group) is None


def test_every_admin_hears_of_a_change_the_one_who_made_it_as_well(cast: Cast) -> None:
    group = youtube(cast, PAYPAL)
    tom = {"email": "tom@example.org", "name": "Tom", "role": Role.ADMIN, "password_hash": None}
    cast.do(add_user, cast.workspace_id, **tom, by=cast.olga, now=NOW)

    change(cast, group, CASH)

    assert [one.payload for one in told(cast)] == [{"group_id": group.id, "by": cast.olga.id}] * 2
    assert len({one.contact_id for one in told(cast)}) == 2
    assert changed_at(cast, group) == NOW


def test_first_ways_are_news_once_a_period_is_open(cast: Cast) -> None:
    group = youtube(cast)
    cast.join(group, "Ben")
    cast.tick(NOW)

    change(cast, group, CASH)

    assert len(told(cast)) == 1
    assert changed_at(cast, group) is None


def test_the_same_ways_again_change_nothing(cast: Cast) -> None:
    group = youtube(cast, PAYPAL)
    events = cast.read(lambda session: len(session.scalars(select(Event.id)).all()))

    change(cast, group, PAYPAL)
    cast.do(set_pay_methods, group.id, [PAYPAL], by=cast.olga, now=NOW)

    assert told(cast) == []
    assert cast.read(lambda session: len(session.scalars(select(Event.id)).all())) == events


def test_the_command_line_is_told_about_too(cast: Cast) -> None:
    group = youtube(cast, PAYPAL)

    change(cast, group, CASH, by=OPERATOR)

    assert [one.payload["by"] for one in told(cast)] == [None]
    assert cast.read(lambda session: load_pay_methods(session, group.id)) == [CASH]


def test_a_change_is_a_line_of_the_journal(cast: Cast) -> None:
    group = youtube(cast, PAYPAL)

    change(cast, group, CASH, PAYPAL)

    query = select(Event.after).where(Event.verb == "pay_methods").order_by(Event.id.desc())
    assert cast.read(lambda session: session.scalars(query).first()) == {"kinds": ["text", "link"]}
