"""One's own account: name, language, time zone, password, and where one is signed in."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from wtforms import PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from substrack.queries.accounts import list_sessions
from substrack.queries.people import load_contact
from substrack.services.accounts import change_password, edit_profile
from substrack.services.passwords import hash_new_password
from substrack.services.user_sessions import end_session, end_sessions
from substrack.texts.browsers import browser_name
from substrack.texts.catalogue import LANGUAGE_NAMES
from substrack.web.access import signed_in, with_passwords
from substrack.web.chats import my_linking
from substrack.web.confirming import check_password
from substrack.web.fields import line
from substrack.web.forms import PageForm, answer, posted, required
from substrack.web.joining import zone_choices
from substrack.web.pages import page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("profile", __name__, url_prefix="/profile")


def language_choices() -> list[tuple[str, str]]:
    """List the languages, each called as it calls itself."""
    return list(LANGUAGE_NAMES.items())


class ProfileForm(PageForm):
    """How one is called, reads, and tells the time."""

    name = StringField("Name", required("Enter your name.", maximum=100))
    language = SelectField("Language", choices=language_choices)
    time_zone = line("Time zone", maximum=64)


class PasswordForm(PageForm):
    """The old password as proof, with a code when the second step is on, and the new one."""

    current_password = PasswordField("Current password", [InputRequired("Enter your current password.")])
    code = StringField("Code from the app", [Length(max=40)])
    password = PasswordField("New password", required("Choose a password.", maximum=1000))


@blueprint.get("")
@signed_in
def show() -> str:
    """Show the account with its forms."""
    return _show()


@blueprint.post("")
@signed_in
def edit() -> ResponseReturnValue:
    """Change name and language."""
    form = posted(ProfileForm)
    return answer(form, lambda: _edit(form), lambda: _show(profile=form))


@blueprint.post("/password")
@signed_in
@with_passwords
def set_password() -> ResponseReturnValue:
    """Change the password, and sign out everywhere else."""
    form = posted(PasswordForm)
    return answer(form, lambda: _set_password(form), lambda: _show(password=form))


@blueprint.post("/sessions/<public_id>/end")
@signed_in
def sign_out_elsewhere(public_id: str) -> ResponseReturnValue:
    """End one session."""
    with runtime().transaction() as session:
        end_session(session, me().user_id, public_id=public_id, now=runtime().now())
    flash("Signed out there.", "done")
    return redirect(url_for("profile.show"), 303)


@blueprint.post("/sessions/end")
@signed_in
def sign_out_everywhere_else() -> ResponseReturnValue:
    """End all sessions but the one that asks for it."""
    with runtime().transaction() as session:
        end_sessions(session, me().user_id, now=runtime().now(), except_id=me().session_id)
    flash("Signed out everywhere else.", "done")
    return redirect(url_for("profile.show"), 303)


def _edit(form: ProfileForm) -> ResponseReturnValue:
    with runtime().transaction() as session:
        edit_profile(
            session,
            me().user_id,
            name=form.name.data or "",
            language=form.language.data,
            time_zone=(form.time_zone.data or "").strip(),
            by=by_me(),
            now=runtime().now(),
        )
    flash("Saved.", "done")
    return redirect(url_for("profile.show"), 303)


def _set_password(form: PasswordForm) -> ResponseReturnValue:
    check_password(form.current_password.data or "", form.code.data or "")
    password_hash = hash_new_password(
        form.password.data or "", email=me().email, name=me().name, workspace=me().workspace_name
    )
    with runtime().transaction() as session:
        change_password(
            session,
            me().user_id,
            password_hash=password_hash,
            keep_session_id=me().session_id,
            by=by_me(),
            now=runtime().now(),
        )
    flash("Password changed. All other browsers are signed out.", "done")
    return redirect(url_for("profile.show"), 303)


def _show(*, profile: ProfileForm | None = None, password: PasswordForm | None = None) -> str:
    zone = load_contact(reading(), me().contact_id).time_zone
    return page(
        "web/profile.html",
        profile=profile or ProfileForm(name=me().name, language=me().language, time_zone=zone or ""),
        password=password or PasswordForm(),
        chat=my_linking(),
        has_passwords=runtime().settings.local_sign_in,
        sessions=list_sessions(reading(), me().user_id, now=runtime().now(), current_id=me().session_id),
        browser_name=browser_name,
        zones=[name for name, _ in zone_choices()],
    )
