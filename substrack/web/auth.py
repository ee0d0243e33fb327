"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from substrack.queries.accounts import email_key, find_credentials, registration_is_open
from substrack.services.second_factor import look_at_code, use_code
from substrack.services.tries import CODE, SIGN_IN
from substrack.services.user_sessions import authenticate, end_session, keep_renewed_hash
from substrack.web.access import local_path, public, signed_in, with_passwords
from substrack.web.admitting import HalfWay, admit, finish, half_way
from substrack.web.forms import PageForm, answer, email_field, posted, required
from substrack.web.pages import bare_page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import forget_browser, me
from substrack.web.trying import subjects_of, trying

blueprint = Blueprint("auth", __name__)


class SignInForm(PageForm):
    """Who someone says they are, and where they were going."""

    email = email_field()
    password = PasswordField("Password", [InputRequired("Enter your password.")])
    next = HiddenField()


class CodeForm(PageForm):
    """The second step: a code of the app, or one on paper."""

    code = StringField("Code", required("Type the code.", maximum=40))


@blueprint.get("/sign-in")
@public
def ask_sign_in() -> ResponseReturnValue:
    """Show the sign-in form, unless this browser is signed in."""
    if current_user.is_authenticated:
        return redirect(url_for("home.show"))
    return _show(SignInForm(next=request.args.get("next")))


@blueprint.post("/sign-in")
@public
@with_passwords
def sign_in() -> ResponseReturnValue:
    """Start a session, and go on to the page that was wanted."""
    form = posted(SignInForm)
    return answer(form, lambda: _sign_in(form), lambda: _show(form))


@blueprint.get("/sign-in/code")
@public
def ask_code() -> ResponseReturnValue:
    """Ask for the second step of whoever has just taken the first."""
    if half_way() is None:
        return redirect(url_for("auth.ask_sign_in"), 303)
    return _show_code(CodeForm())


@blueprint.post("/sign-in/code")
@public
def take_second_step() -> ResponseReturnValue:
    """Start a session for who brings the right code."""
    form, who = posted(CodeForm), half_way()
    if who is None:
        return redirect(url_for("auth.ask_sign_in"), 303)
    return answer(form, lambda: _take_second_step(form, who), lambda: _show_code(form))


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
    if found.renewed_hash is not None:
        with runtime().transaction() as session:
            keep_renewed_hash(session, found)
    return admit(found.user_id, local_path(form.next.data) or url_for("home.show"))


def _take_second_step(form: CodeForm, who: HalfWay) -> Response:
    code, now = form.code.data or "", runtime().now()
    with trying(subjects_of("code", str(who.user_id), user_id=who.user_id), CODE):
        right = look_at_code(reading(), runtime().sealer, who.user_id, code, now=now)
        with runtime().transaction() as session:
            use_code(session, who.user_id, right, now=now)
    return finish(who)


def _show(form: SignInForm) -> str:
    settings = runtime().settings
    return bare_page(
        "web/sign_in.html",
        form=form,
        is_new=registration_is_open(reading()),
        provider=settings.oidc_label if settings.oidc_issuer else None,
        is_local=settings.local_sign_in,
    )


def _show_code(form: CodeForm) -> str:
    return bare_page("web/sign_in_code.html", form=form, is_on_paper="paper" in request.args)
