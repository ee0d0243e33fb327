"""Setting a group up and changing its terms, with a look at what will happen before anything does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from substrack.domain.currencies import EXPONENTS
from substrack.domain.cycles import Cycle, local_date
from substrack.domain.errors import Refused
from substrack.domain.guest_list import Guest, read_guests
from substrack.domain.money import Money
from substrack.domain.preview import preview
from substrack.domain.shares import Sharer, SplitKind
from substrack.domain.terms import GroupTerms
from substrack.queries.group_form import GroupOnForm, PersonChoice, list_people, load_group_on_form
from substrack.queries.groups import load_group
from substrack.services.group_edits import edit_group
from substrack.services.groups import create_group
from substrack.services.mailboxes import MailboxShared, check_email
from substrack.services.members import add_member
from substrack.services.presses import find_made
from substrack.texts.catalogue import language_of
from substrack.texts.forecasts import Facts, Forecast, asked_in_future, forecast
from substrack.texts.words import Words
from substrack.web.access import signed_in
from substrack.web.fields import read_amount, read_version
from substrack.web.forms import answer, posted
from substrack.web.group_forms import GroupForm, filled_form, new_form
from substrack.web.joining import zone_choices
from substrack.web.pages import page
from substrack.web.presses import this_press
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("group_terms", __name__, url_prefix="/groups")

PAYER = 0
"""The key of the payer in a preview; members have theirs, people who are only typed count from 1 down."""


class GuestRefused(Refused):
    """One of the people typed with a new group can't be added; says who and why."""

    field = "people"

    def __init__(self, name: str, why: Refused) -> None:
        super().__init__(f"{name}: {why}")


class PartNotWhole(Refused):
    """A weight that is no whole number."""

    def __init__(self) -> None:
        super().__init__("Write the weight as a whole number, such as “Ann = 2”.")


@blueprint.get("/new")
@signed_in
def ask_new() -> str:
    """Show the form of a new group."""
    people = list_people(reading(), me().workspace_id)
    mine = next((one.public_id for one in people if one.id == me().contact_id), "")
    today = local_date(runtime().now(), me().time_zone)
    return _show(new_form(payer=mine, time_zone=me().time_zone, today=today), people)


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
    return _show(form, people, seen=_forecast(form, people, None))


@blueprint.get("/<public_id>/edit")
@signed_in
def ask_edit(public_id: str) -> str:
    """Show the terms of a group for editing."""
    group = load_group_on_form(reading(), me().workspace_id, public_id)
    return _show(filled_form(group), list_people(reading(), me().workspace_id), group)


@blueprint.post("/<public_id>/edit")
@signed_in
def edit(public_id: str) -> ResponseReturnValue:
    """Change the terms of a group for the periods to come."""
    group = load_group_on_form(reading(), me().workspace_id, public_id)
    people = list_people(reading(), me().workspace_id)
    form = _posted(people)
    return answer(form, lambda: _edit(form, people, group), lambda: _show(form, people, group))


@blueprint.post("/<public_id>/edit/preview")
@signed_in
def preview_edit(public_id: str) -> str:
    """Show what changed terms would do, and change nothing."""
    group = load_group_on_form(reading(), me().workspace_id, public_id)
    people = list_people(reading(), me().workspace_id)
    form = _posted(people)
    return _show(form, people, group, seen=_forecast(form, people, group))


def _create(form: GroupForm, people: Sequence[PersonChoice]) -> ResponseReturnValue:
    terms, guests = form.terms(people), read_guests(form.people.data or "")
    press, now = this_press(), runtime().now()
    with runtime().transaction() as session:
        group_id = find_made(session, me().workspace_id, press, by=by_me())
        if group_id is None:
            group = create_group(session, me().workspace_id, terms, by=by_me(), now=now, press=press)
            group_id = group.id
            for guest in guests:
                _add_guest(session, group_id, guest, form, terms)
        public_id = load_group(session, group_id, today=local_date(now, me().time_zone)).public_id
    flash(f"“{terms.name}” is set up.", "done")
    return redirect(url_for("groups.show", public_id=public_id), 303)


def _add_guest(session: Session, group_id: int, guest: Guest, form: GroupForm, terms: GroupTerms) -> None:
    try:
        add_member(
            session,
            group_id,
            name=guest.name,
            email=guest.email,
            weight=_weight(guest, terms),
            fixed=_fixed(guest, terms),
            shares_mailbox=form.shares_mailbox.data,
            by=by_me(),
            now=runtime().now(),
        )
    except MailboxShared as question:
        form.asks_sharing = True
        raise GuestRefused(guest.name, question) from None
    except Refused as refused:
        raise GuestRefused(guest.name, refused) from None


