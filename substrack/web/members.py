"""Members of a group: added, changed, leaving, and told that they are in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from wtforms import BooleanField, SelectField

from substrack.domain.cycles import local_date
from substrack.domain.errors import Phrase, Refused
from substrack.domain.guest_list import read_guest
from substrack.domain.simulation import Why
from substrack.queries.group_members import find_members, load_member_page
from substrack.queries.groups import GroupRow, find_group, load_group
from substrack.queries.people import MemberRow, find_member, load_member
from substrack.services.mailboxes import MailboxShared, keep_first_email
from substrack.services.member_terms import BY_WEIGHT
from substrack.services.members import add_member, edit_member, leave_group
from substrack.services.people import KnownWithoutAddress, NameKnown, ask_about_namesake
from substrack.services.presses import find_made
from substrack.services.suppression import AddressErased
from substrack.services.welcoming import Told, tell_them
from substrack.web.access import signed_in
from substrack.web.choosing import chosen_person, offer_people
from substrack.web.fields import line, optional_day, optional_whole, read_optional_amount
from substrack.web.forms import PageForm, answer, posted
from substrack.web.pages import mail_is_kept, my_words, page
from substrack.web.paging import numbered, searched
from substrack.web.presses import this_press
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me
from substrack.web.simulating import Proposal, is_going_back, propose

blueprint = Blueprint("members", __name__)

SOMEBODY_NEW = ""

AT_ONCE: Final = 200
"""How many members one transaction tells."""


class TermsForm(PageForm):
    """What a member bears, and since when they are there."""

    weight = optional_whole("Weight")
    amount = line("Fixed amount", maximum=40)
    joined_on = optional_day("There from")


class JoinForm(TermsForm):
    """Who joins: somebody known, or a new person."""

    known = SelectField("Who")
    known_typed = line("Somebody you know: name or address", maximum=320)
    name = line("Name")
    email = line("Email address", maximum=320)
    shares_mailbox = BooleanField("Yes, two people share this mailbox")
    wanted_again = BooleanField("Yes, they want to be written to again")
    is_another = BooleanField("Yes, another person of this name")

    asks_sharing = False
    asks_another = False
    asks_again = False
    knows_others = False
    offers_known = False

    def refuse(self, refused: Refused) -> None:
        self.asks_sharing = self.asks_sharing or isinstance(refused, MailboxShared)
        self.asks_again = self.asks_again or isinstance(refused, AddressErased)
        self.asks_another = self.asks_another or isinstance(refused, (NameKnown, KnownWithoutAddress))
        if isinstance(refused, KnownWithoutAddress):
            self.known.data, self.offers_known = refused.public_id, True
        super().refuse(refused)


class LeaveForm(PageForm):
    """The first day somebody is no longer there; today if empty."""

    left_on = optional_day("First day no longer there")


@blueprint.get("/groups/<public_id>/members/new")
@signed_in
def ask_join(public_id: str) -> str:
    """Show the form for adding a member."""
    return _show_join(_group(public_id), JoinForm(known=request.args.get("person", SOMEBODY_NEW)))


@blueprint.post("/groups/<public_id>/members/new")
@signed_in
def join(public_id: str) -> ResponseReturnValue:
    """Show what another member means for everybody, and add them once that was seen."""
    group, form = _group(public_id), posted(JoinForm)
    _offer(form, group)
    if is_going_back():
        return _show_join(group, form)
    return answer(form, lambda: propose(_joining(group, form)), lambda: _show_join(group, form))


@blueprint.get("/members/<public_id>")
@signed_in
def show(public_id: str) -> str:
    """Show a member's terms for editing."""
    return _show(_member(public_id))


@blueprint.post("/members/<public_id>")
@signed_in
def edit(public_id: str) -> ResponseReturnValue:
    """Show what other terms of a member do, and change them once that was seen."""
    member, form = _member(public_id), posted(TermsForm)
    if is_going_back():
        return _show(member, terms=form)
    return answer(form, lambda: propose(_editing(member, form)), lambda: _show(member, terms=form))


