"""Setting a group up and changing its terms, with a look at what will happen before anything does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from substrack.domain.currencies import EXPONENTS
from substrack.domain.cycles import local_date
from substrack.domain.guest_list import write_guests
from substrack.domain.pay_methods import PayMethod
from substrack.domain.simulation import Why
from substrack.domain.terms import GroupTerms
from substrack.queries.group_form import (
    EarlierWays,
    GroupOnForm,
    PersonChoice,
    find_latest_ways,
    find_ways_of,
    list_guests,
    list_people,
    load_group_defaults,
    load_group_on_form,
)
from substrack.queries.groups import load_group
from substrack.services.group_edits import edit_group
from substrack.services.groups import create_group
from substrack.services.presses import find_made
from substrack.services.prices import announced_on
from substrack.texts.catalogue import language_of
from substrack.texts.forecasts import Forecast
from substrack.texts.kinds import kind_tiles
from substrack.web.access import signed_in
from substrack.web.confirming import ask_password, needs_password
from substrack.web.fields import read_version
from substrack.web.forms import answer, posted
from substrack.web.group_forecasts import foresee
from substrack.web.group_forms import MAX_NAME, GroupForm, filled_form, form_like, new_form
from substrack.web.group_guests import add_guests, read_people
from substrack.web.joining import zone_choices
from substrack.web.pages import my_words, page
from substrack.web.presses import this_press
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me
from substrack.web.simulating import Proposal, is_going_back, propose

blueprint = Blueprint("group_terms", __name__, url_prefix="/groups")

MAX_WAY_WORDS: Final = 60

PART: Final = "X-Part"
"""The header by which a script asks for the forecast alone, without its page."""


@blueprint.get("/new")
@signed_in
def ask_new() -> str:
    """Show the form of a new group, empty or like another one."""
    people = list_people(reading(), me().workspace_id)
    like = request.args.get("like")
    return _show(_form_like(like) if like else _new_form(people), people)


@blueprint.post("/new")
@signed_in
def create() -> ResponseReturnValue:
    """Set up a group, with those who share it."""
    people = list_people(reading(), me().workspace_id)
    form = _posted(people)
    return answer(form, lambda: _create(form, people), lambda: _show(form, people))


@blueprint.post("/new/preview")
@signed_in
def preview_new() -> str:
    """Show what a new group would do, and change nothing."""
    people = list_people(reading(), me().workspace_id)
    form = _posted(people)
    return _foretell(form, people, None)


@blueprint.get("/<public_id>/edit")
@signed_in
def ask_edit(public_id: str) -> str:
    """Show the terms of a group for editing."""
    group = load_group_on_form(reading(), me().workspace_id, public_id)
    return _show(filled_form(group), list_people(reading(), me().workspace_id), group)


@blueprint.post("/<public_id>/edit")
@signed_in
def edit(public_id: str) -> ResponseReturnValue:
    """Change the terms of a group; what changes somebody's share is shown first."""
    group = load_group_on_form(reading(), me().workspace_id, public_id)
    people = list_people(reading(), me().workspace_id)
    form = _posted(people)
    if is_going_back():
        return _show(form, people, group)
    return answer(form, lambda: _edit(form, people, group), lambda: _show(form, people, group))


@blueprint.post("/<public_id>/edit/preview")
@signed_in
def preview_edit(public_id: str) -> str:
    """Show what changed terms would do, and change nothing."""
    group = load_group_on_form(reading(), me().workspace_id, public_id)
    people = list_people(reading(), me().workspace_id)
    form = _posted(people)
    return _foretell(form, people, group)


def _new_form(people: Sequence[PersonChoice]) -> GroupForm:
    mine = next((one.public_id for one in people if one.id == me().contact_id), "")
    return new_form(
        payer=mine,
        time_zone=me().time_zone,
        today=local_date(runtime().now(), me().time_zone),
        defaults=load_group_defaults(reading(), me().workspace_id),
        earlier=_earlier_ways(me().contact_id),
    )


def _form_like(public_id: str) -> GroupForm:
    _ = my_words()
    group = load_group_on_form(reading(), me().workspace_id, public_id)
    return form_like(
        group,
        name=_("%(name)s copy", name=group.name)[:MAX_NAME],
        people=write_guests(list_guests(reading(), group)),
        today=local_date(runtime().now(), me().time_zone),
    )


def _earlier_ways(payer_id: int) -> EarlierWays | None:
    return find_latest_ways(reading(), me().workspace_id, payer_id)


def _create(form: GroupForm, people: Sequence[PersonChoice]) -> ResponseReturnValue:
    terms = form.terms(people)
    guests = read_people(form, terms)
    press, now = this_press(), runtime().now()
    with runtime().transaction() as session:
        group_id = find_made(session, me().workspace_id, press, by=by_me())
        if group_id is None:
            group = create_group(session, me().workspace_id, terms, by=by_me(), now=now, press=press)
            group_id = group.id
            add_guests(session, group_id, guests, form)
        public_id = load_group(session, group_id, today=local_date(now, me().time_zone)).public_id
    flash(my_words()("“%(group)s” is set up.", group=terms.name), "done")
    return redirect(url_for("groups.show", public_id=public_id), 303)


