"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms import HiddenField, PasswordField
from wtforms.validators import InputRequired

from substrack.queries.accounts import email_key, find_credentials, registration_is_open
from substrack.services.tries import SIGN_IN
from substrack.services.user_sessions import authenticate, end_session
from substrack.web.access import local_path, public, signed_in
from substrack.web.forms import PageForm, answer, email_field, posted
from substrack.web.pages import bare_page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import forget_browser, me, sign_in_browser
from substrack.web.trying import subjects_of, trying

blueprint = Blueprint("auth", __name__)


class SignInForm(PageForm):
    """Who someone says they are, and where they were going."""

    email = email_field()
    password = PasswordField("Password", [InputRequired("Enter your password.")])
    next = HiddenField()


@blueprint.get("/sign-in")
@public
def ask_sign_in() -> ResponseReturnValue:
    """Show the sign-in form, unless this browser is signed in."""
    if current_user.is_authenticated:
        return redirect(url_for("home.show"))
    return _show(SignInForm(next=request.args.get("next")))


@blueprint.post("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    """Start a session, and go on to the page that was wanted."""
    form = posted(SignInForm)
    return answer(form, lambda: _sign_in(form), lambda: _show(form))


@blueprint.post("/sign-out")
@signed_in
def sign_out() -> Response:
    """End this browser's session."""
    now = runtime().now()
    with runtime().transaction() as session:
        end_session(session, me().user_id, public_id=me().session_public_id, now=now)
    return forget_browser(Response(status=303, headers={"Location": url_for("auth.ask_sign_in")}))


def _sign_in(form: SignInForm) -> Response:
    email, password = form.email.data or "", form.password.data or ""
    known = find_credentials(reading(), email)
    subjects = subjects_of("sign-in", email_key(email), user_id=known.user_id if known else None)
    with trying(subjects, SIGN_IN):
        found = authenticate(known, password)
    target = local_path(form.next.data) or url_for("home.show")
    response = Response(status=303, headers={"Location": target})
    return sign_in_browser(response, found.user_id, renewed_hash=found.renewed_hash)


def _show(form: SignInForm) -> str:
    return bare_page("web/sign_in.html", form=form, is_new=registration_is_open(reading()))
