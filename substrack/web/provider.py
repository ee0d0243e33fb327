"""Signing in at an identity provider, where the settings name one: off to it, and back with an answer.

Between the two a sealed cookie keeps what the answer has to fit; nothing is written before it does.
"""

from __future__ import annotations

import hmac
import json
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Blueprint, Flask, Response, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as BaseResponse

from substrack.channels.identity import Asking, Person, Provider, ProviderFailed
from substrack.domain.errors import Refused
from substrack.queries.accounts import FRESH_FOR
from substrack.services.identities import recognise
from substrack.services.sealing import Purpose
from substrack.services.tries import SIGN_IN
from substrack.settings import Settings
from substrack.texts.refusals import in_words
from substrack.web.access import local_path, public
from substrack.web.admitting import admit
from substrack.web.errors import error_page
from substrack.web.pages import bare_words
from substrack.web.reading import runtime
from substrack.web.security import cookie_name
from substrack.web.trying import asker, trying

blueprint = Blueprint("provider", __name__, url_prefix="/sign-in/provider")

USE: Final = "provider"
WITHIN: Final = timedelta(minutes=15)
CALLBACK: Final = "/sign-in/provider/callback"


class NotSignedIn(Refused):
    """The provider can't be reached, or its answer can't be believed."""

    def __init__(self) -> None:
        super().__init__("Signing in there did not work. Try again, or ask whoever looks after this server.")


class NotShownAgain(Refused):
    """The provider let somebody through without asking who they are."""

    def __init__(self) -> None:
        super().__init__("You were not asked there who you are. Sign out there, then try again.")


def init_provider(app: Flask, settings: Settings) -> None:
    """Get the provider ready that the settings name, if any; nobody is called yet."""
    secret = settings.oidc_client_secret
    app.extensions["substrack_provider"] = settings.oidc_issuer and Provider(
        settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        redirect_uri=settings.base_url + CALLBACK,
    )


@blueprint.get("")
@public
def ask() -> ResponseReturnValue:
    """Lead to the provider, and remember what was asked."""
    anew = "anew" in request.args
    try:
        asking = _provider().ask(anew=anew)
    except ProviderFailed:
        return _refuse(NotSignedIn())
    target = local_path(request.args.get("next")) or url_for("home.show")
    return _remember(redirect(asking.url, 303), asking, target, anew=anew)


@blueprint.get("/callback")
@public
def answer() -> ResponseReturnValue:
    """Sign in whoever comes back with an answer that fits; peeking at it (HEAD) does nothing."""
    provider, kept = _provider(), _recall()
    if request.method != "GET":
        abort(405)
    if kept is None or not _fits(provider, kept["state"]):
        return _refuse(NotSignedIn())
    try:
        with trying([asker("provider")], SIGN_IN):
            person = _answer(provider, kept)
            user_id = _recognise(person, anew=kept["anew"])
    except Refused as refused:
        return _refuse(refused)
    return _forget(admit(user_id, kept["target"], proven_at=_proven_at(person)))


def _provider() -> Provider:
    found: Provider | None = current_app.extensions["substrack_provider"] or None
    if found is None:
        abort(404)
    return found


def _fits(provider: Provider, state: str) -> bool:
    """Tell whether this is the answer to what was asked here, and from whom (RFC 9207)."""
    said = request.args.get("state", "").encode()
    is_from_there = request.args.get("iss", provider.issuer) == provider.issuer
    return hmac.compare_digest(said, state.encode()) and is_from_there and "code" in request.args


def _answer(provider: Provider, kept: dict[str, Any]) -> Person:
    code, now = request.args["code"], runtime().now()
    try:
        return provider.answer(code=code, nonce=kept["nonce"], verifier=kept["verifier"], now=now)
    except ProviderFailed:
        raise NotSignedIn from None


def _recognise(person: Person, *, anew: bool) -> int:
    if anew and (person.shown_at is None or runtime().now() - person.shown_at >= FRESH_FOR):
        raise NotShownAgain
    with runtime().transaction() as session:
        return recognise(
            session,
            issuer=person.issuer,
            subject=person.subject,
            email=person.email,
            is_verified=person.is_verified,
            now=runtime().now(),
        )


def _proven_at(person: Person) -> datetime:
    """Tell when somebody showed who they are; a provider that does not say may have asked long ago."""
    now = runtime().now()
    return min(person.shown_at, now) if person.shown_at else now - FRESH_FOR


def _refuse(refused: Refused) -> Response:
    sentence = in_words(refused, bare_words())
    return _forget(
        error_page(422, title="That did not work", sentence=sentence, back=url_for("auth.ask_sign_in"))
    )


def _remember(response: BaseResponse, asking: Asking, target: str, *, anew: bool) -> BaseResponse:
    kept = {
        "state": asking.state,
        "nonce": asking.nonce,
        "verifier": asking.verifier,
        "target": target,
        "anew": anew,
    }
    sealed = runtime().sealer.seal(Purpose.PROVIDER, json.dumps(kept), now=runtime().now())
    is_https = runtime().settings.is_https
    response.set_cookie(_name(), sealed, max_age=WITHIN, secure=is_https, httponly=True, samesite="Lax")
    return response


def _recall() -> dict[str, Any] | None:
    sealed = request.cookies.get(_name(), "")
    kept = runtime().sealer.open(Purpose.PROVIDER, sealed, now=runtime().now(), within=WITHIN)
    found: dict[str, Any] | None = json.loads(kept) if kept else None
    return found


def _forget(response: Response) -> Response:
    response.delete_cookie(_name(), secure=runtime().settings.is_https, httponly=True, samesite="Lax")
    return response


def _name() -> str:
    return cookie_name(runtime().settings, USE)
