"""Setting a group up and changing its terms, with a look at what will happen before anything does."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from substrack.domain.currencies import EXPONENTS
from substrack.domain.cycles import local_date
from substrack.domain.guest_list import write_guests
from substrack.domain.simulation import Why
from substrack.domain.terms import GroupTerms
from substrack.domain.wording import MAX_NAME
from substrack.queries.collection_days import find_collection_day
from substrack.queries.group_form import (
    EarlierWays,
    GroupOnForm,
    find_latest_ways,
    find_ways_of,
    list_guests,
    load_group_defaults,
    load_group_on_form,
)
from substrack.queries.groups import load_group
from substrack.queries.people import load_contact
from substrack.queries.people_choices import find_person
from substrack.services.group_edits import edit_group
from substrack.services.presses import find_made
from substrack.services.prices import announced_on
from substrack.texts.catalogue import language_of
from substrack.texts.forecasts import Forecast
from substrack.texts.kinds import kind_tiles
from substrack.texts.request_rules import grace_help
from substrack.web.access import signed_in
from substrack.web.choosing import offer_people
from substrack.web.confirming import ask_password, needs_password
from substrack.web.fields import read_version
from substrack.web.forms import answer, posted
from substrack.web.group_filling import filled_form, form_like, new_form
from substrack.web.group_forecasts import foresee
from substrack.web.group_forms import GroupForm
from substrack.web.group_guests import create_with, read_people
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
    like = request.args.get("like")
    return _show(_form_like(like) if like else _new_form())


@blueprint.post("/new")
@signed_in
def create() -> ResponseReturnValue:
    """Set up a group, with those who share it."""
    form = _posted()
    return answer(form, lambda: _create(form), lambda: _show(form))


@blueprint.post("/new/preview")
@signed_in
def preview_new() -> str:
    """Show what a new group would do, and change nothing."""
    form = _posted()
    return _foretell(form, None)


@blueprint.get("/<public_id>/edit")
@signed_in
def ask_edit(public_id: str) -> str:
    """Show the terms of a group for editing."""
    group = load_group_on_form(reading(), me().workspace_id, public_id)
    return _show(filled_form(group), group)


@blueprint.post("/<public_id>/edit")
@signed_in
def edit(public_id: str) -> ResponseReturnValue:
    """Change the terms of a group; what changes somebody's share is shown first."""
    group = load_group_on_form(reading(), me().workspace_id, public_id)
    form = _posted()
    if is_going_back():
        return _show(form, group)
    return answer(form, lambda: _edit(form, group), lambda: _show(form, group))


@blueprint.post("/<public_id>/edit/preview")
@signed_in
def preview_edit(public_id: str) -> str:
    """Show what changed terms would do, and change nothing."""
    group = load_group_on_form(reading(), me().workspace_id, public_id)
    form = _posted()
    return _foretell(form, group)


def _new_form() -> GroupForm:
    mine = load_contact(reading(), me().contact_id)
    return new_form(
        payer=mine.public_id,
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


def _create(form: GroupForm) -> ResponseReturnValue:
    terms = form.terms()
    guests = read_people(form, terms)
    press, now = this_press(), runtime().now()
    with runtime().transaction() as session:
        group_id = find_made(session, me().workspace_id, press, by=by_me())
        if group_id is None:
            group_id = create_with(session, terms, guests, form, press=press)
        public_id = load_group(session, group_id, today=local_date(now, me().time_zone)).public_id
    flash(my_words()("“%(group)s” is set up.", group=terms.name), "done")
    return redirect(url_for("groups.show", public_id=public_id), 303)


def _edit(form: GroupForm, group: GroupOnForm) -> ResponseReturnValue:
    terms, now = form.terms(), runtime().now()
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
        done=_done_words(form, group, terms),
        why=None if is_price_alone else Why.TERMS,
    )
    if is_price_alone:
        proposal = replace(
            proposal, told_on=lambda starts_on: announced_on(reading(), group.id, starts_on, now=now)
        )
    return propose(proposal)


def _moves_money(group: GroupOnForm, terms: GroupTerms) -> bool:
    """Tell whether members who may have been told where to pay would pay elsewhere, or somebody else."""
    is_known = bool(group.terms.pay_methods) or group.has_opened
    return is_known and (_changes_payer(group, terms) or terms.pay_methods != group.terms.pay_methods)


def _changes_payer(group: GroupOnForm, terms: GroupTerms) -> bool:
    return terms.payer_id not in (None, group.terms.payer_id)


def _done_words(form: GroupForm, group: GroupOnForm, terms: GroupTerms) -> str:
    """Say that it is saved, and what is left to say: ways to pay are not handed over to another payer."""
    _, payer = my_words(), form.chosen_payer
    ways = terms.pay_methods
    if payer is None or not _changes_payer(group, terms) or not ways or ways != group.terms.pay_methods:
        return _("Saved.")
    return _(
        "Saved. The ways to pay stay with who was paid before; say under “How to pay” how to pay %(payer)s.",
        payer=payer.name,
    )


def _is_price_alone(was: GroupTerms, terms: GroupTerms) -> bool:
    """Tell whether shares change by the price only, which has an announcement of its own."""

    def sharing(of: GroupTerms) -> tuple[object, ...]:
        rhythm = (of.unit, of.every, of.cycle.billing_day, of.starts_on)
        return (of.split, of.payer_id, of.payer_included, of.part_period, *rhythm)

    return sharing(was) == sharing(replace(terms, payer_id=terms.payer_id or was.payer_id))


def _foretell(form: GroupForm, group: GroupOnForm | None) -> str:
    """Show the form with its forecast, or to a script the forecast alone."""
    if PART not in request.headers:
        return _show(form, group, seen=foresee(form, group))
    form.overlook_what_is_not_typed_yet()
    seen = foresee(form, group) if form.has_price else None
    form.speak(my_words())
    return page("partials/group_forecast.html", seen=seen, doubts=form.all_errors(), group=group)


def _posted() -> GroupForm:
    form = posted(GroupForm)
    if form.same_ways.data:
        form.earlier_ways = find_ways_of(reading(), me().workspace_id, form.same_ways.data)
    _offer(form)
    return form


def _offer(form: GroupForm) -> None:
    form.payer.choices, form.knows_others = offer_people(form.payer.data)


def _show(
    form: GroupForm,
    group: GroupOnForm | None = None,
    *,
    seen: Forecast | None = None,
) -> str:
    _offer(form)
    if request.form.get("more"):
        form.offer_another_way()
    save_url = (
        url_for("group_terms.edit", public_id=group.public_id) if group else url_for("group_terms.create")
    )
    earlier = None if group else _offered_ways(form)
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
        grace_help=grace_help(find_collection_day(reading(), me().workspace_id), my_words()),
    )


def _offered_ways(form: GroupForm) -> EarlierWays | None:
    """Find the earlier ways to offer: those that were chosen, or the latest of who is to be paid."""
    if form.takes_earlier_ways:
        return form.earlier_ways
    payer = find_person(reading(), me().workspace_id, form.payer.data or "")
    return _earlier_ways(payer.id if payer else me().contact_id)


def _ways_in_short(earlier: EarlierWays) -> str:
    """Name ways to pay so that they are recognised, and whom they pay."""
    _ = my_words()
    words = [" ".join(filter(None, (method.label, method.value))) for method in earlier.methods]
    ways = _.listed([word if len(word) <= MAX_WAY_WORDS else f"{word[:MAX_WAY_WORDS]}…" for word in words])
    return _("To %(name)s: %(ways)s", name=earlier.payer, ways=ways)


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
