"""The second step at sign-in: turning it on with an app, its codes on paper, turning it off."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, StringField

from substrack.domain.errors import Refused
from substrack.domain.one_time_codes import enrolment_uri
from substrack.queries.accounts import load_second_factor
from substrack.services.recovery_codes import make_codes
from substrack.services.sealing import Purpose
from substrack.services.second_factor import first_code, new_secret, renew_codes, turn_off, turn_on
from substrack.texts.scan_codes import draw_outline
from substrack.web.access import signed_in
from substrack.web.confirming import ask_password, needs_password
from substrack.web.forms import PageForm, answer, posted, required
from substrack.web.pages import my_words, page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("second_factor", __name__, url_prefix="/profile/second-factor")

SET_UP_WITHIN: Final = timedelta(minutes=20)
APP_NAME: Final = "SubsTrack"


class SetUpTooSlow(Refused):
    """The page with the secret was left open for too long."""

    def __init__(self) -> None:
        super().__init__("This took a while. Begin again: scan the new picture.")


class FirstCodeForm(PageForm):
    """The first code of an app, which shows that it knows the secret; that is sealed and kept nowhere yet."""

    code = StringField("Code from the app", required("Type the six digits that the app shows.", maximum=20))
    sealed = HiddenField()


@blueprint.get("")
@signed_in
def show() -> str:
    """Show whether it is on, and what can be done."""
    is_required = runtime().settings.require_second_factor
    factor = load_second_factor(reading(), me().user_id)
    return page("web/second_factor.html", factor=factor, is_required=is_required)


@blueprint.post("/set-up")
@signed_in
def set_up() -> ResponseReturnValue:
    """Show a new secret, to be scanned or typed into an app."""
    if me().has_second_factor:
        return redirect(url_for("second_factor.show"), 303)
    if needs_password():
        return ask_password(my_words()("A second step is about to protect your account."))
    return _show_secret(new_secret(), FirstCodeForm())


@blueprint.post("")
@signed_in
def start() -> ResponseReturnValue:
    """Turn it on with the first code of the app, and show the codes on paper, once."""
    form = posted(FirstCodeForm)
    secret = _open(form.sealed.data or "")
    return answer(form, lambda: _start(form, secret), lambda: _show_secret(secret, form))


@blueprint.post("/codes")
@signed_in
def renew() -> ResponseReturnValue:
    """Make new codes for the paper, and show them, once."""
    if not me().has_second_factor:
        return redirect(url_for("second_factor.show"), 303)
    if needs_password():
        return ask_password(my_words()("New codes take the place of those you have."))
    codes = make_codes()
    with runtime().transaction() as session:
        renew_codes(session, me().user_id, codes, by=by_me(), now=runtime().now())
    return page("web/recovery_codes.html", codes=[each.text for each in codes])


@blueprint.post("/off")
@signed_in
def stop() -> ResponseReturnValue:
    """Turn it off."""
    if needs_password():
        return ask_password(my_words()("Your password alone is about to be enough again."))
    with runtime().transaction() as session:
        turn_off(session, me().user_id, by=by_me(), now=runtime().now())
    flash("The second step is off.", "done")
    return redirect(url_for("second_factor.show"), 303)


def _start(form: FirstCodeForm, secret: str) -> ResponseReturnValue:
    now, codes = runtime().now(), make_codes()
    step = first_code(secret, form.code.data or "", now=now)
    with runtime().transaction() as session:
        turn_on(
            session,
            runtime().sealer,
            me().user_id,
            secret=secret,
            step=step,
            codes=codes,
            by=by_me(),
            now=now,
        )
    return page("web/recovery_codes.html", codes=[each.text for each in codes])


def _show_secret(secret: str, form: FirstCodeForm) -> str:
    form.sealed.data = form.sealed.data or _seal(secret)  # the time to finish runs from the first look
    groups = [secret[start : start + 4] for start in range(0, len(secret), 4)]
    uri = enrolment_uri(secret, account=me().email, issuer=APP_NAME)
    return page("web/second_factor_set_up.html", form=form, groups=groups, uri=uri, picture=draw_outline(uri))


def _seal(secret: str) -> str:
    text = f"{me().user_id} {me().session_id} {secret}"
    return runtime().sealer.seal(Purpose.ENROLMENT, text, now=runtime().now())


def _open(sealed: str) -> str:
    """Read the secret that this session was shown lately: whoever has it was asked for the password."""
    text = runtime().sealer.open(Purpose.ENROLMENT, sealed, now=runtime().now(), within=SET_UP_WITHIN)
    user_id, session_id, secret = text.split() if text and text.count(" ") == 2 else ("", "", "")
    if (user_id, session_id) != (str(me().user_id), str(me().session_id)):
        raise SetUpTooSlow
    return secret
