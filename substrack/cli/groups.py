"""`group` and `price`: set up, change, pause, resume, end and put away what is shared."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import click
from sqlalchemy.orm import Session

from substrack.cli.desk import Desk, at_desk
from substrack.cli.output import note, plain, show
from substrack.cli.params import DAY, json_flag, read_amount
from substrack.cli.terms import given_terms, terms_options
from substrack.domain.actors import OPERATOR
from substrack.domain.currencies import currency_code
from substrack.domain.cycles import local_date
from substrack.domain.shares import SplitKind
from substrack.domain.terms import GroupTerms
from substrack.queries.groups import GroupRow, find_group, list_groups, load_group, load_terms, prices
from substrack.services.group_edits import edit_group
from substrack.services.groups import (
    archive_group,
    create_group,
    end_group,
    pause_group,
    restore_group,
    resume_group,
)
from substrack.services.prices import set_price

LIST_COLUMNS = (
    "id",
    "name",
    "price",
    "currency",
    "split",
    "cycle",
    "next_start",
    "members",
    "payer",
    "state",
)


@click.group("group")
def groups() -> None:
    """Set up and change what is shared."""


@click.group("price")
def price() -> None:
    """Change what a group costs."""


@groups.command("add")
@at_desk
@terms_options(is_new=True)
@json_flag
def add(desk: Desk, *, name: str, currency: str, as_json: bool, **options: Any) -> None:
    """Add a group. Nothing opens before somebody joins it."""
    if options["split"] == SplitKind.VARIABLE and options.pop("price", None) is not None:
        note("A variable group waits for its bill in every period; the price is not used.")
    with desk.writing() as session:
        code = currency_code(currency)
        given = given_terms(session, desk.workspace_id, code, options)
        starts_on = given.pop("starts_on", desk.today)
        terms = GroupTerms(name=name, currency=code, starts_on=starts_on, **given)
        group = create_group(session, desk.workspace_id, terms, by=OPERATOR, now=desk.now)
        result = _described(session, desk, group.id)
        begun = terms.cycle.count_begun(1, local_date(desk.now, group.time_zone))
    if begun > 1:
        note(f"{begun} periods have begun already: they open as soon as somebody joins, who owes them all.")
    show(result, as_json=as_json)


@groups.command("list")
@at_desk
@click.option("--all", "with_archived", is_flag=True, help="Also what is archived.")
@json_flag
def list_all(desk: Desk, *, with_archived: bool, as_json: bool) -> None:
    """List the groups."""
    with desk.reading() as session:
        rows = list_groups(session, desk.workspace_id, today=desk.today, with_archived=with_archived)
    show([describe(row) for row in rows], as_json=as_json, columns=LIST_COLUMNS)


@groups.command("show")
@at_desk
@click.argument("group_id")
@json_flag
def show_one(desk: Desk, *, group_id: str, as_json: bool) -> None:
    """Show everything about a group."""
    with desk.reading() as session:
        result = _described(session, desk, find_group(session, desk.workspace_id, group_id))
    show(result, as_json=as_json)


@groups.command("edit")
@at_desk
@click.argument("group_id")
@terms_options(is_new=False)
@json_flag
def edit(desk: Desk, *, group_id: str, as_json: bool, **options: Any) -> None:
    """Change a group for the periods to come; what is not named stays as it is."""
    with desk.writing() as session:
        key = find_group(session, desk.workspace_id, group_id)
        terms = load_terms(session, key)
        currency = currency_code(options.pop("currency", None) or terms.currency)
        given = given_terms(session, desk.workspace_id, currency, options, unit=terms.unit)
        if given.get("split") is SplitKind.VARIABLE:
            given["price"] = None
        edit_group(session, key, replace(terms, currency=currency, **given), by=OPERATOR, now=desk.now)
        result = _described(session, desk, key)
    show(result, as_json=as_json)


@groups.command("pause")
@at_desk
@click.argument("group_id")
@json_flag
def pause(desk: Desk, *, group_id: str, as_json: bool) -> None:
    """Open no further periods until resumed."""
    _change(desk, pause_group, group_id, as_json)


@groups.command("resume")
@at_desk
@click.argument("group_id")
@json_flag
def resume(desk: Desk, *, group_id: str, as_json: bool) -> None:
    """Go on with the first period that starts today or later."""
    _change(desk, resume_group, group_id, as_json)


@groups.command("archive")
@at_desk
@click.argument("group_id")
@json_flag
def archive(desk: Desk, *, group_id: str, as_json: bool) -> None:
    """Put a group away; its history stays."""
    _change(desk, archive_group, group_id, as_json)


@groups.command("restore")
@at_desk
@click.argument("group_id")
@json_flag
def restore(desk: Desk, *, group_id: str, as_json: bool) -> None:
    """Take an archived group back."""
    _change(desk, restore_group, group_id, as_json)


@groups.command("end")
@at_desk
@click.argument("group_id")
@click.option(
    "--on",
    "--ends-on",
    "ends_on",
    type=DAY,
    help="No period starts after this day; without it the end is taken back.",
)
@json_flag
def end(desk: Desk, *, group_id: str, ends_on: date | None, as_json: bool) -> None:
    """Let no period start after a day."""
    _change(desk, end_group, group_id, as_json, ends_on=ends_on)


@price.command("set")
@at_desk
@click.option("--group", "group_id", required=True)
@click.option("--price", "--amount", "amount", required=True, help="What a period costs from then on.")
@click.option("--from", "--from-on", "from_on", type=DAY, help="Default: the next unopened period.")
@json_flag
def set_one(desk: Desk, *, group_id: str, amount: str, from_on: date | None, as_json: bool) -> None:
    """Set the price from a date on; members hear of it a week ahead."""
    with desk.writing() as session:
        key = find_group(session, desk.workspace_id, group_id)
        currency = load_terms(session, key).currency
        money = read_amount(amount, currency, flag="price")
        made = set_price(session, key, amount=money, from_on=from_on, by=OPERATOR, now=desk.now)
        result = {
            "group": group_id,
            "price": money.major(),
            "currency": currency,
            "from_on": made.from_on.isoformat(),
        }
    show(result, as_json=as_json)


def describe(row: GroupRow) -> dict[str, Any]:
    """Describe a group as lists print it."""
    return {
        "id": row.public_id,
        "name": row.name,
        "price": row.price.major() if row.price else None,
        "currency": row.currency,
        "split": row.split.value,
        "every": row.every,
        "unit": row.unit.value,
        "cycle": f"{row.every} {row.unit.value}",
        "billing_day": row.billing_day,
        "starts_on": plain(row.starts_on),
        "ends_on": plain(row.ends_on),
        "next_start": plain(row.next_start),
        "next_open_at": plain(row.next_open_at),
        "payer": row.payer,
        "payer_id": row.payer_public_id,
        "payer_included": row.payer_included,
        "members": row.members,
        "time_zone": row.time_zone,
        "state": row.state,
    }


def _change(desk: Desk, act: Any, group_id: str, as_json: bool, **options: Any) -> None:
    with desk.writing() as session:
        key = find_group(session, desk.workspace_id, group_id)
        act(session, key, by=OPERATOR, now=desk.now, **options)
        result = _described(session, desk, key)
    show(result, as_json=as_json)


def _described(session: Session, desk: Desk, group_id: int) -> dict[str, Any]:
    """Describe a group with its rules, prices and ways to pay."""
    row, terms = load_group(session, group_id, today=desk.today), load_terms(session, group_id)
    rules = (
        "collect_days_before",
        "due_days",
        "grace_days",
        "repeat_every_days",
        "max_requests",
        "overdue_after_days",
        "hour",
        "tolerance_minor",
        "heads_up_days",
        "tells_opened",
    )
    return {
        **describe(row),
        "description": row.description,
        "kind": terms.kind.value,
        "part_period": terms.part_period.value,
        **{name: getattr(terms, name) for name in rules},
        "prices": [
            {"from_on": day.isoformat(), "price": amount.major()} for day, amount in prices(session, group_id)
        ],
        "pay_methods": [{"kind": one.kind.value, **one.fields} for one in terms.pay_methods],
    }
