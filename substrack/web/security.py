"""What every answer says to the browser, and how cookies are named. Decides nothing about people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from flask import Flask, Response, abort, current_app, request
from werkzeug.datastructures import MultiDict

from substrack.settings import Settings
from substrack.web.access import STATIC_FILES, Access, View, access_of

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
ON_EVERY_ANSWER: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
HSTS: Final = "max-age=31536000"
STATIC_MAX_AGE: Final = timedelta(hours=1)
MAX_TEXT_BYTES: Final = 256 * 1024
"""Enough for all text of any form; a view that takes files as well says so with `takes_file`."""

NO_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
"""What no person types and PostgreSQL stores in no text: NUL, and halves of characters."""


def configure(app: Flask, settings: Settings, keys: list[str]) -> None:
    """Set keys, cookies and limits; cookies are Secure as soon as browsers reach us by https."""
    app.config.update(
        SECRET_KEY=keys[0],
        SECRET_KEY_FALLBACKS=keys[1:],
        SUBSTRACK_BASE_URL=settings.base_url,
        SUBSTRACK_IS_HTTPS=settings.is_https,
        SUBSTRACK_LOCAL_SIGN_IN=settings.local_sign_in,
        SUBSTRACK_REQUIRE_SECOND_FACTOR=settings.require_second_factor,
        SESSION_COOKIE_NAME=cookie_name(settings, "form"),
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_CHECK_DEFAULT=False,  # `access.guard` checks, by what each view declares
        WTF_CSRF_TIME_LIMIT=None,  # a form lives as long as the session
        WTF_CSRF_SSL_STRICT=False,  # the token suffices; some people's browsers send no Referer
        MAX_CONTENT_LENGTH=MAX_TEXT_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_TEXT_BYTES,
        SEND_FILE_MAX_AGE_DEFAULT=STATIC_MAX_AGE,
    )
    app.after_request(add_headers)


def cookie_name(settings: Settings, use: str) -> str:
    """Name a cookie; `__Host-` has browsers insist on https, this host and path / (RFC 6265bis, 4.1.3)."""
    return f"__Host-substrack-{use}" if settings.is_https else f"substrack-{use}"


def takes_file(*, most_bytes: int) -> Callable[[View], View]:
    """Let a form bring a file of up to `most_bytes` to a view; its text stays as short as everywhere."""

    def declare(view: View) -> View:
        view.most_bytes = MAX_TEXT_BYTES + most_bytes  # type: ignore[attr-defined]
        return view

    return declare


def allow_files() -> None:
    """Let a request bring more than text only where a file can be in it, before anything reads its form.

    Werkzeug limits the text of a form with files, but reads any other form as a whole.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    most_bytes = getattr(view, "most_bytes", None)
    if most_bytes is not None and request.mimetype == "multipart/form-data":
        request.max_content_length = most_bytes


def refuse_no_text() -> None:
    """Turn away what cannot be text: such a page is not there, and such a form is not ours."""
    asked = (request.path, *_words_of(request.args))
    if any(NO_TEXT.search(text) for text in asked):
        abort(404)
    sent = (request.user_agent.string, *_words_of(request.form))
    if any(NO_TEXT.search(text) for text in sent):
        abort(400)


def add_headers(response: Response) -> Response:
    """Add the headers of an answer: strict for all, silent and unstored for whatever is not a public file.

    What a view has set stays: a file that somebody sent is handed out more strictly than a page.
    """
    for name, value in ON_EVERY_ANSWER.items():
        response.headers.setdefault(name, value)
    if current_app.config["SUBSTRACK_IS_HTTPS"]:
        response.headers["Strict-Transport-Security"] = HSTS
    access = access_of(current_app, request.endpoint) if request.endpoint else None
    # Without a Referer browsers send `Origin: null` as well; only link pages can do without both.
    response.headers["Referrer-Policy"] = "no-referrer" if access == Access.BY_LINK else "same-origin"
    if request.endpoint not in STATIC_FILES:
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _words_of(fields: MultiDict[str, str]) -> Iterator[str]:
    for name, value in fields.items(multi=True):
        yield name
        yield value
