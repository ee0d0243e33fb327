"""People: who is known, what each owes over all groups, and where they are reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, SelectField, StringField

from substrack.domain.cycles import local_date
from substrack.domain.errors import Phrase, Refused
from substrack.domain.terms import EARLIEST, LATEST
from substrack.domain.wording import MAX_NAME
from substrack.queries.accounts import SignedIn
from substrack.queries.money_page import likely_account
from substrack.queries.people import ContactRow, find_contact, load_contact
from substrack.queries.people_page import PersonPage, load_balances, load_people_page, load_person
from substrack.queries.statements import Part, list_years, load_statement
from substrack.services.addresses import resubscribe as resubscribe_address
from substrack.services.collection_day import set_contact_collection_day
from substrack.services.mailboxes import MailboxShared, set_email
from substrack.services.pay_links import find_pay_link, give_pay_link, take_pay_link
from substrack.services.people import MAX_NOTE, add_contact, edit_contact, write_note
from substrack.services.presses import find_made
from substrack.services.suppression import AddressErased
from substrack.texts.home import month_name
from substrack.web.access import signed_in
from substrack.web.chats import linking_of
from substrack.web.fields import area, line, optional_whole
from substrack.web.forms import PageForm, answer, posted, required
from substrack.web.joining import zone_choices
from substrack.web.pages import my_words, page
from substrack.web.paging import numbered, searched
from substrack.web.paid_ahead import paid_ahead
from substrack.web.presses import this_press
from substrack.web.profile import language_choices
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("people", __name__, url_prefix="/people")


class NewPersonForm(PageForm):
    """How somebody is called; where they are reached is said on their page."""

    name = StringField("Name", required("Enter their name.", maximum=MAX_NAME))


class PersonForm(PageForm):
    """How somebody is called, reads, and where their clock stands."""

    name = StringField("Name", required("Enter their name.", maximum=MAX_NAME))
    language = SelectField(
        "Language", choices=lambda: {"": Phrase("Like everybody here")} | dict(language_choices())
    )
    time_zone = line("Time zone", maximum=64)
    collection_day = optional_whole("Collection day")


class NoteForm(PageForm):
    """What admins want to remember."""

    note = area("Private note", maximum=MAX_NOTE)


class EmailForm(PageForm):
    """Where somebody is reached; empty for nowhere."""

    email = line("Email address", maximum=320)
    shares_mailbox = BooleanField("Yes, two people share this mailbox")
    wanted_again = BooleanField("Yes, they want to be written to again")

    asks_sharing = False
    asks_again = False

    def refuse(self, refused: Refused) -> None:
        self.asks_sharing = self.asks_sharing or isinstance(refused, MailboxShared)
        self.asks_again = self.asks_again or isinstance(refused, AddressErased)
        super().refuse(refused)


@blueprint.get("")
@signed_in
def show_list() -> str:
    """List everybody the workspace knows, with what each owes."""
    return _show_list(NewPersonForm())


@blueprint.post("")
@signed_in
def add() -> ResponseReturnValue:
    """Add somebody of whom nothing is known but their name."""
    form = posted(NewPersonForm)
    return answer(form, lambda: _add(form), lambda: _show_list(form))


@blueprint.get("/<public_id>")
@signed_in
def show(public_id: str) -> str:
    """Show one person."""
    return _show(load_person(reading(), me().workspace_id, public_id))


@blueprint.post("/<public_id>")
@signed_in
def edit(public_id: str) -> ResponseReturnValue:
    """Change name, language and time zone."""
    person, form = load_person(reading(), me().workspace_id, public_id), posted(PersonForm)
    return answer(form, lambda: _edit(public_id, form), lambda: _show(person, about=form))


@blueprint.get("/<public_id>/statement/<int:year>")
@signed_in
def show_statement(public_id: str, year: int) -> str:
    """Show one year of a person, or a group or month of it: what was owed, what came, what is left."""
    if not EARLIEST.year <= year <= LATEST.year:
        abort(404)
    contact_id = find_contact(reading(), me().workspace_id, public_id)
    month = request.args.get("month", type=int)
    part = Part(request.args.get("group") or None, month if month in range(1, 13) else None)
    return page(
        "web/statement.html",
        contact=load_contact(reading(), contact_id),
        statement=load_statement(reading(), contact_id, year, part),
        balances=load_balances(reading(), contact_id),
        years=list_years(reading(), contact_id),
        today=local_date(runtime().now(), me().time_zone),
        month_name=partial(month_name, _=my_words()),
    )


@blueprint.post("/<public_id>/note")
@signed_in
def write(public_id: str) -> ResponseReturnValue:
    """Keep a note about somebody."""
    person, form = load_person(reading(), me().workspace_id, public_id), posted(NoteForm)
    return answer(form, lambda: _write(public_id, form), lambda: _show(person, note=form))


@blueprint.post("/<public_id>/email")
@signed_in
def change_email(public_id: str) -> ResponseReturnValue:
    """Give, correct or remove an address."""
    person, form = load_person(reading(), me().workspace_id, public_id), posted(EmailForm)
    return answer(form, lambda: _change_email(public_id, form), lambda: _show(person, email=form))


@blueprint.post("/<public_id>/resubscribe")
@signed_in
def resubscribe(public_id: str) -> ResponseReturnValue:
    """Let requests go to somebody again who asked for it."""
    contact = load_contact(reading(), find_contact(reading(), me().workspace_id, public_id))
    if contact.address_id is None:
        return _done(public_id, Phrase("There is no address to write to."))
    with runtime().transaction() as session:
        resubscribe_address(session, contact.address_id, by=by_me(), now=runtime().now())
    return _done(public_id, Phrase("Requests go to this address again."))


@blueprint.post("/<public_id>/link")
@signed_in
def give_link(public_id: str) -> ResponseReturnValue:
    """Make the pay link good for another 14 days, or make one."""
    return _do(public_id, give_pay_link, Phrase("The link is good for 14 days."))


@blueprint.post("/<public_id>/link/revoke")
@signed_in
def revoke_link(public_id: str) -> ResponseReturnValue:
    """Make the pay link dead."""
    return _do(public_id, take_pay_link, Phrase("The link is dead. The next message carries another one."))


def _add(form: NewPersonForm) -> ResponseReturnValue:
    name, press = form.name.data or "", this_press()
    with runtime().transaction() as session:
        contact_id = find_made(session, me().workspace_id, press, by=by_me())
        if contact_id is None:
            now = runtime().now()
            contact_id = add_contact(
                session, me().workspace_id, name=name, by=by_me(), now=now, press=press
            ).id
        public_id = load_contact(session, contact_id).public_id
    return _done(public_id, Phrase("Added. Say below how they are reached."))


def _edit(public_id: str, form: PersonForm) -> ResponseReturnValue:
    contact_id, now = find_contact(reading(), me().workspace_id, public_id), runtime().now()
    with runtime().transaction() as session:
        kept = load_contact(session, contact_id)
        values = {name: getattr(kept, name) or "" for name in ("name", "language", "time_zone")}
        values |= {name: form[name].data or "" for name in values if form.is_changed(name)}
        edit_contact(session, contact_id, **values, by=by_me(), now=now)
        if form.is_changed("collection_day"):
            set_contact_collection_day(session, contact_id, form.collection_day.data, by=by_me(), now=now)
    return _done(public_id, "Saved.")


def _write(public_id: str, form: NoteForm) -> ResponseReturnValue:
    return _do(public_id, write_note, "Saved.", note=form.note.data or "")


def _change_email(public_id: str, form: EmailForm) -> ResponseReturnValue:
    email = (form.email.data or "").strip() or None
    done = (
        Phrase("Saved; messages go there from now on.")
        if email
        else Phrase("Removed. Nothing is mailed there any more.")
    )
    answers = {"shares_mailbox": form.shares_mailbox.data, "wanted_again": form.wanted_again.data}
    contact_id = find_contact(reading(), me().workspace_id, public_id)
    with runtime().transaction() as session:
        set_email(session, contact_id, email, **answers, by=by_me(), now=runtime().now())
    return _done(public_id, done)


def _do(public_id: str, act: Callable[..., Any], done: str, **values: Any) -> ResponseReturnValue:
    contact_id = find_contact(reading(), me().workspace_id, public_id)
    with runtime().transaction() as session:
        act(session, contact_id, by=by_me(), now=runtime().now(), **values)
    return _done(public_id, done)


def _done(public_id: str, sentence: str) -> ResponseReturnValue:
    flash(sentence, "done")
    return redirect(url_for("people.show", public_id=public_id), 303)


def _show_list(form: NewPersonForm) -> str:
    search, now = searched(), runtime().now()
    today = local_date(now, me().time_zone)
    found = load_people_page(
        reading(), me().workspace_id, search=search, number=numbered(), today=today, now=now
    )
    return page("web/people.html", found=found, search=search, form=form, groups_of=_groups_of)


def _groups_of(contact: ContactRow) -> str:
    """Name the groups that somebody is in, with the day for those that they will leave."""
    _ = my_words()
    return _.listed([" ".join(filter(None, (one.group, _until(one.left_on)))) for one in contact.belongs])


def _until(day: date | None) -> str:
    _ = my_words()
    return _("(until %(day)s)", day=_.short_day(day)) if day else ""


def _show(
    person: PersonPage,
    *,
    about: PersonForm | None = None,
    email: EmailForm | None = None,
    note: NoteForm | None = None,
) -> str:
    contact = person.contact
    shown = PersonForm(
        name=contact.name,
        language=contact.language or "",
        time_zone=contact.time_zone or "",
        collection_day=contact.collection_day,
    )
    return page(
        "web/person.html",
        person=person,
        account=likely_account(reading(), contact.id),
        ahead=paid_ahead(person),
        contact=contact,
        can_be_asked=bool(person.open),
        about=about or shown,
        email=email or EmailForm(email=contact.email or ""),
        note=note or NoteForm(note=contact.note),
        link=find_pay_link(reading(), runtime().signer, contact.id, now=runtime().now()),
        chat=linking_of(contact.id, me().workspace_id),
        zones=[name for name, _ in zone_choices()],
    )


@blueprint.app_template_filter("local_day")
def local_day(instant: datetime, user: SignedIn) -> date:
    """Say on which day an instant was where the reader is."""
    return instant.astimezone(ZoneInfo(user.time_zone)).date()