@blueprint.post("/members/<public_id>/leave")
@signed_in
def leave(public_id: str) -> ResponseReturnValue:
    """Show what it means that a member leaves, and let them once that was seen; or correct the day."""
    member, form = _member(public_id), posted(LeaveForm)
    if is_going_back():
        return _show(member, leaving=form)
    return answer(form, lambda: propose(_leaving(member, form)), lambda: _show(member, leaving=form))


@blueprint.get("/groups/<public_id>/tell")
@signed_in
def ask_tell(public_id: str) -> str:
    """Show who would get the welcome, before anybody does."""
    return _show_tell(_group(public_id))


@blueprint.post("/groups/<public_id>/tell")
@signed_in
def tell(public_id: str) -> ResponseReturnValue:
    """Send the welcome to the members who are ticked."""
    group = _group(public_id)
    wanted = None if request.form.get("whom") == "all" else set(request.form.getlist("member"))
    chosen = find_members(reading(), group.id, wanted, today=_today(group))
    if not chosen:
        everybody = Phrase("Everybody was told before.")
        flash(everybody if wanted is None else Phrase("Tick who is to be told."), "refused")
        return redirect(url_for("members.ask_tell", public_id=public_id), 303)
    told = _tell_in_turn(group, chosen)
    flash(_told(sum(len(one.told) for one in told), sum(len(one.unreachable) for one in told)), "done")
    return redirect(url_for("groups.show", public_id=public_id), 303)


def _tell_in_turn(group: GroupRow, member_ids: Sequence[int]) -> list[Told]:
    """Tell some members at a time, so that nobody waits long for the group."""
    told = []
    for start in range(0, len(member_ids), AT_ONCE):
        with runtime().transaction() as session:
            some = member_ids[start : start + AT_ONCE]
            told.append(tell_them(session, group.id, some, by=by_me(), now=runtime().now()))
    return told


def _joining(group: GroupRow, form: JoinForm) -> Proposal:
    fixed = read_optional_amount(form.amount.data, group.currency, field="amount")
    is_another = form.is_another.data
    known = None if is_another else chosen_person(form.known.data, form.known_typed.data, field="known_typed")
    weight, press, now = form.weight.data, this_press(), runtime().now()
    name, email = _name_and_email(form)
    joined_on: date | None = form.joined_on.data

    def let_join(session: Session, tells: bool) -> None:
        if find_made(session, me().workspace_id, press, by=by_me()) is not None:
            return
        if known is None and not is_another:
            ask_about_namesake(session, me().workspace_id, name=name, email=email)
        member = add_member(
            session,
            group.id,
            contact_id=known.id if known else None,
            name=name,
            email=email,
            weight=1 if weight is None else weight,
            fixed=fixed,
            joined_on=joined_on,
            shares_mailbox=form.shares_mailbox.data,
            wanted_again=form.wanted_again.data,
            by=by_me(),
            now=now,
            press=press,
        )
        if known is not None:
            keep_first_email(
                session,
                known.id,
                email,
                shares_mailbox=form.shares_mailbox.data,
                wanted_again=form.wanted_again.data,
                by=by_me(),
                now=now,
            )
        if tells:
            tell_them(session, group.id, [member.id], by=by_me(), now=now)

    _ = my_words()
    return Proposal(
        group=group,
        title=_("Another member"),
        act=let_join,
        day=joined_on or _today(group),
        done=_("Added. What others owe already stays as it is."),
        why=Why.JOIN,
    )


def _name_and_email(form: JoinForm) -> tuple[str, str]:
    """Read who is new; an address may stand behind the name, as the form of a group has it."""
    name, email = form.name.data or "", form.email.data or ""
    guest = None if email.strip() else read_guest(name)
    return (guest.name, guest.email or "") if guest else (name, email)


