"""Settings: how all this is called and tells the time, what new groups begin with, and how mail is doing.

One's own account, the admins and Telegram are settings too, by modules of their own.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, SelectField, StringField

from substrack.domain.currencies import EXPONENTS
from substrack.domain.errors import Phrase
from substrack.domain.group_defaults import GroupDefaults
from substrack.domain.shares import PartPeriod
from substrack.queries.collection_days import find_collection_day
from substrack.queries.mail_status import load_mail_status
from substrack.queries.people import load_contact
from substrack.queries.workspaces import load_workspace_settings
from substrack.services.collection_day import set_workspace_collection_day
from substrack.services.messages import send_mail_test
from substrack.services.workspaces import edit_workspace, set_group_defaults
from substrack.texts.request_rules import grace_help
from substrack.web.access import signed_in
from substrack.web.fields import one_of, optional_whole, whole
from substrack.web.forms import PageForm, answer, posted, required
from substrack.web.group_forms import PARTS
from substrack.web.joining import zone_choices
from substrack.web.pages import flash_sent, my_words, page
from substrack.web.profile import language_choices
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("settings", __name__, url_prefix="/settings")


class WorkspaceForm(PageForm):
    """What everybody here has in common."""

    name = StringField("A name for all this", required("Enter a name.", maximum=100))
    language = SelectField("Language", choices=language_choices)
    time_zone = StringField("Time zone", required("Choose a time zone, such as Europe/Berlin.", maximum=64))
    collection_day = optional_whole("Collection day")


class DefaultsForm(PageForm):
    """What the form of a new group begins with."""

    currency = StringField("Currency", required("Choose a currency, such as EUR.", maximum=20))
    grace_days = whole("First request after (days)")
    repeat_every_days = whole("Repeat every (days)")
    max_requests = whole("At most (requests)")
    overdue_after_days = whole("Overdue after (days)")
    hour = whole("At what hour (0–23)")
    payer_included = BooleanField("The payer shares the price")
    part_period = one_of("Who joins or leaves midway", PARTS, default=PartPeriod.NEXT)

    def defaults(self, kept: GroupDefaults) -> GroupDefaults:
        """Read what was typed over what is kept; whether it makes sense, the service says."""
        typed = {name: field.data for name, field in self._fields.items() if self.is_changed(name)}
        if "part_period" in typed:
            typed["part_period"] = PartPeriod(typed["part_period"])
        return replace(kept, **typed)


@blueprint.get("")
@signed_in
def show() -> str:
    """Show what everybody here has in common."""
    kept = load_workspace_settings(reading(), me().workspace_id)
    return _show(WorkspaceForm(obj=kept))


@blueprint.post("")
@signed_in
def edit() -> ResponseReturnValue:
    """Change name, language and time zone."""
    form = posted(WorkspaceForm)
    return answer(form, lambda: _edit(form), lambda: _show(form))


@blueprint.get("/groups")
@signed_in
def show_defaults() -> str:
    """Show what new groups begin with."""
    kept = load_workspace_settings(reading(), me().workspace_id).group_defaults
    return _show_defaults(DefaultsForm(**kept.as_dict()))


@blueprint.post("/groups")
@signed_in
def edit_defaults() -> ResponseReturnValue:
    """Change what new groups begin with; those that exist stay as they are."""
    form = posted(DefaultsForm)
    return answer(form, lambda: _edit_defaults(form), lambda: _show_defaults(form))


@blueprint.get("/mail")
@signed_in
def show_mail() -> str:
    """Say how mail is doing, and by which server it goes."""
    settings, contact = runtime().settings, load_contact(reading(), me().contact_id)
    return page(
        "web/settings_mail.html",
        relay=urlsplit(settings.smtp_url).hostname if settings.smtp_url else None,
        sender=settings.mail_from,
        mail=load_mail_status(reading(), me().workspace_id, me().contact_id),
        contact=contact,
    )


@blueprint.post("/mail/test")
@signed_in
def send_mail() -> ResponseReturnValue:
    """Send a test to one's own mailbox."""
    with runtime().transaction() as session:
        send_mail_test(session, me().contact_id, by=by_me(), now=runtime().now())
    flash_sent(
        Phrase("A test is on its way to your mailbox."),
        Phrase("The test is written, and kept here: no mail server is set, so it is not sent."),
    )
    return redirect(url_for("settings.show_mail"), 303)


def _edit(form: WorkspaceForm) -> ResponseReturnValue:
    now = runtime().now()
    with runtime().transaction() as session:
        kept = load_workspace_settings(session, me().workspace_id)
        typed = {name: getattr(kept, name) for name in ("name", "language", "time_zone")}
        typed |= {name: form[name].data or "" for name in typed if form.is_changed(name)}
        edit_workspace(session, me().workspace_id, **typed, by=by_me(), now=now)
        if form.is_changed("collection_day"):
            day = form.collection_day.data
            set_workspace_collection_day(session, me().workspace_id, day, by=by_me(), now=now)
    flash("Saved.", "done")
    return redirect(url_for("settings.show"), 303)


def _edit_defaults(form: DefaultsForm) -> ResponseReturnValue:
    with runtime().transaction() as session:
        kept = load_workspace_settings(session, me().workspace_id).group_defaults
        defaults = form.defaults(kept)
        set_group_defaults(session, me().workspace_id, defaults, by=by_me(), now=runtime().now())
    flash("Saved. Groups that exist stay as they are.", "done")
    return redirect(url_for("settings.show_defaults"), 303)


def _show(form: WorkspaceForm) -> str:
    return page("web/settings.html", form=form, zones=[name for name, _ in zone_choices()])


def _show_defaults(form: DefaultsForm) -> str:
    return page(
        "web/settings_groups.html",
        form=form,
        currencies=sorted(EXPONENTS),
        grace_help=grace_help(find_collection_day(reading(), me().workspace_id), my_words()),
    )
