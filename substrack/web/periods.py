"""One period of a group: its payments, its bill, corrections, late joiners, voiding and restoring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, SelectField, StringField

from substrack.domain.cycles import local_date
from substrack.domain.errors import Phrase
from substrack.domain.payments import PaymentKind, Status
from substrack.queries.group_members import list_without_payment
from substrack.queries.group_periods import PeriodOfGroup, load_period
from substrack.queries.journal import load_period_journal
from substrack.queries.people import MemberRow, find_member
from substrack.queries.period_cells import load_cells
from substrack.queries.period_claims import load_period_claims
from substrack.queries.period_places import Place
from substrack.queries.undoing import correction_to_undo
from substrack.services.late_joiners import add_to_period
from substrack.services.periods import edit_period
from substrack.services.voiding import restore_period, void_period
from substrack.texts.catalogue import language_of
from substrack.texts.days_away import days_away
from substrack.web.access import signed_in
from substrack.web.decisions import flash_decision
from substrack.web.fields import line, optional_day, read_amount, read_optional_amount, read_version
from substrack.web.forms import PageForm, answer, posted, required
from substrack.web.pages import my_words, page
from substrack.web.paging import numbered, searched
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me
from substrack.web.story import tell

blueprint = Blueprint("periods", __name__, url_prefix="/periods")


_BACK_AS = {
    Status.CONFIRMED: Phrase("%(n)s confirmed"),
    Status.MEMBER_CONFIRMED: Phrase("%(n)s waiting for your check"),
    Status.PENDING: Phrase("%(n)s to pay"),
    Status.WAIVED: Phrase("%(n)s waived"),
}


_VOIDED = Phrase("Voided. What had been received is the members’ credit.")
_VOIDED_UNPAID = Phrase("Voided. Nothing had been received for it.")


class PeriodForm(PageForm):
    """The bill of a period, or its corrected total and due date."""

    total = line("Total", maximum=40)
    due_on = optional_day("Due on")
    reason = line("Why", maximum=500)
    version = HiddenField()


class VoidForm(PageForm):
    """Why a period is taken out of the books."""

    reason = StringField("Why", required("Say why; it stays in the journal.", maximum=500), id="void-reason")


class LateForm(PageForm):
    """Who is to pay for a period that is open already, and how much."""

    member = SelectField("Who", validate_choice=False)  # the service knows who may, and says why not
    amount = StringField("Amount", required("Enter what they owe for this period.", maximum=40))


@blueprint.get("/<public_id>")
@signed_in
def show(public_id: str) -> str:
    """Show one period."""
    return _show(load_period(reading(), me().workspace_id, public_id))


@blueprint.post("/<public_id>")
@signed_in
def edit(public_id: str) -> ResponseReturnValue:
    """Enter the bill of a period, or correct its total or due date."""
    period = load_period(reading(), me().workspace_id, public_id)
    form = posted(PeriodForm)
    return answer(form, lambda: _edit(form, period), lambda: _show(period, edit=form))


@blueprint.post("/<public_id>/void")
@signed_in
def void(public_id: str) -> ResponseReturnValue:
    """Take a period out of the books."""
    period = load_period(reading(), me().workspace_id, public_id)
    form = posted(VoidForm)
    return answer(form, lambda: _void(form, period), lambda: _show(period, void=form))


@blueprint.post("/<public_id>/restore")
@signed_in
def restore(public_id: str) -> ResponseReturnValue:
    """Put a voided period back."""
    period = load_period(reading(), me().workspace_id, public_id)
    with runtime().transaction() as session:
        restored = restore_period(session, period.column.id, by=by_me(), now=runtime().now())
        words = _came_back([one.status for one in restored.payments if one.kind is PaymentKind.DUES])
    return _done(period, words)


@blueprint.post("/<public_id>/late-joiners")
@signed_in
def add_late(public_id: str) -> ResponseReturnValue:
    """Let a member owe a typed amount for a period that is open already."""
    period = load_period(reading(), me().workspace_id, public_id)
    form = posted(LateForm)
    return answer(form, lambda: _add_late(form, period), lambda: _show(period, late=form))


def _came_back(statuses: Sequence[Status]) -> str:
    """Say what a restored period brought back."""
    _ = my_words()
    counted = [_(words, n=statuses.count(status)) for status, words in _BACK_AS.items() if status in statuses]
    return _("Restored: %(what)s.", what=", ".join(counted)) if counted else _("Restored.")


def _edit(form: PeriodForm, period: PeriodOfGroup) -> ResponseReturnValue:
    total = read_optional_amount(form.total.data, period.currency, field="total")
    due_on = form.due_on.data
    with runtime().transaction() as session:
        edit_period(
            session,
            period.column.id,
            total=None if total == period.column.total else total,
            due_on=None if due_on == period.column.due_on else due_on,
            reason=form.reason.data or "",
            version=read_version(form.version.data),
            by=by_me(),
            now=runtime().now(),
        )
    reading().rollback()  # the correction is newer than what this request has read
    _ = my_words()
    done = _("The bill is entered.") if period.column.total is None else _("Corrected.")
    flash_decision(done, correction_to_undo(reading(), period.column.id))
    return redirect(url_for("periods.show", public_id=period.column.public_id), 303)


def _void(form: VoidForm, period: PeriodOfGroup) -> ResponseReturnValue:
    _ = my_words()
    with runtime().transaction() as session:
        reason = form.reason.data or ""
        void_period(session, period.column.id, reason=reason, by=by_me(), now=runtime().now())
    tally = period.column.tally
    had_come = tally is None or tally.collected.minor > 0
    reading().rollback()  # the calendar is newer than what this request has read
    place = load_period(reading(), me().workspace_id, period.column.public_id).place
    return _done(period, f"{_(_VOIDED if had_come else _VOIDED_UNPAID)} {_comes_again(place)}")


def _comes_again(place: Place) -> str:
    """Say whether and when a void period opens again."""
    _ = my_words()
    if place.opens_on:
        return _("It opens again by itself on %(day)s.", day=_.day(place.opens_on))
    if place.opens_again:
        return _("It opens again when its time comes and the group goes on.")
    if place.is_taken:
        return _("Another period has its place.")
    return _("It does not open again by itself.")


def _add_late(form: LateForm, period: PeriodOfGroup) -> ResponseReturnValue:
    amount = read_amount(form.amount.data, period.currency, field="amount")
    member_id = find_member(reading(), me().workspace_id, form.member.data)
    with runtime().transaction() as session:
        add_to_period(session, period.column.id, member_id, amount=amount, by=by_me(), now=runtime().now())
    return _done(period, Phrase("Added. Nobody else’s payment changed."))


def _done(period: PeriodOfGroup, sentence: str) -> ResponseReturnValue:
    flash(sentence, "done")
    return redirect(url_for("periods.show", public_id=period.column.public_id), 303)


def _offer(form: LateForm, members: Sequence[MemberRow]) -> None:
    form.member.choices = {one.public_id: one.name for one in members}


def _show(
    period: PeriodOfGroup,
    *,
    edit: PeriodForm | None = None,
    void: VoidForm | None = None,
    late: LateForm | None = None,
) -> str:
    column, could_join, search = period.column, list_without_payment(reading(), period), searched()
    late = late or LateForm()
    _offer(late, could_join)
    total = column.total.major() if column.total else ""
    shown = PeriodForm(total=total, due_on=column.due_on, version=str(column.version))
    return page(
        "web/period.html",
        period=period,
        column=column,
        edit=edit or shown,
        void=void or VoidForm(),
        comes_again=_comes_again(period.place) if column.voided_at else "",
        is_early=period.place.is_free(runtime().now()),
        late=late,
        could_join=could_join,
        claims=load_period_claims(reading(), column.id, period.currency, voided_at=column.voided_at),
        cells=load_cells(reading(), column, search=search, number=numbered()),
        search=search,
        due_words=days_away(column.due_on, _today(), language_of(me().language)),
        story=tell(load_period_journal(reading(), column.id).rows),
    )


def _today() -> date:
    return local_date(runtime().now(), me().time_zone)
