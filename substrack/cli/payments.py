"""`payment`: what members owe, and every decision about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any, Final

import click
from sqlalchemy.orm import Session

from substrack.cli.desk import Desk, at_desk
from substrack.cli.output import is_asked, plain, show
from substrack.cli.params import DAY, dry_run_flag, json_flag, read_amount, read_optional
from substrack.domain.actors import OPERATOR
from substrack.domain.errors import Refused
from substrack.domain.payments import ReopenCause, Status
from substrack.queries.groups import find_group
from substrack.queries.ledger_lists import PaymentRow, find_payments, list_payments, load_payment
from substrack.queries.people import find_contact
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.payments import (
    Outcome,
    adjust_payment,
    confirm_payment,
    reject_payment,
    reopen_payment,
    unwaive_payment,
    waive_payment,
)

COLUMNS = ("id", "group_name", "member", "period", "amount", "received", "currency", "status", "reference")

MANY_TIMES: Final = 10
"""More than this many times what is left looks like a slip of the hand."""

payment_ids_argument = click.argument("payment_ids", nargs=-1, required=True)
reason_option = click.option("--reason", required=True, help="The member reads it.")


class OneSumForSeveral(Refused):
    """A sum was given for more than it could belong to; booking it for each would make money."""

    field = "amount"

    def __init__(self, several: str, instead: str) -> None:
        super().__init__(f"One sum can't be meant for {several}. {instead}")


@click.group("payment")
def payments() -> None:
    """Look at payments and decide about them; those that take ids take several."""


@payments.command("list")
@at_desk
@click.option("--group", "group_id")
@click.option("--contact", "contact_id")
@click.option("--status", type=click.Choice([status.value for status in Status]))
@click.option("--all", "with_voided", is_flag=True, help="Also voided ones.")
@json_flag
def list_them(
    desk: Desk,
    *,
    group_id: str | None,
    contact_id: str | None,
    status: str | None,
    with_voided: bool,
    as_json: bool,
) -> None:
    """List payments, the payers' own shares included."""
    with desk.reading() as session:
        rows = list_payments(
            session,
            desk.workspace_id,
            group_id=find_group(session, desk.workspace_id, group_id) if group_id else None,
            contact_id=find_contact(session, desk.workspace_id, contact_id) if contact_id else None,
            status=Status(status) if status else None,
            with_voided=with_voided,
        )
    show([describe(row) for row in rows], as_json=as_json, columns=COLUMNS)


