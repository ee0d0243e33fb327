"""`member` and `contact`: who shares a group, and the people a workspace knows."""

from __future__ import annotations

from datetime import date
from typing import Any

import click
from sqlalchemy.orm import Session

from substrack.cli.desk import Desk, at_desk
from substrack.cli.output import is_asked, note, plain, show
from substrack.cli.params import DAY, dry_run_flag, json_flag, read_optional
from substrack.domain.actors import OPERATOR
from substrack.domain.errors import Refused
from substrack.queries.groups import find_group, load_terms
from substrack.queries.people import (
    ContactRow,
    MemberRow,
    find_contact,
    find_member,
    list_contacts,
    list_members,
    load_contact,
    load_member,
)
from substrack.services.mailboxes import keep_first_email, set_email
from substrack.services.members import add_member, edit_member, leave_group
from substrack.services.people import (
    KnownWithoutAddress,
    NameKnown,
    ask_about_namesake,
    contact_by_email,
    edit_contact,
)
from substrack.services.welcoming import tell_them

MEMBER_COLUMNS = ("id", "group_name", "name", "email", "weight", "amount", "joined_on", "left_on")
again_flag = click.option(
    "--wanted-again", is_flag=True, help="Somebody who was erased wants to be written to again."
)

CONTACT_COLUMNS = ("id", "name", "email", "reachable", "groups")


class NobodyNamed(Refused):
    """Neither a name nor a known person was given."""

    field = "name"

    def __init__(self) -> None:
        super().__init__("Give a name, or the id of a known person with --contact.")


class NameKnownAtDesk(Refused):
    """Somebody of this name is known, and nothing said whether they are meant."""

    field = "name"

    def __init__(self, known: NameKnown | KnownWithoutAddress) -> None:
        words = {"name": known.name, "id": known.public_id}
        if isinstance(known, KnownWithoutAddress):
            super().__init__(
                "%(name)s is known already, without an address: give --contact %(id)s to keep it for them, "
                "or --another for somebody else of that name.",
                **words,
            )
        else:
            super().__init__(
                "%(name)s is known already: give --contact %(id)s, or --another for somebody else of that "
                "name.",
                **words,
            )


@click.group("member")
def members() -> None:
    """Let people join and leave groups."""


@click.group("contact")
def contacts() -> None:
    """Look up and change people."""


@members.command("add")
@at_desk
@click.option("--group", "group_id", required=True)
@click.option("--name", help="Of a new person; a known address is the same person whatever the name.")
@click.option("--email")
@click.option("--contact", "contact_id", help="The id of a known person.")
@click.option("--weight", type=int, default=1, show_default=True)
@click.option("--amount", help="A fixed amount instead of a share.")
@click.option("--joined-on", type=DAY, help="Default: from the start, or today once a period is open.")
@click.option("--shares-mailbox", is_flag=True, help="A new person at an address that is known already.")
@click.option("--another", is_flag=True, help="Somebody else of a name that is known already.")
@again_flag
@json_flag
def add(
    desk: Desk,
    *,
    group_id: str,
    name: str | None,
    email: str | None,
    contact_id: str | None,
    weight: int,
    amount: str | None,
    joined_on: date | None,
    shares_mailbox: bool,
    another: bool,
    wanted_again: bool,
    as_json: bool,
) -> None:
    """Let somebody join a group.

    A name that is known already, where no address tells who is meant, is refused on a terminal, and told of
    where none answers.
    """
    with desk.writing() as session:
        key = find_group(session, desk.workspace_id, group_id)
        person = find_contact(session, desk.workspace_id, contact_id) if contact_id else None
        if person is None and email and not shares_mailbox:
            reader = contact_by_email(session, desk.workspace_id, email)
            person = reader.id if reader else None
        if person is None and name is None:
            raise NobodyNamed
        known = None if person or another else _known_by_name(desk, session, name, email)
        if known and is_asked() and not as_json:
            raise NameKnownAtDesk(known)
        member = add_member(
            session,
            key,
            name=name,
            contact_id=person,
            email=email,
            weight=weight,
            fixed=read_optional(amount, load_terms(session, key).currency, flag="amount"),
            joined_on=joined_on,
            shares_mailbox=shares_mailbox,
            wanted_again=wanted_again,
            by=OPERATOR,
            now=desk.now,
        )
        if contact_id:
            answers = {"shares_mailbox": shares_mailbox, "wanted_again": wanted_again}
            keep_first_email(session, member.contact_id, email, **answers, by=OPERATOR, now=desk.now)
        result = describe_member(load_member(session, member.id))
    show(result, as_json=as_json)
    if known:
        note(
            f"{known.name} is known already ({known.public_id}). If this is the same person: member leave "
            f"{member.public_id}, then member add --group {group_id} --contact {known.public_id}."
        )


def _known_by_name(
    desk: Desk, session: Session, name: str | None, email: str | None
) -> NameKnown | KnownWithoutAddress | None:
    try:
        ask_about_namesake(session, desk.workspace_id, name=name, email=email)
    except (NameKnown, KnownWithoutAddress) as known:
        return known
    return None


@members.command("list")
@at_desk
@click.option("--group", "group_id")
@click.option("--all", "with_left", is_flag=True, help="Also those who left.")
@json_flag
def list_them(desk: Desk, *, group_id: str | None, with_left: bool, as_json: bool) -> None:
    """List members."""
    with desk.reading() as session:
        key = find_group(session, desk.workspace_id, group_id) if group_id else None
        today = None if with_left else desk.today
        rows = list_members(session, desk.workspace_id, group_id=key, today=today)
    show([describe_member(row) for row in rows], as_json=as_json, columns=MEMBER_COLUMNS)


