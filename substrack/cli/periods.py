"""`period`: open the next one by hand, bill, correct, void and restore."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from substrack.cli.desk import Desk, at_desk
from substrack.cli.output import plain, show
from substrack.cli.params import DAY, dry_run_flag, json_flag, read_optional
from substrack.domain.actors import OPERATOR
from substrack.queries.groups import find_group
from substrack.queries.ledger_lists import PeriodRow, find_period, list_periods, load_period
from substrack.queries.period_claims import load_period_claims
from substrack.queries.period_places import Place, load_place
from substrack.services.periods import edit_period, open_next_period
from substrack.services.voiding import restore_period, void_period

COLUMNS = ("id", "group_name", "sequence", "starts_on", "ends_on", "due_on", "total", "currency", "voided_at")


@click.group("period")
def periods() -> None:
    """Open and correct periods."""


@periods.command("list")
@at_desk
@click.option("--group", "group_id")
@click.option("--all", "with_voided", is_flag=True, help="Also voided ones.")
@json_flag
def list_them(desk: Desk, *, group_id: str | None, with_voided: bool, as_json: bool) -> None:
    """List periods."""
    with desk.reading() as session:
        key = find_group(session, desk.workspace_id, group_id) if group_id else None
        rows = list_periods(session, desk.workspace_id, group_id=key, with_voided=with_voided)
    show([describe(row) for row in rows], as_json=as_json, columns=COLUMNS)


@periods.command("open")
@at_desk
@click.option("--group", "group_id", required=True)
@click.option("--count", type=click.IntRange(1, 120), default=1, show_default=True)
@dry_run_flag
@json_flag
def open_next(desk: Desk, *, group_id: str, count: int, dry_run: bool, as_json: bool) -> None:
    """Open the next unopened period, or several."""
    with desk.writing(dry_run=dry_run) as session:
        key = find_group(session, desk.workspace_id, group_id)
        opened = [open_next_period(session, key, by=OPERATOR, now=desk.now).id for _ in range(count)]
        result = [describe(load_period(session, one)) for one in opened]
    show(result if count > 1 else result[0], as_json=as_json, columns=COLUMNS)


@periods.command("edit")
@at_desk
@click.argument("period_id")
@click.option("--total", help="The bill of a variable period, or a corrected total.")
@click.option("--due-on", type=DAY)
@click.option("--reason", default="", help="Why; members and admins can read it.")
@dry_run_flag
@json_flag
def edit(
    desk: Desk,
    *,
    period_id: str,
    total: str | None,
    due_on: date | None,
    reason: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Enter the bill of a period, or correct its total or due date."""
    with desk.writing(dry_run=dry_run) as session:
        key = find_period(session, desk.workspace_id, period_id)
        money = read_optional(total, load_period(session, key).currency, flag="total")
        edit_period(session, key, total=money, due_on=due_on, reason=reason, by=OPERATOR, now=desk.now)
        result = describe(load_period(session, key))
    show(result, as_json=as_json)


@periods.command("void")
@at_desk
@click.argument("period_id")
@click.option("--reason", required=True, help="Why; whoever paid, said so or was asked reads it.")
@dry_run_flag
@json_flag
def void(desk: Desk, *, period_id: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Take a period and its payments out of every sum; nobody is asked for it any more.

    Claims that wait close with it (`claims_closed`, `claimed`); `receipt add` books what came for them.

    The newest one, voided before its time, opens again then; the answer says whether and when.
    """
    with desk.writing(dry_run=dry_run) as session:
        key = find_period(session, desk.workspace_id, period_id)
        claims = load_period_claims(session, key, load_period(session, key).currency)
        void_period(session, key, reason=reason, by=OPERATOR, now=desk.now)
        closed = {"claims_closed": claims.count, "claimed": claims.amount.major()}
        result = describe(load_period(session, key)) | closed | _comes_again(load_place(session, key))
    show(result, as_json=as_json)


@periods.command("restore")
@at_desk
@click.argument("period_id")
@dry_run_flag
@json_flag
def restore(desk: Desk, *, period_id: str, dry_run: bool, as_json: bool) -> None:
    """Take a voided period back."""
    with desk.writing(dry_run=dry_run) as session:
        key = find_period(session, desk.workspace_id, period_id)
        restore_period(session, key, by=OPERATOR, now=desk.now)
        result = describe(load_period(session, key))
    show(result, as_json=as_json)


def _comes_again(place: Place) -> dict[str, Any]:
    return {"opens_again": place.opens_again, "opens_again_on": plain(place.opens_on)}


def describe(row: PeriodRow) -> dict[str, Any]:
    """Describe a period as lists print it; amounts in major units, no total while the bill is wanted."""
    return {
        "id": row.public_id,
        "group": row.group_public_id,
        "group_name": row.group,
        "sequence": row.sequence,
        "starts_on": plain(row.starts_on),
        "ends_on": plain(row.ends_on),
        "due_on": plain(row.due_on),
        "opens_on": plain(row.opens_on),
        "total": row.total.major() if row.total else None,
        "payer_part": row.payer_part.major(),
        "currency": row.currency,
        "voided_at": plain(row.voided_at),
    }