@payments.command("claim")
@at_desk
@payment_ids_argument
@click.option("--amount")
@click.option("--paid-on", type=DAY)
@click.option("--method")
@click.option("--note")
@dry_run_flag
@json_flag
def claim(
    desk: Desk,
    *,
    payment_ids: tuple[str, ...],
    amount: str | None,
    paid_on: date | None,
    method: str | None,
    note: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Say for members that they paid."""
    with desk.writing(dry_run=dry_run) as session:
        keys = _find(session, desk, payment_ids)
        by_contact = _by_contact(session, keys)
        if amount is not None and len(by_contact) > 1:
            raise OneSumForSeveral("several people", "Claim for each of them alone.")
        for contact_id, owed in by_contact.items():
            claim_payments(
                session,
                contact_id,
                [row.id for row in owed],
                by=OPERATOR,
                now=desk.now,
                amount=read_optional(amount, owed[0].amount.currency, flag="amount"),
                paid_on=paid_on,
                method=method,
                note=note,
            )
        result = _described(session, keys)
    _show(result, as_json)


@payments.command("withdraw")
@at_desk
@payment_ids_argument
@dry_run_flag
@json_flag
def withdraw(desk: Desk, *, payment_ids: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Take "I've paid" back, while nobody has decided."""
    with desk.writing(dry_run=dry_run) as session:
        keys = _find(session, desk, payment_ids)
        for contact_id, owed in _by_contact(session, keys).items():
            withdraw_claim(session, contact_id, [row.id for row in owed], by=OPERATOR, now=desk.now)
        result = _described(session, keys)
    _show(result, as_json)


@payments.command("confirm")
@at_desk
@payment_ids_argument
@click.option(
    "--amount",
    help="What arrived; default: all that is left, but no more than was claimed. What comes beyond what is "
    "left is kept as credit, which settles what else the member owes, now and later.",
)
@click.option("--received-on", type=DAY)
@click.option("--method")
@click.option("--yes", is_flag=True, help="Ask nothing, however large the sum is.")
@dry_run_flag
@json_flag
def confirm(
    desk: Desk,
    *,
    payment_ids: tuple[str, ...],
    amount: str | None,
    received_on: date | None,
    method: str | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Confirm that the money came, or the smaller or larger sum that did."""
    if amount is not None and len(set(payment_ids)) > 1:
        instead = "Book what arrived with `receipt add --amount … --payment ID --payment ID`."
        raise OneSumForSeveral("each of several payments", instead)

    if amount is not None and is_asked() and not (yes or dry_run or as_json):
        _ask_about_much(desk, payment_ids, amount)
    outcomes: dict[str, Outcome] = {}

    def act(session: Session, row: PaymentRow) -> None:
        outcomes[row.public_id] = confirm_payment(
            session,
            row.id,
            amount=read_optional(amount, row.amount.currency, flag="amount"),
            received_on=received_on,
            method=method,
            by=OPERATOR,
            now=desk.now,
        )

    _decide(desk, payment_ids, act, dry_run=dry_run, as_json=as_json)
    if not as_json:
        for public_id, outcome in outcomes.items():
            _tell_of_confirming(public_id, outcome)


@payments.command("reject")
@at_desk
@payment_ids_argument
@reason_option
@dry_run_flag
@json_flag
def reject(desk: Desk, *, payment_ids: tuple[str, ...], reason: str, dry_run: bool, as_json: bool) -> None:
    """Say that the money a member spoke of did not come."""
    act = partial(_by_key, reject_payment, desk, reason=reason)
    _decide(desk, payment_ids, act, dry_run=dry_run, as_json=as_json)


@payments.command("waive")
@at_desk
@payment_ids_argument
@reason_option
@dry_run_flag
@json_flag
def waive(desk: Desk, *, payment_ids: tuple[str, ...], reason: str, dry_run: bool, as_json: bool) -> None:
    """Forgive what is left."""
    act = partial(_by_key, waive_payment, desk, reason=reason)
    _decide(desk, payment_ids, act, dry_run=dry_run, as_json=as_json)


@payments.command("unwaive")
@at_desk
@payment_ids_argument
@dry_run_flag
@json_flag
def unwaive(desk: Desk, *, payment_ids: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Ask again for what was forgiven."""
    act = partial(_by_key, unwaive_payment, desk)
    _decide(desk, payment_ids, act, dry_run=dry_run, as_json=as_json)


@payments.command("reopen")
@at_desk
@payment_ids_argument
@click.option("--because", required=True, type=click.Choice([cause.value for cause in ReopenCause]))
@dry_run_flag
@json_flag
def reopen(desk: Desk, *, payment_ids: tuple[str, ...], because: str, dry_run: bool, as_json: bool) -> None:
    """Open a confirmed payment again."""
    act = partial(_by_key, reopen_payment, desk, because=ReopenCause(because))
    _decide(desk, payment_ids, act, dry_run=dry_run, as_json=as_json)


@payments.command("adjust")
@at_desk
@click.argument("payment_id")
@click.option("--amount", required=True, help="What the member owes for the period, all in all.")
@reason_option
@dry_run_flag
@json_flag
def adjust(desk: Desk, *, payment_id: str, amount: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Correct what one member owes; the payer's part takes the difference."""

    def act(session: Session, row: PaymentRow) -> None:
        money = read_amount(amount, row.amount.currency, flag="amount")
        adjust_payment(session, row.id, amount=money, reason=reason, by=OPERATOR, now=desk.now)

    _decide(desk, [payment_id], act, dry_run=dry_run, as_json=as_json)


def _ask_about_much(desk: Desk, payment_ids: Sequence[str], amount: str) -> None:
    """Ask whether a sum is meant that is many times what is left; nothing is booked before the answer."""
    with desk.reading() as session:
        (row, *_others) = [load_payment(session, key) for key in _find(session, desk, payment_ids)]
    came, left = read_amount(amount, row.amount.currency, flag="amount"), row.left
    if left.minor and came.minor > MANY_TIMES * left.minor:
        sentence = f"{came.major()} {came.currency} came, where {left.major()} {left.currency} is left?"
        click.confirm(sentence, default=False, abort=True, err=True)


def _tell_of_confirming(public_id: str, outcome: Outcome) -> None:
    """Say what the payment itself does not show: that it was confirmed before, or that more money came."""
    if not outcome.changed:
        click.echo(f"{public_id} was confirmed already; nothing was booked.")
    if outcome.beyond is not None:
        more = f"{outcome.beyond.major()} {outcome.beyond.currency}"
        click.echo(f"{more} more came than was left: it was booked too, as credit.")
    if outcome.also_settled:
        click.echo(f"Other payments that credit settled, in full or in part: {outcome.also_settled}.")


def describe(row: PaymentRow) -> dict[str, Any]:
    """Describe a payment as lists print it; amounts in major units."""
    period = row.period
    return {
        "id": row.public_id,
        "group": row.group_public_id,
        "group_name": row.group,
        "member": row.member,
        "contact": row.contact_public_id,
        "kind": row.kind.value,
        "period": None
        if period is None
        else {
            "id": period.public_id,
            "sequence": period.sequence,
            "starts_on": plain(period.starts_on),
            "ends_on": plain(period.ends_on),
        },
        "due_on": plain(row.due_on),
        "amount": row.amount.major(),
        "received": row.received.major(),
        "written_off": row.written_off.major(),
        "left": row.left.major(),
        "currency": row.amount.currency,
        "status": row.status.value,
        "reference": row.reference,
        "requests_sent": row.requests_sent,
        "snoozed_until": plain(row.snoozed_until),
        "voided_at": plain(row.voided_at),
    }


def _decide(
    desk: Desk,
    payment_ids: Sequence[str],
    act: Callable[[Session, PaymentRow], Any],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Do one thing to each payment, all or none."""
    with desk.writing(dry_run=dry_run) as session:
        keys = _find(session, desk, payment_ids)
        for key in keys:
            act(session, load_payment(session, key))
        result = _described(session, keys)
    _show(result, as_json)


def _by_key(service: Callable[..., Any], desk: Desk, session: Session, row: PaymentRow, **facts: Any) -> None:
    service(session, row.id, by=OPERATOR, now=desk.now, **facts)


def _find(session: Session, desk: Desk, payment_ids: Sequence[str]) -> list[int]:
    """Find what is named, each once however often and in whichever way it was named."""
    found = (key for one in payment_ids for key in find_payments(session, desk.workspace_id, one))
    return list(dict.fromkeys(found))


def _by_contact(session: Session, keys: Sequence[int]) -> dict[int, list[PaymentRow]]:
    grouped: dict[int, list[PaymentRow]] = {}
    for key in keys:
        row = load_payment(session, key)
        grouped.setdefault(row.contact_id, []).append(row)
    return grouped


def _described(session: Session, keys: Sequence[int]) -> list[dict[str, Any]]:
    return [describe(load_payment(session, key)) for key in keys]


def _show(result: list[dict[str, Any]], as_json: bool) -> None:
    """Print one payment as a thing and several as a list."""
    show(result if len(result) > 1 else result[0], as_json=as_json, columns=COLUMNS)
