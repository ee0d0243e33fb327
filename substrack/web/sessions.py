"""The sign-in cookie: from its token to a person, by way of a row that can be listed and ended.

Flask-Login only carries the person through the request; it keeps nothing in a cookie of its own.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Flask, Request, Response, request, session
from flask_login import LoginManager, current_user

from substrack.bootstrap import DatabaseTrouble
from substrack.domain.actors import Actor
from substrack.queries.accounts import ABSOLUTE_LIMIT, SignedIn, find_session
from substrack.services.user_sessions import SEEN_EVERY, end_session_of, start_session, touch_session
from substrack.web.devices import remember_device
from substrack.web.reading import forget_commits, reading, runtime
from substrack.web.security import cookie_name

USE: Final = "session"


@dataclass(frozen=True)
class Visitor:
    """A signed-in person in the shape that Flask-Login knows."""

    signed_in: SignedIn
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        return str(self.signed_in.user_id)


def init_sessions(app: Flask) -> None:
    """Load the visitor of a request from our cookie, and from nothing else."""
    manager = LoginManager(app, add_context_processor=False)  # pages by link read no cookie
    manager.session_protection = None
    manager.request_loader(load_visitor)


def load_visitor(received: Request) -> Visitor | None:
    """Find who sent a request; note at most once an hour that they were here."""
    token = _token_of(received)
    now = runtime().now()
    row = find_session(reading(), token, now=now) if token else None
    if row is None:
        return None
    if row.seen_at <= now - SEEN_EVERY:
        _note_visit(row, now)
    return Visitor(row)


def _token_of(received: Request) -> str | None:
    return received.cookies.get(cookie_name(runtime().settings, USE))


def _note_visit(row: SignedIn, now: datetime) -> None:
    """Note that somebody was here, or leave it to the next visit: nobody waits for that."""
    with suppress(DatabaseTrouble), runtime().without_waiting().transaction() as transaction:
        touch_session(transaction, row.session_id, now=now)
    forget_commits()


def me() -> SignedIn:
    """Return who is signed in; only for `signed_in` views."""
    row: SignedIn = current_user.signed_in
    return row


def by_me() -> Actor:
    """Name the person who is signed in as the actor of what the view does."""
    return Actor.user(me().user_id)


def sign_in_browser(response: Response, user_id: int, *, confirmed_at: datetime | None = None) -> Response:
    """Start a session and hand its token to the browser that gets this response; the one it had is over.

    Only `admitting` calls it: whoever has a second step has to take that first.
    """
    if session:
        session.clear()  # the form token of whoever was here before
    with runtime().transaction() as transaction:
        if former := _token_of(request):
            end_session_of(transaction, former, now=runtime().now())
        token = start_session(
            transaction,
            user_id,
            agent=request.user_agent.string,
            now=runtime().now(),
            confirmed_at=confirmed_at,
        )
    remember_device(response, user_id)
    return hand_token(response, token)


def hand_token(response: Response, token: str) -> Response:
    """Let the browser that gets a response keep the token of its session."""
    settings = runtime().settings
    response.set_cookie(
        cookie_name(settings, USE),
        token,
        max_age=ABSOLUTE_LIMIT,
        secure=settings.is_https,
        httponly=True,
        samesite="Lax",
    )
    return response


def forget_browser(response: Response) -> Response:
    """Take the cookie back; ending the session row is the caller's."""
    session.clear()
    settings = runtime().settings
    response.delete_cookie(
        cookie_name(settings, USE), secure=settings.is_https, httponly=True, samesite="Lax"
    )
    return response
