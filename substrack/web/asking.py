"""Ask now: who would get what, and why not; one press asks. And a message to send by hand instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from substrack.domain.bills import Item
from substrack.domain.cycles import local_date
from substrack.domain.notices import Channel
from substrack.queries.asking import (
    OwingPeople,
    find_people,
    list_owing_people,
    load_owing_people,
    load_request_sentence,
    load_settled,
)
from substrack.queries.groups import GroupRow, find_group, load_group, load_pay_methods
from substrack.queries.kept_requests import load_kept_requests
from substrack.queries.people import find_contact, load_contact
from substrack.queries.workspaces import load_workspace_settings
from substrack.services.asking_now import Asked, NotToBeAsked, ask_people, note_asked_by_hand
from substrack.services.asking_plan import PersonPlan, plan_asking
from substrack.services.pay_links import find_pay_link, give_pay_link
from substrack.services.request_sentences import set_request_sentence
from substrack.texts.asking import (
    asked_sentence,
    channels_in_words,
    held_until,
    message_by_hand,
    standing,
    standing_sentence,
    time_there,
)
from substrack.texts.bills import what_for
from substrack.texts.catalogue import language_of
from substrack.texts.refusals import in_words
from substrack.texts.words import Words
from substrack.web.access import signed_in
from substrack.web.decisions import flash_decision
from substrack.web.fields import line
from substrack.web.forms import PageForm, answer, posted
from substrack.web.pages import mail_is_kept, my_words, page
from substrack.web.paging import numbered
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("asking", __name__)

AT_ONCE: Final = 200
"""How many people one transaction asks."""

UNDO_MOST: Final = 100
"""How many requests one press of Undo takes back; it names each."""


class SentenceForm(PageForm):
    """What a group says in its requests, in words of its own."""

    sentence = line("A sentence of your own", maximum=300)


@dataclass(frozen=True)
class Preview:
    """Whom a page asks: `asked` can be asked now, `skipped` not; on one page of `people`."""

    asked: tuple[PersonPlan, ...]
    skipped: tuple[PersonPlan, ...]
    people: OwingPeople

    @property
    def count(self) -> int:
        """How many are ticked to begin with."""
        return sum(plan.is_asked for plan in self.asked)

    def labels(self) -> list[str]:
        """Name the button for every number of people that may be ticked."""
        _, numbers = my_words(), range(1, len(self.asked) + 1)
        return [
            _("Tick whom to ask"),
            *(_.ngettext("Ask %(n)s person", "Ask %(n)s people", n) for n in numbers),
        ]

    @property
    def waits_until(self) -> datetime | None:
        """When the messages go out, if all of them wait for the hours in which people are asked."""
        waits = [plan.waits_until for plan in self.asked]
        return max((one for one in waits if one), default=None) if all(waits) else None

    @property
    def zones(self) -> set[str]:
        """Where those live whose messages would wait."""
        return {plan.time_zone for plan in self.asked if plan.waits_until}


@blueprint.get("/ask")
@signed_in
def preview_all() -> str:
    """Show who would be asked for everything they owe."""
    return _show()


@blueprint.post("/ask")
@signed_in
def ask_all() -> ResponseReturnValue:
    """Ask those who are ticked, or everybody, for everything they owe."""
    return _ask(url_for("home.show"), show=_show)


@blueprint.get("/groups/<public_id>/ask")
@signed_in
def preview(public_id: str) -> str:
    """Show who of a group would be asked."""
    return _show_group(_group(public_id))


@blueprint.post("/groups/<public_id>/ask")
@signed_in
def ask_group(public_id: str) -> ResponseReturnValue:
    """Ask those of a group who are ticked, or all of them."""
    group = _group(public_id)
    back = url_for("groups.show", public_id=public_id)
    return _ask(back, group_id=group.id, show=partial(_show_group, group))


@blueprint.post("/groups/<public_id>/sentence")
@signed_in
def set_sentence(public_id: str) -> ResponseReturnValue:
    """Change what a group says in its requests."""
    group, form = _group(public_id), posted(SentenceForm)
    return answer(form, lambda: _set_sentence(group, form), lambda: _show_group(group, form=form))


@blueprint.get("/people/<public_id>/ask")
@signed_in
def preview_person(public_id: str) -> str:
    """Show what one person would be asked for."""
    return _show(contact_id=find_contact(reading(), me().workspace_id, public_id))


@blueprint.post("/people/<public_id>/ask")
@signed_in
def ask_person(public_id: str) -> ResponseReturnValue:
    """Ask one person for everything they owe."""
    contact_id = find_contact(reading(), me().workspace_id, public_id)
    back = url_for("people.show", public_id=public_id)
    return _ask(back, show=partial(_show, contact_id=contact_id))


@blueprint.post("/people/<public_id>/message")
@signed_in
def make_message(public_id: str) -> ResponseReturnValue:
    """Make somebody's link good for two weeks and show the message that carries it."""
    contact_id = find_contact(reading(), me().workspace_id, public_id)
    with runtime().transaction() as session:
        give_pay_link(session, contact_id, by=by_me(), now=runtime().now())
    return redirect(url_for("asking.show_message", public_id=public_id), 303)


