"""Becoming a user: the first owner by the setup link, everybody else by an invitation."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms import PasswordField, SelectField, StringField

from substrack.domain.actors import Actor, ActorKind, Via
from substrack.services.founding import RegistrationClosed, create_first_owner, open_setup
from substrack.services.invitations import Invitation, accept_invite, open_invite
from substrack.services.links import DeadLink
from substrack.services.passwords import hash_new_password
from substrack.web.access import by_link, signs_in_by_link
from substrack.web.admitting import admit
from substrack.web.fields import line
from substrack.web.forms import PageForm, answer, email_field, posted, required
from substrack.web.pages import bare_page, bare_words
from substrack.web.reading import reading, runtime

blueprint = Blueprint("joining", __name__)

WHOEVER_HOLDS_THE_SETUP_LINK = Actor(ActorKind.OPERATOR, Via.LINK)


@cache
def zone_choices() -> list[tuple[str, str]]:
    """List the zones that are named after places, and UTC."""
    places = {
        name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))
    }
    return [(name, name.replace("_", " ")) for name in ("UTC", *sorted(places))]


class InviteForm(PageForm):
    """How the new admin is called and signs in."""

    name = StringField("Your name", required("Enter your name.", maximum=100))
    password = PasswordField("Password", required("Choose a password.", maximum=1000))

    def __init__(self, *data: Any, **shown: Any) -> None:
        super().__init__(*data, **shown)
        if not runtime().settings.local_sign_in:
            del self.password


class SetupForm(InviteForm):
    """All that a new installation has to know."""

    email = email_field("Your email address")
    workspace_name = line("A name for all this", maximum=100)
    time_zone = SelectField("Time zone", choices=lambda: zone_choices())


@blueprint.get("/setup/<token>")
@by_link
def ask_setup(token: str) -> ResponseReturnValue:
    """Show the form of a new installation."""
    try:
        open_setup(reading(), runtime().signer, token, now=runtime().now())
    except RegistrationClosed:
        return redirect(url_for("auth.ask_sign_in"))
    return _show_setup(SetupForm(time_zone="Europe/Berlin"))


@blueprint.post("/setup/<token>")
@signs_in_by_link
def set_up(token: str) -> ResponseReturnValue:
    """Make the workspace and its owner, and sign them in."""
    form = posted(SetupForm)
    open_setup(reading(), runtime().signer, token, now=runtime().now())
    return answer(form, lambda: _set_up(form, token), lambda: _show_setup(form))


@blueprint.get("/invite/<token>")
@by_link
def ask_invited(token: str) -> ResponseReturnValue:
    """Show who is invited, and where to; who has accepted goes home, should they come back."""
    try:
        invitation = _open_invite(token)
    except DeadLink:
        if current_user.is_authenticated:
            return redirect(url_for("home.show"))
        raise
    return _show_invite(InviteForm(name=invitation.name), invitation)


@blueprint.post("/invite/<token>")
@signs_in_by_link
def accept(token: str) -> ResponseReturnValue:
    """Make the invited person an admin, and sign them in."""
    form, invitation = posted(InviteForm), _open_invite(token)
    return answer(form, lambda: _accept(form, token, invitation), lambda: _show_invite(form, invitation))


def _set_up(form: SetupForm, token: str) -> Response:
    name, email = form.name.data or "", form.email.data or ""
    called = (form.workspace_name.data or "").strip() or _called_after(name)
    password_hash = _hash(form, email=email, workspace=called)
    with runtime().transaction() as session:
        founded = create_first_owner(
            session,
            runtime().signer,
            token,
            workspace_name=called,
            time_zone=form.time_zone.data or "",
            name=name,
            email=email,
            password_hash=password_hash,
            language=bare_words().locale,
            by=WHOEVER_HOLDS_THE_SETUP_LINK,
            now=runtime().now(),
        )
    return _welcome(founded.user_id)


def _called_after(name: str) -> str:
    """Name a workspace that was given no name after who sets it up."""
    return bare_words()("%(name)s’s subscriptions", name=name.strip()[:60])


def _accept(form: InviteForm, token: str, invitation: Invitation) -> Response:
    name = form.name.data or ""
    password_hash = _hash(form, email=invitation.email, workspace=invitation.workspace_name)
    with runtime().transaction() as session:
        user_id = accept_invite(
            session, runtime().signer, token, name=name, password_hash=password_hash, now=runtime().now()
        )
    return _welcome(user_id)


def _hash(form: InviteForm, *, email: str, workspace: str) -> str | None:
    """Hash the password that was chosen; None where a provider signs in."""
    if "password" not in form:
        return None
    return hash_new_password(
        form.password.data or "", email=email, name=form.name.data or "", workspace=workspace
    )


def _welcome(user_id: int) -> Response:
    return admit(user_id, url_for("home.show"))


def _open_invite(token: str) -> Invitation:
    return open_invite(reading(), runtime().signer, token, now=runtime().now())


def _show_setup(form: SetupForm) -> str:
    return bare_page("web/setup.html", form=form)


def _show_invite(form: InviteForm, invitation: Invitation) -> str:
    return bare_page("web/invite.html", form=form, invitation=invitation)