@members.command("edit")
@at_desk
@click.argument("member_id")
@click.option("--weight", type=int)
@click.option("--amount", help="A fixed amount instead of a share.")
@click.option("--no-amount", is_flag=True, help="A share again instead of a fixed amount.")
@click.option("--joined-on", type=DAY)
@json_flag
def edit(
    desk: Desk,
    *,
    member_id: str,
    weight: int | None,
    amount: str | None,
    no_amount: bool,
    joined_on: date | None,
    as_json: bool,
) -> None:
    """Change a member's terms for the periods to come; what is owed stays."""
    with desk.writing() as session:
        key = find_member(session, desk.workspace_id, member_id)
        currency = load_member(session, key).currency
        edit_member(
            session,
            key,
            weight=weight,
            fixed=read_optional(amount, currency, flag="amount"),
            clears_fixed=no_amount,
            joined_on=joined_on,
            by=OPERATOR,
            now=desk.now,
        )
        result = describe_member(load_member(session, key))
    show(result, as_json=as_json)


@members.command("leave")
@at_desk
@click.argument("member_id")
@click.option("--left-on", "--on", "left_on", type=DAY, help="The first day they are gone; default: today.")
@json_flag
def leave(desk: Desk, *, member_id: str, left_on: date | None, as_json: bool) -> None:
    """Let a member leave; what they owe stays until somebody decides."""
    with desk.writing() as session:
        key = find_member(session, desk.workspace_id, member_id)
        leave_group(session, key, left_on=left_on, by=OPERATOR, now=desk.now)
        result = describe_member(load_member(session, key))
    show(result, as_json=as_json)


@members.command("tell")
@at_desk
@click.option("--group", "group_id", required=True)
@click.argument("member_ids", nargs=-1)
@dry_run_flag
@json_flag
def tell(desk: Desk, *, group_id: str, member_ids: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Send the welcome: to the members named, or to all who have not had it."""
    with desk.writing(dry_run=dry_run) as session:
        key = find_group(session, desk.workspace_id, group_id)
        named = [find_member(session, desk.workspace_id, one) for one in member_ids] or None
        told = tell_them(session, key, named, by=OPERATOR, now=desk.now)
        result = {
            "told": [load_member(session, one).name for one in told.told],
            "unreachable": [load_member(session, one).name for one in told.unreachable],
        }
    show(result, as_json=as_json)


@contacts.command("list")
@at_desk
@json_flag
def list_people(desk: Desk, *, as_json: bool) -> None:
    """List the people of the workspace."""
    with desk.reading() as session:
        rows = list_contacts(session, desk.workspace_id, today=desk.today)
    show([describe_contact(row) for row in rows], as_json=as_json, columns=CONTACT_COLUMNS)


@contacts.command("show")
@at_desk
@click.argument("contact_id")
@json_flag
def show_person(desk: Desk, *, contact_id: str, as_json: bool) -> None:
    """Show a person and the groups they are in."""
    with desk.reading() as session:
        key = find_contact(session, desk.workspace_id, contact_id)
        person = describe_contact(load_contact(session, key, today=desk.today))
        stays = [describe_member(row) for row in list_members(session, desk.workspace_id, contact_id=key)]
    if as_json:
        show(person | {"members": stays}, as_json=True)
        return
    show(person, as_json=False)
    show(stays, as_json=False, columns=MEMBER_COLUMNS)


@contacts.command("edit")
@at_desk
@click.argument("contact_id")
@click.option("--name")
@click.option("--email", help="An empty one removes it.")
@click.option("--language", help="A code such as en; an empty one clears it.")
@click.option("--timezone", help="An empty one clears it.")
@click.option("--shares-mailbox", is_flag=True, help="The address is another person's as well.")
@again_flag
@dry_run_flag
@json_flag
def edit_person(
    desk: Desk,
    *,
    contact_id: str,
    name: str | None,
    email: str | None,
    language: str | None,
    timezone: str | None,
    shares_mailbox: bool,
    wanted_again: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Change what is known of a person."""
    with desk.writing(dry_run=dry_run) as session:
        key = find_contact(session, desk.workspace_id, contact_id)
        edit_contact(
            session, key, name=name, language=language, time_zone=timezone, by=OPERATOR, now=desk.now
        )
        if email is not None:
            answers = {"shares_mailbox": shares_mailbox, "wanted_again": wanted_again}
            set_email(session, key, email, **answers, by=OPERATOR, now=desk.now)
        result = describe_contact(load_contact(session, key, today=desk.today))
    show(result, as_json=as_json)


def describe_member(row: MemberRow) -> dict[str, Any]:
    """Describe a member as lists print it."""
    return {
        "id": row.public_id,
        "group": row.group_public_id,
        "group_name": row.group,
        "contact": row.contact_public_id,
        "name": row.name,
        "email": row.email,
        "reachable": row.is_reachable,
        "payer": row.is_payer,
        "weight": row.weight,
        "amount": row.fixed.major() if row.fixed else None,
        "currency": row.currency,
        "joined_on": plain(row.joined_on),
        "left_on": plain(row.left_on),
        "told_at": plain(row.told_at),
    }


def describe_contact(row: ContactRow) -> dict[str, Any]:
    """Describe a person as lists print it."""
    return {
        "id": row.public_id,
        "name": row.name,
        "email": row.email,
        "reachable": row.is_reachable,
        "unsubscribed_at": plain(row.unsubscribed_at),
        "refused_since": plain(row.refused_since),
        "refused_reason": row.refused_reason,
        "language": row.language,
        "time_zone": row.time_zone,
        "groups": list(row.groups),
    }