@blueprint.get("/people/<public_id>/message")
@signed_in
def show_message(public_id: str) -> str:
    """Show a message to paste into any chat, with the person's own link; changes nothing."""
    now = runtime().now()
    contact = load_contact(reading(), find_contact(reading(), me().workspace_id, public_id))
    (plan,) = plan_asking(reading(), [contact.id], now=now)
    workspace = load_workspace_settings(reading(), me().workspace_id)
    language = language_of(contact.language or workspace.language)
    link = find_pay_link(reading(), runtime().signer, contact.id, now=now)
    text = ""
    if link is not None and not link.is_expired and plan.has_text:
        text = message_by_hand(contact.name, plan.items, plan.sentences, link.url, language)
    return page(
        "web/ask_by_hand.html",
        contact=contact,
        plan=plan,
        text=text,
        language=language,
        is_local=runtime().settings.base_url_is_loopback,
        sentence=standing_sentence(_standing([plan])(plan)),
        time_there=partial(time_there, now, _=my_words()),
    )


@blueprint.post("/people/<public_id>/message/sent")
@signed_in
def note_sent(public_id: str) -> ResponseReturnValue:
    """Count that somebody was asked in the admin's own words."""
    contact_id = find_contact(reading(), me().workspace_id, public_id)
    _, back = my_words(), redirect(url_for("people.show", public_id=public_id), 303)
    try:
        with runtime().transaction() as session:
            asked = note_asked_by_hand(session, contact_id, by=by_me(), now=runtime().now())
    except NotToBeAsked as refused:
        flash(in_words(refused, _), "refused")
        return back
    flash_decision(_("Noted: %(name)s was asked today.", name=asked.name), asked.correlation_id)
    return back


def _group(public_id: str) -> GroupRow:
    group_id = find_group(reading(), me().workspace_id, public_id)
    return load_group(reading(), group_id, today=local_date(runtime().now(), me().time_zone))


def _ask(back: str, *, show: Callable[..., str], group_id: int | None = None) -> ResponseReturnValue:
    _, wants_all = my_words(), request.form.get("whom") == "all"
    chosen = _everybody(group_id) if wants_all else _ticked()
    if not chosen:
        return show(refusal=_("Tick at least one of them first.")), 422
    asked = _ask_in_turn(chosen, group_id, only_rested=wants_all)
    zone = ZoneInfo(me().time_zone)
    waits = [one.waits_until for one in asked]
    until = max(one.astimezone(zone) for one in waits if one) if waits and all(waits) else None
    sentence = asked_sentence([one.name for one in asked], until, _, is_kept=mail_is_kept())
    undo = [one.correlation_id for one in asked] if len(asked) <= UNDO_MOST else []
    flash_decision(sentence, *undo)
    return redirect(back, 303)


def _ask_in_turn(chosen: Sequence[int], group_id: int | None, *, only_rested: bool) -> list[Asked]:
    """Ask some people at a time, so that nobody waits long for their money to move."""
    asked: list[Asked] = []
    for start in range(0, len(chosen), AT_ONCE):
        with runtime().transaction() as session:
            asked += ask_people(
                session,
                me().workspace_id,
                chosen[start : start + AT_ONCE],
                group_id=group_id,
                only_rested=only_rested,
                at_any_hour="at_once" in request.form,
                by=by_me(),
                now=runtime().now(),
            )
    return asked


