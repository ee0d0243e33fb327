"""One payment: its whole history, and everything that is legal to do with it in its status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from wtforms import HiddenField, SelectField, StringField, TextAreaField

from substrack.domain.actors import Actor
from substrack.domain.cycles import local_date
from substrack.domain.errors import Phrase, Refused
from substrack.domain.payments import ANOTHER_SUM, OPEN, PaymentKind, ReopenCause
from substrack.queries.deciding import last_decision_on_payment
from substrack.queries.ledger_lists import PaymentRow, find_payment, load_payment
from substrack.queries.money_page import credit_of_decision
from substrack.queries.payment_history import load_story
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.ledger import DecidedAlready
from substrack.services.payments import (
    Outcome,
    adjust_payment,
    confirm_payment,
    reject_payment,
    reopen_payment,
    unwaive_payment,
    waive_payment,
)
from substrack.services.rebooking import book_another_sum
from substrack.texts.bills import what_for
from substrack.texts.days_away import days_away
from substrack.web.access import signed_in
from substrack.web.by_reference import lead
from substrack.web.decisions import decided_words, flash_decision, in_words
from substrack.web.fields import (
    read_amount,
    read_optional_amount,
    read_optional_day,
    read_optional_sum,
    read_version,
)
from substrack.web.forms import PageForm, answer, posted
from substrack.web.pages import my_words, page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me
from substrack.web.story import tell

blueprint = Blueprint("payments", __name__, url_prefix="/payments")


class SumOfNothing(Refused):
    """A sum that came was typed, and yet none was to be booked."""

    field = "amount"

    def __init__(self) -> None:
        super().__init__("A sum counts only where another sum came: book it here, or leave it out.")


class PaymentForm(PageForm):
    """What goes with an act; which fields count depends on the act."""

    version = HiddenField()
    amount = StringField("Amount")
    received_on = StringField("Day it arrived")
    paid_on = StringField("Day they paid")
    method = StringField("How")
    note = TextAreaField("A note")
    reason = StringField("Why")
    because = SelectField(
        "What happened",
        choices=lambda: [
            (ReopenCause.NEVER_CAME.value, Phrase("The money never came")),
            (ReopenCause.SOMETHING_ELSE.value, Phrase("The money was for something else")),
        ],
        validate_choice=False,
    )


@blueprint.get("")
@signed_in
def find() -> ResponseReturnValue:
    """Go to what somebody read off their account statement: a reference code, or a line with several."""
    return lead(request.args.get("reference", ""))


@blueprint.get("/<public_id>")
@signed_in
def show(public_id: str) -> str:
    """Show a payment."""
    return _show(public_id, PaymentForm(), None)


@blueprint.post("/<public_id>/<act>")
@signed_in
def decide(public_id: str, act: str) -> ResponseReturnValue:
    """Do one thing with a payment; a second press of the same changes nothing and says so."""
    if act not in _ACTS:
        abort(404)
    form = posted(PaymentForm)
    return answer(form, lambda: _decide(public_id, act, form), lambda: _show(public_id, form, act))


def _decide(public_id: str, act: str, form: PaymentForm) -> ResponseReturnValue:
    row = load_payment(reading(), find_payment(reading(), me().workspace_id, public_id))
    try:
        with runtime().transaction() as session:
            outcome = _ACTS[act](session, row, form, by_me(), runtime().now())
            is_rebooked = act == "reopen" and outcome is None
            said = _said(session, "rebook" if is_rebooked else act, outcome)
    except DecidedAlready as late:
        raise in_words(late) from None
    if outcome is None or outcome.changed:
        flash_decision(said, outcome.correlation_id if outcome else None)
    else:
        flash(decided_words(last_decision_on_payment(reading(), row.id)), "done")
    return redirect(url_for("payments.show", public_id=public_id), 303)


def _confirm(session: Session, row: PaymentRow, form: PaymentForm, by: Actor, now: datetime) -> Outcome:
    return confirm_payment(
        session,
        row.id,
        amount=read_optional_amount(form.amount.data, row.amount.currency, field="amount"),
        received_on=read_optional_day(form.received_on.data, field="received_on"),
        method=form.method.data or None,
        note=form.note.data or None,
        by=by,
        now=now,
        version=read_version(form.version.data),
    )


def _reject(session: Session, row: PaymentRow, form: PaymentForm, by: Actor, now: datetime) -> Outcome:
    reason = form.reason.data or ""
    return reject_payment(
        session, row.id, reason=reason, by=by, now=now, version=read_version(form.version.data)
    )


def _waive(session: Session, row: PaymentRow, form: PaymentForm, by: Actor, now: datetime) -> Outcome:
    reason = form.reason.data or ""
    return waive_payment(
        session, row.id, reason=reason, by=by, now=now, version=read_version(form.version.data)
    )


def _unwaive(session: Session, row: PaymentRow, form: PaymentForm, by: Actor, now: datetime) -> Outcome:
    return unwaive_payment(session, row.id, by=by, now=now, version=read_version(form.version.data))


def _reopen(session: Session, row: PaymentRow, form: PaymentForm, by: Actor, now: datetime) -> Outcome | None:
    if form.because.data == ANOTHER_SUM:
        _book_another_sum(session, row, form, by, now)
        return None
    try:
        cause = ReopenCause(form.because.data)
    except ValueError:
        abort(400)
    if (form.amount.data or "").strip():
        raise SumOfNothing
    return reopen_payment(
        session, row.id, because=cause, by=by, now=now, version=read_version(form.version.data)
    )


def _book_another_sum(session: Session, row: PaymentRow, form: PaymentForm, by: Actor, now: datetime) -> None:
    amount = read_amount(form.amount.data, row.amount.currency, field="amount")
    version = read_version(form.version.data)
    book_another_sum(session, row.id, amount=amount, by=by, now=now, version=version)


def _adjust(session: Session, row: PaymentRow, form: PaymentForm, by: Actor, now: datetime) -> Outcome:
    return adjust_payment(
        session,
        row.id,
        amount=read_amount(form.amount.data, row.amount.currency, field="amount"),
        reason=form.reason.data or "",
        by=by,
        now=now,
        version=read_version(form.version.data),
    )


def _claim(session: Session, row: PaymentRow, form: PaymentForm, by: Actor, now: datetime) -> None:
    claim_payments(
        session,
        row.contact_id,
        [row.id],
        amount=read_optional_sum(form.amount.data, row.amount.currency),
        paid_on=read_optional_day(form.paid_on.data, field="paid_on"),
        method=form.method.data or None,
        note=form.note.data or None,
        by=by,
        now=now,
    )


def _withdraw(session: Session, row: PaymentRow, _form: PaymentForm, by: Actor, now: datetime) -> None:
    withdraw_claim(session, row.contact_id, [row.id], by=by, now=now)


_ACTS: Final[Mapping[str, Callable[[Session, PaymentRow, PaymentForm, Actor, datetime], Outcome | None]]] = {
    "confirm": _confirm,
    "reject": _reject,
    "waive": _waive,
    "unwaive": _unwaive,
    "reopen": _reopen,
    "adjust": _adjust,
    "claim": _claim,
    "withdraw": _withdraw,
}

_SAID: Final = {
    "confirm": Phrase("Booked."),
    "reject": Phrase("Rejected."),
    "waive": Phrase("Waived."),
    "unwaive": Phrase("This is open again."),
    "reopen": Phrase("This is open again."),
    "rebook": Phrase("What really came is booked instead."),
    "adjust": Phrase("What is owed is corrected."),
    "claim": Phrase("Noted as said to be paid. It waits to be checked."),
    "withdraw": Phrase("The claim is taken back; this is open again."),
}


def _said(session: Session, act: str, outcome: Outcome | None) -> str:
    correlation_id = outcome.correlation_id if outcome else None
    credit = credit_of_decision(session, correlation_id) if act == "confirm" and correlation_id else None
    if credit is None:
        return _SAID[act]
    _ = my_words()
    return _("Booked; %(amount)s is kept as credit.", amount=_.money(credit))


def _show(public_id: str, form: PaymentForm, act: str | None) -> str:
    story = load_story(reading(), me().workspace_id, public_id)
    forms = {one: _named(one, form if one == act else PaymentForm()) for one in _ACTS}
    return page(
        "web/payment.html",
        story=story,
        row=story.row,
        forms=forms,
        failed=_failed(form, act),
        another_sum=ANOTHER_SUM,
        lines=tell(story.events),
        what_for=what_for,
        due_words=_due_words(story.row),
        rests_until=_rests_until(story.row),
    )


def _failed(form: PaymentForm, act: str | None) -> str | None:
    """Name the act whose form was refused; another sum is sent like an opening, from a form of its own."""
    is_about_sum = form.because.data == ANOTHER_SUM or form.amount.errors
    return ANOTHER_SUM if act == "reopen" and is_about_sum else act


def _due_words(row: PaymentRow) -> str | None:
    """Say when a payment is, or was, due, and how far away that is."""
    today = local_date(runtime().now(), me().time_zone)
    is_due = row.due_on is not None and row.kind is PaymentKind.DUES
    return days_away(row.due_on, today, my_words().locale) if row.due_on and is_due else None


def _rests_until(row: PaymentRow) -> date | None:
    """Say until when its member has put it off, while that lies ahead."""
    today = local_date(runtime().now(), me().time_zone)
    is_resting = row.status in OPEN and row.snoozed_until is not None and row.snoozed_until > today
    return row.snoozed_until if is_resting else None


def _named(act: str, form: PaymentForm) -> PaymentForm:
    """Give the fields of one act ids of their own, for several acts stand on one page."""
    for field in form:
        field.id = field.label.field_id = f"{act}-{field.short_name}"
    return form
