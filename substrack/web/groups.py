"""Groups: their list, the page of one, its terms, and what can be done with a whole group."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from substrack.domain.cycles import local_date
from substrack.domain.errors import Phrase
from substrack.queries.collection_days import find_collection_day
from substrack.queries.group_members import load_member_page
from substrack.queries.group_page import Matrix, load_matrix
from substrack.queries.group_periods import (
    PeriodPage,
    load_periods,
    load_voided_periods,
)
from substrack.queries.groups import (
    GroupRow,
    find_group,
    list_groups,
    load_named_group,
    load_pay_methods,
    load_terms,
    price_on,
)
from substrack.queries.groups import prices as list_prices
from substrack.queries.objections import list_objections
from substrack.queries.period_cells import CellPage, load_cells
from substrack.services.groups import end_group, pause_group, resume_group
from substrack.services.periods import open_next_period
from substrack.services.upcoming import load_first_asking, load_next_askings
from substrack.texts.catalogue import language_of
from substrack.texts.days_away import days_away
from substrack.texts.first_requests import first_request_sentence, nothing_to_ask_for
from substrack.texts.home import next_request
from substrack.texts.request_rules import rule_sentences
from substrack.texts.words import Words
from substrack.web.access import signed_in
from substrack.web.fields import optional_day, optional_whole, read_key
from substrack.web.forms import PageForm, answer, posted
from substrack.web.group_steps import next_step
from substrack.web.pages import my_words, page
from substrack.web.paging import numbered, searched
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me
from substrack.web.unchanged import my_page

blueprint = Blueprint("groups", __name__, url_prefix="/groups")

PRICES_SHOWN = 4


class EndForm(PageForm):
    """After which day no period starts any more; empty for never."""

    ends_on = optional_day("Last day")


class OpenForm(PageForm):
    """Which period the page showed as the next."""

    sequence = optional_whole("Period")


@blueprint.get("")
@signed_in
def show_list() -> str:
    """List the groups: those that run, those that rest, and the archive."""
    rows = list_groups(reading(), me().workspace_id, today=_today(), with_archived=True)
    return page("web/groups.html", running=_in(rows, "active"), resting=_in(rows, "paused", "ended"),
                archived=_in(rows, "archived"))  # fmt: skip


@blueprint.get("/<public_id>")
@signed_in
def show(public_id: str) -> str:
    """Show a group with its latest periods and everybody's payments."""
    return my_page(lambda: _show(public_id))


@blueprint.get("/<public_id>/terms")
@signed_in
def show_terms(public_id: str) -> str:
    """Show what a group costs, how it is paid and how it asks."""
    group = _group(public_id)
    terms = load_terms(reading(), group.id)
    return page(
        "web/group_terms.html",
        group=group,
        prices=list_prices(reading(), group.id)[-PRICES_SHOWN:],
        pay_methods=load_pay_methods(reading(), group.id),
        rules=rule_sentences(
            terms,
            language_of(me().language),
            collection_day=find_collection_day(reading(), me().workspace_id),
        ),
    )


@blueprint.get("/<public_id>/journal")
@signed_in
def show_journal(public_id: str) -> ResponseReturnValue:
    """Go to the journal, with what happened in this group alone."""
    return redirect(url_for("journal.show", group=_group(public_id).public_id), 303)


@blueprint.post("/<public_id>/pause")
@signed_in
def pause(public_id: str) -> ResponseReturnValue:
    """Open no further periods until resumed."""
    return _do(
        public_id, pause_group, Phrase("Paused. Nothing opens until you resume; what is open goes on.")
    )


@blueprint.post("/<public_id>/resume")
@signed_in
def resume(public_id: str) -> ResponseReturnValue:
    """Go on with the first period that starts today or later."""
    return _do(public_id, resume_group, Phrase("The group goes on."))


@blueprint.post("/<public_id>/end")
@signed_in
def end(public_id: str) -> ResponseReturnValue:
    """Let no period start after a day, or go on without end."""
    form = posted(EndForm)
    return answer(form, lambda: _end(public_id, form), lambda: _show(public_id, end=form))


@blueprint.post("/<public_id>/periods")
@signed_in
def open_period(public_id: str) -> ResponseReturnValue:
    """Open the next period now, if it is still the one that the page showed."""
    form = posted(OpenForm)
    shown = form.sequence.data or 0
    return _do(public_id, open_next_period, Phrase("The period is open."), expected_sequence=shown)