def _everybody(group_id: int | None) -> list[int]:
    return list_owing_people(reading(), me().workspace_id, group_id=group_id)


def _ticked() -> list[int]:
    return find_people(reading(), me().workspace_id, request.form.getlist("person"))


def _set_sentence(group: GroupRow, form: SentenceForm) -> ResponseReturnValue:
    with runtime().transaction() as session:
        set_request_sentence(session, group.id, form.sentence.data or "", by=by_me(), now=runtime().now())
    _ = my_words()
    flash(_("Saved. The next requests say it."), "done")
    return redirect(url_for("asking.preview", public_id=group.public_id), 303)


def _show_group(group: GroupRow, *, form: SentenceForm | None = None, refusal: str = "") -> str:
    kept = SentenceForm(sentence=load_request_sentence(reading(), group.id))
    return _show(group=group, form=form or kept, refusal=refusal)


def _show(
    *,
    group: GroupRow | None = None,
    contact_id: int | None = None,
    form: SentenceForm | None = None,
    refusal: str = "",
) -> str:
    now = runtime().now()
    preview = _preview(group, contact_id, now)
    today = local_date(now, group.time_zone if group else me().time_zone)
    return page(
        "web/ask.html",
        preview=preview,
        group=group,
        is_alone=contact_id is not None,
        lacks_ways=group is not None and not load_pay_methods(reading(), group.id),
        settled=load_settled(reading(), group.id, today=today) if group else None,
        form=form,
        refusal=refusal,
        standing=_standing((*preview.asked, *preview.skipped), tells_wait=preview.waits_until is None),
        is_kept=mail_is_kept() and any(Channel.EMAIL in plan.channels for plan in preview.asked),
        goes_out=not mail_is_kept() or any(Channel.TELEGRAM in plan.channels for plan in preview.asked),
        time_there=partial(time_there, now, _=my_words()),
        channels_in_words=partial(channels_in_words, _=my_words()),
        what_for=partial(_what_for, group),
    )


def _what_for(group: GroupRow | None, item: Item, _: Words) -> str:
    """Name an item; on the page of its own group, by its period alone."""
    if group is not None and item.group == group.name and item.span is not None:
        return _.span(item.span)
    return what_for(item, _)


def _preview(group: GroupRow | None, contact_id: int | None, now: datetime) -> Preview:
    if contact_id is not None:
        people = OwingPeople((contact_id,), 1, 1)
    else:
        group_id = group.id if group else None
        people = load_owing_people(reading(), me().workspace_id, group_id=group_id, number=numbered())
    plans = plan_asking(reading(), people.contact_ids, group_id=group.id if group else None, now=now)
    asked = sorted((plan for plan in plans if plan.can_be_asked), key=lambda plan: not plan.is_asked)
    skipped = (plan for plan in plans if not plan.can_be_asked)
    return Preview(tuple(asked), tuple(skipped), people)


def _standing(plans: Sequence[PersonPlan], *, tells_wait: bool = False) -> Callable[[PersonPlan], str]:
    """Say how people stand; `tells_wait` says of those who can be asked when that would go out."""
    today, zone = local_date(runtime().now(), me().time_zone), ZoneInfo(me().time_zone)
    written = load_kept_requests(reading(), [plan.contact_id for plan in plans])
    kept = {(contact_id, local_date(at, me().time_zone)) for contact_id, at in written.items()}

    def stand(plan: PersonPlan) -> str:
        _, until = my_words(), plan.waits_until.astimezone(zone) if plan.waits_until else None
        if plan.is_held and until:
            return held_until(until, _)
        is_kept = (plan.contact_id, plan.asked_on) in kept
        words = standing(plan.state, plan.asked_on, plan.until, today, _, is_kept=is_kept)
        return (
            _("%(words)s; goes out %(when)s", words=words, when=_.moment(until))
            if until and tells_wait
            else words
        )

    return stand
