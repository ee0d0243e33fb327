"""Forgotten passwords: ask for a link, and use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Final

from flask import Blueprint, Response, url_for
from flask.typing import ResponseReturnValue
from wtforms import PasswordField

from substrack.services.passwords import hash_new_password
from substrack.services.resets import ResetAccount, open_reset, request_reset, reset_password
from substrack.services.tries import RESET, TooManyTries, reserve_try
from substrack.web.access import by_link, public, signs_in_by_link, with_passwords
from substrack.web.admitting import admit
from substrack.web.forms import PageForm, answer, email_field, posted, required
from substrack.web.pages import bare_page
from substrack.web.reading import reading, runtime
from substrack.web.trying import asker

blueprint = Blueprint("recovery", __name__)

ANSWER_SECONDS: Final = 0.2
"""Long enough to queue a mail; whoever has no account waits as long."""


class AskForm(PageForm):
    """Whose password is forgotten."""

    email = email_field()


class ResetForm(PageForm):
    """The password from now on."""

    password = PasswordField("New password", required("Choose a password.", maximum=1000))


@blueprint.get("/reset")
@public
@with_passwords
def ask() -> str:
    """Ask for the address to mail a link to."""
    return bare_page("web/reset_ask.html", form=AskForm())


@blueprint.post("/reset")
@public
@with_passwords
def send() -> ResponseReturnValue:
    """Mail a link, if the address is an account's; say the same either way."""
    form = posted(AskForm)
    return answer(form, lambda: _send(form), lambda: bare_page("web/reset_ask.html", form=form))


@blueprint.get("/reset/<token>")
@by_link
@with_passwords
def choose(token: str) -> str:
    """Show the form for a new password."""
    return _show(ResetForm(), _open(token))


@blueprint.post("/reset/<token>")
@signs_in_by_link
@with_passwords
def reset(token: str) -> ResponseReturnValue:
    """Store the new password, sign out everywhere else and in here."""
    form, account = posted(ResetForm), _open(token)
    return answer(form, lambda: _reset(form, token, account), lambda: _show(form, account))


def _send(form: AskForm) -> ResponseReturnValue:
    now = runtime().now()
    with taking_at_least(ANSWER_SECONDS), suppress(TooManyTries), runtime().transaction() as session:
        reserve_try(session, asker("reset"), RESET, now=now)
        request_reset(session, email=form.email.data or "", now=now)
    return bare_page("web/reset_sent.html")


@contextmanager
def taking_at_least(seconds: float) -> Iterator[None]:
    """Let whatever happens within take so long, so that its time does not tell what it was."""
    began = monotonic()
    yield
    sleep(max(0.0, began + seconds - monotonic()))


def _reset(form: ResetForm, token: str, account: ResetAccount) -> Response:
    password_hash = hash_new_password(form.password.data or "", email=account.email, name=account.name)
    with runtime().transaction() as session:
        reset_password(session, runtime().signer, token, password_hash=password_hash, now=runtime().now())
    return admit(account.user_id, url_for("home.show"))


def _open(token: str) -> ResetAccount:
    return open_reset(reading(), runtime().signer, token, now=runtime().now())


def _show(form: ResetForm, account: ResetAccount) -> str:
    return bare_page("web/reset.html", form=form, account=account)