def _edit(form: GroupForm, people: Sequence[PersonChoice], group: GroupOnForm) -> ResponseReturnValue:
    terms = form.terms(people)
    with runtime().transaction() as session:
        edit_group(
            session,
            group.id,
            terms,
            expected_version=read_version(form.version.data),
            by=by_me(),
            now=runtime().now(),
        )
    flash("Saved.", "done")
    return redirect(url_for("groups.show", public_id=group.public_id), 303)


def _forecast(form: GroupForm, people: Sequence[PersonChoice], group: GroupOnForm | None) -> Forecast | None:
    """Work out what the typed terms do; what makes no sense is refused in the form instead."""
    if not form.validate():
        return None
    try:
        terms = form.terms(people)
        return _foresee(terms, people, group, read_guests(form.people.data or ""))
    except Refused as refused:
        form.refuse(refused)
        return None


def _foresee(
    terms: GroupTerms, people: Sequence[PersonChoice], group: GroupOnForm | None, guests: Sequence[Guest]
) -> Forecast:
    sharers = {key: (name, sharer) for key, name, sharer in _sharers(terms, group, guests)}
    payer_id = terms.payer_id or me().contact_id
    everybody = [sharer for _, sharer in sharers.values()]
    if terms.payer_included:
        everybody.insert(0, Sharer(PAYER, is_payer=True))
    cycle, sequence = _cycle(terms, group)
    today = local_date(runtime().now(), terms.time_zone or me().time_zone)
    coming = preview(terms, everybody, sequence=sequence, cycle=cycle)
    begun = cycle.sequence_on_or_after(today + timedelta(days=terms.collect_days_before + 1)) - sequence
    facts = Facts(
        preview=asked_in_future(coming, today=today, grace_days=terms.grace_days),
        names={key: name for key, (name, _) in sharers.items()},
        unit=terms.unit,
        every=terms.every,
        payer=None if payer_id == me().contact_id else next(one.name for one in people if one.id == payer_id),
        opening_now=max(begun, 0),
    )
    return forecast(facts, language_of(me().language))


def _cycle(terms: GroupTerms, group: GroupOnForm | None) -> tuple[Cycle, int]:
    """Find the calendar as it would be: a changed rhythm begins at the next unopened period."""
    if group is None or not group.has_opened:
        return terms.cycle, 1
    was = group.terms
    if (terms.unit, terms.every, terms.cycle.billing_day) == (was.unit, was.every, was.cycle.billing_day):
        return group.cycle, group.next_sequence
    begins = Cycle.begin(terms.unit, terms.every, terms.billing_day, group.next_start, group.next_sequence)
    return begins, group.next_sequence


def _sharers(
    terms: GroupTerms, group: GroupOnForm | None, guests: Sequence[Guest]
) -> list[tuple[int, str, Sharer]]:
    if group is not None:
        payers = {terms.payer_id} | (set() if terms.payer_included else {group.terms.payer_id})
        shown = [one for one in group.sharers if one.contact_id not in payers]
        return [(one.sharer.key, one.name, one.sharer) for one in shown]
    found = []
    for key, guest in enumerate(guests, start=1):
        try:
            fixed = _fixed(guest, terms)
            sharer = Sharer(key, _weight(guest, terms), fixed.minor if fixed else None)
            if guest.email is not None:
                check_email(guest.email)
        except Refused as refused:
            raise GuestRefused(guest.name, refused) from None
        found.append((key, f"{guest.name} ({guest.email})" if guest.email else guest.name, sharer))
    return found


def _weight(guest: Guest, terms: GroupTerms) -> int:
    if guest.part is None or terms.split not in (SplitKind.WEIGHTS, SplitKind.VARIABLE):
        return 1
    if not guest.part.isdecimal() or len(guest.part) > 9:
        raise PartNotWhole
    return int(guest.part)


def _fixed(guest: Guest, terms: GroupTerms) -> Money | None:
    if guest.part is None or terms.split in (SplitKind.WEIGHTS, SplitKind.VARIABLE):
        return None
    return read_amount(guest.part, terms.currency, field="people")


def _posted(people: Sequence[PersonChoice]) -> GroupForm:
    form = posted(GroupForm)
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
    return page(
        "web/group_form.html",
        form=form,
        group=group,
        seen=seen,
        save_url=save_url,
        preview_url=f"{save_url}/preview",
        edit_words=_edit_words(group) if group else "",
        currencies=sorted(EXPONENTS),
        zones=[name for name, _ in zone_choices()],
    )


def _edit_words(group: GroupOnForm) -> str:
    """Say from when a change counts."""
    _ = Words(language_of(me().language))
    if not group.has_opened:
        return _("No period is open yet, so everything can still change.")
    return _(
        "Changes count from the period that starts on %(day)s; what is open stays as it is. "
        "When and how it is asked for changes at once.",
        day=_.day(group.next_start),
    )
