"""Money that came without a claim: whose it is, what it settles, and taking a receipt back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from wtforms import HiddenField, SelectField, StringField, TextAreaField

from substrack.domain.cycles import local_date
from substrack.domain.errors import Conflict, Phrase
from substrack.domain.money import Money
from substrack.domain.references import LINE_LENGTH, split_references
from substrack.domain.statement_lines import amount_in
from substrack.queries.booked import load_booked
from substrack.queries.claims import find_claim, load_claim
from substrack.queries.money_page import (
    Account,
    OpenRow,
    correlation_of_receipt,
    load_account,
    load_accounts,
    load_choices,
    load_open,
)
from substrack.queries.namesakes import tell_apart
from substrack.queries.owing import OwingRow, find_owing, load_owing, owed_payment_ids
from substrack.queries.people import find_contact
from substrack.queries.receipt_lists import ReceiptRow, find_receipt, list_receipts
from substrack.services.deciding import ReasonForHistoryMissing
from substrack.services.locks import lock_contacts
from substrack.services.receipts import VoidedAlready, apply_credit_now, record_receipt, void_receipt
from substrack.services.settling import today_of_books
from substrack.texts.bills import what_for
from substrack.texts.home import due_when
from substrack.texts.refusals import in_words
from substrack.web.access import signed_in
from substrack.web.decisions import back, flash_decision
from substrack.web.fields import read_optional_day, read_sum
from substrack.web.forms import PageForm, answer, posted
from substrack.web.pages import my_words, page
from substrack.web.paging import numbered, searched
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("money_in", __name__, url_prefix="/money-in")

RECENT: Final = 10
OWING_A_PAGE: Final = 25
OTHERS_SHOWN: Final = 25
REFERENCE_TYPED: Final = LINE_LENGTH
"""Of a reference code that was not found, so much is shown again; its field takes no more."""


class CameInMeanwhile(Conflict):
    """What the person owes changed since the form was shown, perhaps by the same press."""

    def __init__(self) -> None:
        super().__init__(
            "Something was booked for this person since this page was shown, perhaps just this. "
            "Look at the receipts below; if it is not there, press again."
        )


class MoneyForm(PageForm):
    """What arrived."""

    account = HiddenField()
    version = HiddenField()
    references = HiddenField()
    claim = HiddenField()
    amount = StringField("What arrived")
    received_on = StringField("Day it arrived")
    method = StringField("How")
    note = TextAreaField("A note")
    group = SelectField("For", choices=list, validate_choice=False)


@dataclass(frozen=True)
class Part:
    """What of a sum would go to one open payment."""

    row: OpenRow
    part: Money


@blueprint.get("")
@signed_in
def show() -> ResponseReturnValue:
    """Choose a person, or show what the chosen one owes; below, what came lately.

    `?claim=` begins with the money of a claim whose period was voided.
    """
    if request.args.get("claim"):
        return _show_claim(request.args["claim"])
    wanted = request.args.get("account")
    if not wanted:
        return _show_people()
    account = load_account(reading(), me().workspace_id, wanted)
    references = request.args.get("references", "")
    named = _named(load_open(reading(), account), references)
    owed = sum((row.left for row in named), Money(0, account.owed.currency)) if named else account.owed
    said = amount_in(request.args.get("said", ""), owed.currency)
    arrived = said or owed
    form = MoneyForm(
        account=account.key,
        amount=arrived.major() if arrived.minor else "",
        received_on=_today_of_books().isoformat(),
        references=references,
    )
    return _show(account, form, arrived, differs_from=owed if arrived != owed else None)


@blueprint.post("")
@signed_in
def record() -> ResponseReturnValue:
    """Show what a sum would settle, or book it."""
    form = posted(MoneyForm)
    account = load_account(reading(), me().workspace_id, form.account.data or "")
    if request.form.get("act") == "preview":
        return answer(form, lambda: _preview(account, form), lambda: _show(account, form))
    return answer(form, lambda: _record(account, form), lambda: _again(account, form))


@blueprint.post("/all")
@signed_in
def record_all() -> ResponseReturnValue:
    """Book all that a person owes as received today; a second press, or a stale page, books nothing."""
    key = request.form.get("account", "")
    contact_id = find_contact(reading(), me().workspace_id, key.partition(".")[0])
    with runtime().transaction() as session:
        lock_contacts(session, [contact_id])
        owing = find_owing(session, me().workspace_id, key)
        is_as_shown = owing is not None and owing.version == request.form.get("version")
        undo = _receive_all(session, owing) if owing and is_as_shown else None
    _tell_received(owing, undo)
    return back("home.show")


@blueprint.post("/credit")
@signed_in
def use_credit() -> ResponseReturnValue:
    """Let the credit of a person settle what they owe, oldest first."""
    account = load_account(reading(), me().workspace_id, request.form.get("account", ""))
    with runtime().transaction() as session:
        count = apply_credit_now(
            session, account.contact_id, account.payer_id, by=by_me(), now=runtime().now()
        )
    _ = my_words()
    nothing = _("There was nothing that it may settle.")
    settled = _.ngettext("Credit went to %(n)s payment.", "Credit went to %(n)s payments.", count)
    flash(settled if count else nothing, "done")
    return redirect(url_for("money_in.show", account=account.key), 303)


@blueprint.post("/receipts/<public_id>/void")
@signed_in
def void(public_id: str) -> ResponseReturnValue:
    """Take a receipt back, with a reason: what it settled is open again."""
    receipt_id = find_receipt(reading(), me().workspace_id, public_id)
    reason = request.form.get("reason", "").strip()
    if not reason:
        raise ReasonForHistoryMissing
    try:
        with runtime().transaction() as session:
            void_receipt(session, receipt_id, reason=reason, by=by_me(), now=runtime().now())
        flash("The receipt is void; what it settled is open again.", "done")
    except VoidedAlready as told:
        flash(in_words(told, my_words()), "done")
    return redirect(url_for("money_in.show"), 303)


def _receive_all(session: Session, owing: OwingRow) -> str | None:
    """Book what somebody owes, and return what undoes it."""
    receipt = record_receipt(
        session,
        me().workspace_id,
        contact_id=owing.contact_id,
        payer_id=owing.payer_id,
        amount=owing.owed,
        payment_ids=owed_payment_ids(session, owing),
        by=by_me(),
        now=runtime().now(),
    )
    session.flush()
    return correlation_of_receipt(session, receipt.id)


def _tell_received(owing: OwingRow | None, undo: str | None) -> None:
    _ = my_words()
    if owing is None:
        flash(_("That is booked already; nothing more is owed there."), "done")
    elif undo is None:
        sentence = _(
            "Nothing was booked: what %(name)s owes has changed since this page was shown. Look again.",
            name=owing.name,
        )
        flash(sentence, "refused")
    else:
        flash_decision(
            _("%(amount)s from %(name)s is booked.", amount=_.money(owing.owed), name=owing.name), undo
        )


def _preview(account: Account, form: MoneyForm) -> str:
    return _show(account, form, read_sum(form.amount.data, account.owed.currency))


def _record(account: Account, form: MoneyForm) -> ResponseReturnValue:
    amount = read_sum(form.amount.data, account.owed.currency)
    with runtime().transaction() as session:
        lock_contacts(session, [account.contact_id])
        _check_version(session, account, form)
        receipt = record_receipt(
            session,
            me().workspace_id,
            contact_id=account.contact_id,
            payer_id=account.payer_id,
            amount=amount,
            received_on=read_optional_day(form.received_on.data, field="received_on"),
            method=form.method.data or None,
            note=form.note.data or None,
            group_id=_group_id(session, account, form),
            payment_ids=[row.id for row in _named(load_open(session, account), form.references.data)] or None,
            attempt_id=_claim_id(session, form),
            by=by_me(),
            now=runtime().now(),
        )
        session.flush()
        undo = correlation_of_receipt(session, receipt.id)
    _ = my_words()
    booked = _("%(amount)s from %(name)s is booked.", amount=_.money(amount), name=account.name)
    flash_decision(booked, undo)
    return redirect(url_for("money_in.show"), 303)


def _check_version(session: Session, account: Account, form: MoneyForm) -> None:
    now = load_account(session, me().workspace_id, account.key)
    if now.version != form.version.data:
        raise CameInMeanwhile


def _group_id(session: Session, account: Account, form: MoneyForm) -> int | None:
    wanted = form.group.data
    return next((one.id for one in load_choices(session, account) if one.public_id == wanted), None)


def _claim_id(session: Session, form: MoneyForm) -> int | None:
    return find_claim(session, me().workspace_id, form.claim.data) if form.claim.data else None


def _again(account: Account, form: MoneyForm) -> str:
    reading().rollback()  # the refusal may come from what was booked meanwhile
    return _show(load_account(reading(), me().workspace_id, account.key), form)


def _show_claim(public_id: str) -> ResponseReturnValue:
    """Offer to book what a void claim stood for, once; what became of any other is told on its own page."""
    attempt_id = find_claim(reading(), me().workspace_id, public_id)
    row = load_claim(reading(), me().workspace_id, attempt_id)
    if not row.is_void or load_booked(reading(), attempt_id):
        return redirect(url_for("review.show_one", public_id=public_id), 303)
    account = load_account(reading(), me().workspace_id, row.account)
    form = MoneyForm(
        account=account.key,
        claim=public_id,
        amount=row.amount.major() if row.amount.minor else "",
        received_on=(row.paid_on or _today_of_books()).isoformat(),
        method=row.method,
    )
    return _show(account, form, row.amount)


def _show_people() -> str:
    """Show who owes, a page at a time, and the first of all the others, or those a name was typed of."""
    search, number = searched(), numbered()
    place = (number - 1) * OWING_A_PAGE
    owing = load_owing(reading(), me().workspace_id, limit=OWING_A_PAGE, offset=place, search=search)
    accounts = load_accounts(reading(), me().workspace_id, search=search, limit=OTHERS_SHOWN)
    return page(
        "web/money_in.html",
        search=search,
        reference=request.args.get("reference", "")[:REFERENCE_TYPED],
        number=number,
        last=max(1, -(-(owing.total or 0) // OWING_A_PAGE)),
        owing=owing,
        others=[one for one in accounts if not one.owed.minor],
        is_cut=len(accounts) >= OTHERS_SHOWN,
        due_when=partial(due_when, today=_today(), _=my_words()),
        receipts=_recent(search=search),
    )


def _show(
    account: Account, form: MoneyForm, amount: Money | None = None, *, differs_from: Money | None = None
) -> str:
    rows = load_open(reading(), account)
    choices = load_choices(reading(), account)
    form.group.choices = [("", Phrase("all they owe")), *((one.public_id, one.name) for one in choices)]
    form.version.data = account.version
    named = _named(rows, form.references.data)
    ordered = [*named, *(row for row in rows if row not in named and (not named or row.is_askable))]
    parts, rest = _parts(ordered, form.group.data or None, amount) if amount else ((), None)
    return page(
        "web/money_from.html",
        account=account,
        form=form,
        rows=rows,
        parts=parts,
        rest=rest,
        named=named,
        said=amount if differs_from else None,
        taken=differs_from,
        receipts=_recent(account.contact_id),
        what_for=what_for,
    )


def _named(rows: list[OpenRow], references: str | None) -> list[OpenRow]:
    """Choose the payments whose reference codes came with the money; it settles them before all others."""
    codes = split_references(references or "")
    return [row for row in rows if row.reference in codes]


def _recent(contact_id: int | None = None, *, search: str = "") -> tuple[ReceiptRow, ...]:
    found = list_receipts(
        reading(),
        me().workspace_id,
        contact_id=contact_id,
        search=search,
        with_voided=True,
        limit=RECENT,
    )
    return tell_apart(reading(), found, field="contact")


def _today_of_books() -> date:
    return today_of_books(reading(), me().workspace_id, runtime().now())


def _today() -> date:
    return local_date(runtime().now(), me().time_zone)


def _parts(rows: list[OpenRow], group: str | None, amount: Money) -> tuple[tuple[Part, ...], Money]:
    """Deal a sum out as booking it would: oldest first, only to the group it is for."""
    left, parts = amount, []
    for row in rows:
        fits = group in (None, row.group_public_id)
        part = min(left, row.left) if fits else Money(0, amount.currency)
        parts.append(Part(row, part))
        left -= part
    return tuple(parts), left