def _editing(member: MemberRow, form: TermsForm) -> Proposal:
    fixed = read_optional_amount(form.amount.data, member.currency, field="amount")
    group, joined_on = _group(member.group_public_id), form.joined_on.data

    def change(session: Session, _tells: bool) -> None:
        edit_member(
            session,
            member.id,
            weight=form.weight.data if form.is_changed("weight") else None,
            fixed=fixed if form.is_changed("amount") else None,
            clears_fixed=form.is_changed("amount") and fixed is None and member.fixed is not None,
            joined_on=joined_on if form.is_changed("joined_on") else None,
            by=by_me(),
            now=runtime().now(),
        )

    _ = my_words()
    return Proposal(
        group=group,
        title=_("Other terms for %(name)s", name=member.name),
        act=change,
        day=joined_on or _today(group),
        done=_("Saved, for the periods to come."),
        why=Why.TERMS,
    )


def _leaving(member: MemberRow, form: LeaveForm) -> Proposal:
    group = _group(member.group_public_id)
    left_on = form.left_on.data or _today(group)

    def let_leave(session: Session, _tells: bool) -> None:
        leave_group(session, member.id, left_on=left_on, by=by_me(), now=runtime().now())

    _ = my_words()
    return Proposal(
        group=group,
        title=_("%(name)s leaves", name=member.name),
        act=let_leave,
        day=left_on,
        done=_(
            "%(name)s leaves on %(day)s. What is open stays open until you decide.",
            name=member.name,
            day=_.day(left_on),
        ),
        why=Why.LEAVE,
    )


def _today(group: GroupRow) -> date:
    return local_date(runtime().now(), group.time_zone)


def _told(told: int, unreachable: int) -> str:
    _ = my_words()
    sent = _.ngettext("The welcome goes to %(n)s of them.", "The welcome goes to %(n)s of them.", told)
    if mail_is_kept():
        written = _.ngettext(
            "The welcome to %(n)s of them is written.", "The welcome to %(n)s of them is written.", told
        )
        sent = written + " " + _("Mail is kept here, not sent: no mail server is set.")
    sent = sent if told else _("Nobody was told.")
    if not unreachable:
        return sent
    return sent + " " + _("Not reached: %(n)s. Add an address first.", n=unreachable)


def _show(member: MemberRow, *, terms: TermsForm | None = None, leaving: LeaveForm | None = None) -> str:
    amount = member.fixed.major() if member.fixed else ""
    shown = TermsForm(weight=member.weight, amount=amount, joined_on=member.joined_on)
    return page(
        "web/member.html",
        member=member,
        group=_group(member.group_public_id),
        terms=terms or shown,
        leaving=leaving or LeaveForm(left_on=member.left_on),
        by_weight=BY_WEIGHT,
    )


def _show_join(group: GroupRow, form: JoinForm) -> str:
    _offer(form, group)
    return page("web/member_new.html", group=group, form=form, by_weight=BY_WEIGHT)


def _show_tell(group: GroupRow) -> str:
    members = load_member_page(
        reading(),
        group.id,
        today=_today(group),
        with_payer=False,
        search=searched(),
        number=numbered(),
    )
    return page("web/tell.html", group=group, members=members, search=searched(), is_kept=mail_is_kept())


def _offer(form: JoinForm, group: GroupRow) -> None:
    people, form.knows_others = offer_people(form.known.data, not_in=group.id)
    form.known.choices = {SOMEBODY_NEW: Phrase("Somebody new")} | people


def _group(public_id: str) -> GroupRow:
    group_id = find_group(reading(), me().workspace_id, public_id)
    return load_group(reading(), group_id, today=local_date(runtime().now(), me().time_zone))


def _member(public_id: str) -> MemberRow:
    return load_member(reading(), find_member(reading(), me().workspace_id, public_id))