def _end(public_id: str, form: EndForm) -> ResponseReturnValue:
    ends_on: date | None = form.ends_on.data
    _ = my_words()
    done = _("The group goes on without end.")
    if ends_on:
        done = _("No period starts after %(day)s.", day=_.day(ends_on))
    return _do(public_id, end_group, done, ends_on=ends_on)


def _do(public_id: str, act: Callable[..., Any], done: str, **values: Any) -> ResponseReturnValue:
    """Do something with a whole group, say so, and go back to its page."""
    group_id = find_group(reading(), me().workspace_id, public_id)
    with runtime().transaction() as session:
        act(session, group_id, by=by_me(), now=runtime().now(), **values)
    flash(done, "done")
    return redirect(url_for("groups.show", public_id=public_id), 303)


def _show(public_id: str, *, end: EndForm | None = None) -> str:
    group, search, number = _group(public_id), searched(), numbered()
    periods = load_periods(reading(), group.id, before=_number("before"))
    opens_by_hand = group.state == "active" and group.members > group.payer_included
    matrix = load_matrix(
        reading(), group.id, periods.columns, payer_id=group.payer_id, search=search, number=number
    )
    return page(
        "web/group.html",
        group=group,
        periods=periods,
        before=_number("before"),
        cells=_cells(periods, matrix, search),
        matrix=matrix,
        notes=list_objections(reading(), me().workspace_id, group_id=group.id),
        search=search,
        names=[] if periods.columns else _names(group),
        voided=load_voided_periods(reading(), group.id),
        step=next_step(group, periods.columns, opens_by_hand=opens_by_hand),
        end=end or EndForm(ends_on=group.ends_on),
        next_words=f"{_next_words(group)} {_asking_words(group)}".strip(),
        opens_by_hand=opens_by_hand,
    )


def _cells(periods: PeriodPage, matrix: Matrix, search: str) -> CellPage | None:
    """Tell who owes what in the period that a phone shows."""
    if not periods.columns:
        return None
    if matrix.number == 1 and not matrix.has_more and not search:
        return matrix.latest()
    return load_cells(reading(), periods.columns[0], search=search, number=matrix.number)


def _names(group: GroupRow) -> list[str]:
    """List with whom a group is shared, before a table can show it."""
    members = load_member_page(reading(), group.id, today=_today(), left=False)
    return [one.name for one in members.rows if not one.is_payer]


def _next_words(group: GroupRow) -> str:
    """Say when the group's next period opens by itself."""
    _ = Words(language_of(me().language))
    if group.state != "active":
        return _rest_words(group, _)
    if group.next_open_at is None:
        return _("The first period starts on %(day)s, once somebody joins.", day=_.day(group.next_start))
    opens_on = local_date(group.next_open_at, group.time_zone)
    if group.next_open_at <= runtime().now():
        return _(
            "The next period, from %(start)s, is due and opens within minutes.",
            start=_.day(group.next_start),
        )
    away = days_away(opens_on, _today(), _.locale)
    if opens_on == group.next_start:
        return _("The next period opens %(away)s.", away=away)
    return _(
        "The next period, from %(start)s, opens %(away)s.", start=_.short_day(group.next_start), away=away
    )


def _asking_words(group: GroupRow) -> str:
    """Say whom the group asks next, or when it first asks for its next period."""
    _, now = my_words(), runtime().now()
    asking = load_next_askings(reading(), [group.id], now=now).get(group.id)
    if asking is not None:
        return next_request(asking.names, asking.on, _today(), _, is_more=asking.is_more)
    if group.state != "active":
        return ""
    first = load_first_asking(reading(), group.id, starts_on=group.next_start, now=now)
    if first is None:
        return ""
    is_free = price_on(reading(), group.id, group.next_start) == 0
    return nothing_to_ask_for(_) if is_free else first_request_sentence(first, _)


def _rest_words(group: GroupRow, _: Words) -> str:
    if group.state == "paused":
        return _("Paused: nothing opens until you resume; what is open goes on.")
    if group.state == "archived":
        return _("Archived: nothing opens; what is open stays owed.")
    return _("Ended: no further period opens.")


def _group(public_id: str) -> GroupRow:
    return load_named_group(reading(), me().workspace_id, public_id, today=_today())


def _in(rows: list[GroupRow], *states: str) -> list[GroupRow]:
    return [row for row in rows if row.state in states]


def _today() -> date:
    now: datetime = runtime().now()
    return local_date(now, me().time_zone)


def _number(name: str) -> int | None:
    """Read where to go on from; anything else starts at the newest."""
    return read_key(request.args.get(name))