def _edit(form: GroupForm, people: Sequence[PersonChoice], group: GroupOnForm) -> ResponseReturnValue:
    terms, now = form.terms(people), runtime().now()
    if _moves_money(group, terms) and needs_password():
        return ask_password(my_words()("You are changing where members send their money."))
    version = read_version(form.version.data)
    is_price_alone = _is_price_alone(group.terms, terms)

    def change(session: Session, tells: bool) -> None:
        edit_group(
            session,
            group.id,
            terms,
            expected_version=version,
            announces_price=tells and is_price_alone,
            by=by_me(),
            now=now,
        )

    row = load_group(reading(), group.id, today=local_date(now, me().time_zone))
    _ = my_words()
    proposal = Proposal(
        group=replace(row, unit=terms.unit, every=terms.every),
        title=_("Other terms"),
        act=change,
        day=group.next_start,
        done=_("Saved."),
        why=None if is_price_alone else Why.TERMS,
    )
    if is_price_alone:
        proposal = replace(
            proposal, told_on=lambda starts_on: announced_on(reading(), group.id, starts_on, now=now)
        )
    return propose(proposal)


def _moves_money(group: GroupOnForm, terms: GroupTerms) -> bool:
    """Tell whether members who may have been told where to pay would pay elsewhere."""
    is_known = bool(group.terms.pay_methods) or group.has_opened
    return is_known and terms.pay_methods != group.terms.pay_methods


def _is_price_alone(was: GroupTerms, terms: GroupTerms) -> bool:
    """Tell whether shares change by the price only, which has an announcement of its own."""

    def sharing(of: GroupTerms) -> tuple[object, ...]:
        rhythm = (of.unit, of.every, of.cycle.billing_day, of.starts_on)
        return (of.split, of.payer_id, of.payer_included, of.part_period, *rhythm)

    return sharing(was) == sharing(replace(terms, payer_id=terms.payer_id or was.payer_id))


def _foretell(form: GroupForm, people: Sequence[PersonChoice], group: GroupOnForm | None) -> str:
    """Show the form with its forecast, or to a script the forecast alone."""
    if PART not in request.headers:
        return _show(form, people, group, seen=foresee(form, people, group))
    form.overlook_what_is_not_typed_yet()
    seen = foresee(form, people, group) if form.has_price else None
    form.speak(my_words())
    return page("partials/group_forecast.html", seen=seen, doubts=form.all_errors(), group=group)


def _posted(people: Sequence[PersonChoice]) -> GroupForm:
    form = posted(GroupForm)
    if form.same_ways.data:
        form.earlier_ways = find_ways_of(reading(), me().workspace_id, form.same_ways.data)
    _offer(form, people)
    return form


def _offer(form: GroupForm, people: Sequence[PersonChoice]) -> None:
    form.payer.choices = {one.public_id: one.name for one in people}


def _show(
    form: GroupForm,
    people: Sequence[PersonChoice],
    group: GroupOnForm | None = None,
    *,
    seen: Forecast | None = None,
) -> str:
    _offer(form, people)
    if request.form.get("more"):
        form.offer_another_way()
    save_url = (
        url_for("group_terms.edit", public_id=group.public_id) if group else url_for("group_terms.create")
    )
    earlier = None if group else _offered_ways(form, people)
    return page(
        "web/group_form.html",
        form=form,
        group=group,
        seen=seen,
        save_url=save_url,
        preview_url=f"{save_url}/preview",
        tiles=kind_tiles(language_of(me().language)),
        earlier=earlier,
        earlier_words=_ways_in_short(earlier) if earlier else "",
        edit_words=_edit_words(group) if group else "",
        currencies=sorted(EXPONENTS),
        zones=[name for name, _ in zone_choices()],
    )


def _offered_ways(form: GroupForm, people: Sequence[PersonChoice]) -> EarlierWays | None:
    """Find the earlier ways to offer: those that were chosen, or the latest of who is to be paid."""
    if form.takes_earlier_ways:
        return form.earlier_ways
    payer = next((one.id for one in people if one.public_id == form.payer.data), me().contact_id)
    return _earlier_ways(payer)


def _ways_in_short(earlier: EarlierWays) -> str:
    """Name ways to pay so that they are recognised, and whom they pay."""
    _ = my_words()
    words = [" ".join(filter(None, (method.label, _value(method)))) for method in earlier.methods]
    ways = _.listed([word if len(word) <= MAX_WAY_WORDS else f"{word[:MAX_WAY_WORDS]}…" for word in words])
    return _("To %(name)s: %(ways)s", name=earlier.payer, ways=ways)


def _value(method: PayMethod) -> str:
    return next(filter(None, map(method.fields.get, ("url", "iban", "vpa", "text"))), "")


def _edit_words(group: GroupOnForm) -> str:
    """Say from when a change counts."""
    _ = my_words()
    if not group.has_opened:
        return _("No period is open yet, so everything can still change.")
    return _(
        "Changes count from the period that starts on %(day)s; what is open stays as it is. "
        "When and how it is asked for changes at once.",
        day=_.day(group.next_start),
    )
