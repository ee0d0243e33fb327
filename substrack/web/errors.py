"""Calm answers to what goes wrong: not found, refused, too late, broken (see `unavailable` for the database).

These pages ask the database for nothing, so that they can be shown when it is gone.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, flash, make_response, redirect, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from substrack.domain.errors import Conflict, NotFound, Phrase, Refused
from substrack.queries.accounts import registration_is_open
from substrack.services.links import DeadLink
from substrack.texts.refusals import in_words
from substrack.web.access import Access, access_of, can_be_gone_to, host_in
from substrack.web.pages import bare_page, bare_words, my_words
from substrack.web.reading import reading
from substrack.web.unavailable import init_unavailable

WORDS: dict[int, tuple[str, str]] = {
    403: (Phrase("This came from another site"), Phrase("Open SubsTrack itself and try again.")),
    404: (Phrase("Nothing here"), Phrase("The page does not exist, or it is not yours to see.")),
    405: (Phrase("That does not work this way"), Phrase("Go back and use the button on the page.")),
    413: (
        Phrase("Too much at once"),
        Phrase("Nothing was changed. Go back, and send less text or a smaller file."),
    ),
    500: (
        Phrase("Something broke"),
        Phrase("It is our fault and has been noted. Nothing was half done; try again in a while."),
    ),
}
OTHERWISE = (Phrase("That did not work"), Phrase("Go back and try again."))


def init_errors(app: Flask) -> None:
    """Register an answer for each kind of error."""
    app.register_error_handler(DeadLink, answer_dead_link)
    app.register_error_handler(NotFound, lambda _error: error_page(404))
    app.register_error_handler(Refused, answer_refusal)
    app.register_error_handler(CSRFError, answer_old_form)
    app.register_error_handler(HTTPException, answer_http_error)
    init_unavailable(app)


def error_page(
    status: int, title: str | None = None, sentence: str | None = None, *, back: str | None = None
) -> Response:
    """Write one calm page about a status; `back` is where to go on, by default the start."""
    words = WORDS.get(status, OTHERWISE)
    html = bare_page("web/error.html", title=title or words[0], sentence=sentence or words[1], back=back)
    return make_response(html, status)


def answer_dead_link(_error: DeadLink) -> ResponseReturnValue:
    """Say the same about every link that opens nothing; of a setup link, where there is a newer one."""
    is_for_setup = request.endpoint in ("joining.ask_setup", "joining.set_up")
    has_newer = is_for_setup and registration_is_open(reading())
    return make_response(bare_page("web/dead_link.html", has_newer=has_newer), 404)


def answer_refusal(error: Refused) -> ResponseReturnValue:
    """Take an admin back to the page of the button they pressed; anyone else gets the sentence as a page."""
    back = page_before()
    if back is None or access_of(current_app, request.endpoint or "") != Access.SIGNED_IN:
        status = HTTPStatus.CONFLICT if isinstance(error, Conflict) else HTTPStatus.UNPROCESSABLE_ENTITY
        return error_page(status, title=Phrase("That can't be done"), sentence=in_words(error, bare_words()))
    flash(in_words(error, my_words()), "refused")
    return redirect(back, 303)


def answer_old_form(_error: CSRFError) -> ResponseReturnValue:
    """Refuse a form without the token of this session."""
    return error_page(
        400,
        title=Phrase("This page is out of date"),
        sentence=Phrase("You signed in anew since. Load the page again and repeat."),
    )


def answer_http_error(error: HTTPException) -> ResponseReturnValue:
    """Give Werkzeug's errors our looks, keeping their headers (a redirect's Location, 405's Allow)."""
    if error.response is not None or error.code is None or error.code < 400:
        return error
    response = error_page(error.code)
    response.headers.extend([header for header in error.get_headers() if header[0] != "Content-Type"])
    return response


def page_before() -> str | None:
    """Return the path of our own page that sent this form, as the Referer header tells it, if it has one."""
    referrer = request.referrer or ""
    if host_in(referrer) != request.host or request.method in ("GET", "HEAD"):
        return None
    before = urlsplit(referrer)
    if not can_be_gone_to(before.path.removeprefix(request.script_root)):
        return None
    return f"{before.path}?{before.query}" if before.query else before.path
