"""`receipt`: money that came, with or without somebody having said so."""

from __future__ import annotations

from datetime import date
from typing import Any

import click
from sqlalchemy.orm import Session

from substrack.cli.desk import Desk, at_desk
from substrack.cli.output import plain, show
from substrack.cli.params import DAY, dry_run_flag, json_flag, read_amount
from substrack.domain.actors import OPERATOR
from substrack.domain.currencies import currency_code
from substrack.domain.errors import Refused
from substrack.queries.groups import find_group, load_terms
from substrack.queries.ledger_lists import find_payments, owed_to
from substrack.queries.people import find_contact
from substrack.queries.receipt_lists import ReceiptRow, find_receipt, list_receipts, load_receipt
from substrack.services.receipts import record_receipt, void_receipt

COLUMNS = ("id", "received_on", "contact", "amount", "currency", "credit", "settles", "voided_at")


class WhichPayer(Refused):
    """It is not plain to whom, or in which currency, the money came."""

    field = "payer"

    def __init__(self) -> None:
        super().__init__("Say to whom it came and in which currency: --payer and --currency, or --group.")


@click.group("receipt")
def receipts() -> None:
    """Book money that came."""


@receipts.command("add")
@at_desk
@click.option("--contact", "contact_id", required=True, help="From whom it came.")
@click.option("--amount", required=True)
@click.option("--currency", help="Default: the one they owe in.")
@click.option("--payer", "payer_id", help="To whom it came; default: whom they owe.")
@click.option("--group", "group_id", help="Only for what they owe in this group; the rest is kept for it.")
@click.option("--payment", "payment_ids", multiple=True, help="Settle these; default: the oldest first.")
@click.option("--received-on", type=DAY, help="Default: today.")
@click.option("--method")
@click.option("--note")
@dry_run_flag
@json_flag
def add(
    desk: Desk,
    *,
    contact_id: str,
    amount: str,
    currency: str | None,
    payer_id: str | None,
    group_id: str | None,
    payment_ids: tuple[str, ...],
    received_on: date | None,
    method: str | None,
    note: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Record money that came, and settle what they owe with it."""
    with desk.writing(dry_run=dry_run) as session:
        contact = find_contact(session, desk.workspace_id, contact_id)
        group = find_group(session, desk.workspace_id, group_id) if group_id else None
        payer = find_contact(session, desk.workspace_id, payer_id) if payer_id else None
        payer, code = _to_whom(session, contact, group, payer, currency)
        named = [key for one in payment_ids for key in find_payments(session, desk.workspace_id, one)]
        made = record_receipt(
            session,
            desk.workspace_id,
            contact_id=contact,
            payer_id=payer,
            amount=read_amount(amount, code, flag="amount"),
            received_on=received_on,
            method=method,
            note=note,
            group_id=group,
            payment_ids=named or None,
            by=OPERATOR,
            now=desk.now,
        )
        result = describe(load_receipt(session, made.id))
    show(result, as_json=as_json)


@receipts.command("list")
@at_desk
@click.option("--group", "group_id")
@click.option("--contact", "contact_id")
@click.option("--all", "with_voided", is_flag=True, help="Also voided ones.")
@json_flag
def list_them(
    desk: Desk, *, group_id: str | None, contact_id: str | None, with_voided: bool, as_json: bool
) -> None:
    """List receipts, the newest first."""
    with desk.reading() as session:
        rows = list_receipts(
            session,
            desk.workspace_id,
            group_id=find_group(session, desk.workspace_id, group_id) if group_id else None,
            contact_id=find_contact(session, desk.workspace_id, contact_id) if contact_id else None,
            with_voided=with_voided,
        )
    show([describe(row) for row in rows], as_json=as_json, columns=COLUMNS)


@receipts.command("void")
@at_desk
@click.argument("receipt_id")
@click.option("--reason", required=True)
@dry_run_flag
@json_flag
def void(desk: Desk, *, receipt_id: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Take a receipt back; what it settled is open again."""
    with desk.writing(dry_run=dry_run) as session:
        key = find_receipt(session, desk.workspace_id, receipt_id)
        void_receipt(session, key, reason=reason, by=OPERATOR, now=desk.now)
        result = describe(load_receipt(session, key))
    show(result, as_json=as_json)


def describe(row: ReceiptRow) -> dict[str, Any]:
    """Describe a receipt as lists print it; amounts in major units."""
    return {
        "id": row.public_id,
        "contact": row.contact,
        "contact_id": row.contact_public_id,
        "payer": row.payer,
        "group": row.group,
        "amount": row.amount.major(),
        "credit": row.credit.major(),
        "currency": row.amount.currency,
        "received_on": plain(row.received_on),
        "method": row.method,
        "source": row.source.value,
        "note": row.note,
        "settles": [
            {"payment": part.payment_public_id, "reference": part.reference, "amount": part.amount.major()}
            for part in row.allocations
        ],
        "voided_at": plain(row.voided_at),
        "void_reason": row.void_reason,
    }


def _to_whom(
    session: Session, contact_id: int, group_id: int | None, payer_id: int | None, currency: str | None
) -> tuple[int, str]:
    """Find payer and currency: as named, else the group's, else the only ones this person ever owed."""
    code = currency_code(currency) if currency else None
    if group_id is not None:
        terms = load_terms(session, group_id)
        payer_id, code = payer_id or terms.payer_id, code or terms.currency
    if payer_id is not None and code is not None:
        return payer_id, code
    candidates = {
        (payer, one)
        for payer, one in owed_to(session, contact_id)
        if payer_id in (None, payer) and code in (None, one)
    }
    if len(candidates) != 1:
        raise WhichPayer
    return candidates.pop()
