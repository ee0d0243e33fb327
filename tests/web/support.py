"""What tests of pages share: a clock to turn, a browser to steer, the hidden token of a form."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime
from substrack.domain.actors import OPERATOR
from substrack.services.founding import Founded, found_workspace
from substrack.services.user_sessions import start_session
from substrack.settings import Settings
from substrack.store import RoleGrant
from substrack.web.security import cookie_name
from tests.support.furnishing import put_in

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
PASSWORD = "seven quiet otters"
HASH = PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)


@dataclass
class TurnableClock:
    """A clock that stands still until it is turned."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def turn(self, by: timedelta) -> None:
        self.now += by


@dataclass
class Browser:
    """One browser: it keeps cookies, and sends a form with the token of the page it is on."""

    client: FlaskClient
    settings: Settings

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, buffered=True)

    def post(self, path: str, *, page: str | None = None, **fields: str) -> TestResponse:
        """Send a form; `page` is where it is on, by default the page whose path it posts to."""
        shown = self.client.get(page or path)
        token = form_token(shown.text)
        return self.client.post(path, data=fields | ({"csrf_token": token} if token else {}))

    def sign_in(self, runtime: Runtime, user_id: int, agent: str = "Test browser") -> None:
        with runtime.transaction() as session:
            token = start_session(session, user_id, agent=agent, now=runtime.now())
        self.client.set_cookie(cookie_name(self.settings, "session"), token)

    @property
    def is_signed_in(self) -> bool:
        return self.get("/profile").status_code == 200


def browser(app: Flask, runtime: Runtime) -> Browser:
    """Open a browser with no cookies."""
    return Browser(app.test_client(), runtime.settings)


def form_token(page: str) -> str | None:
    """Find the hidden token of the first form on a page that has one."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    return found[1] if found else None


def found_home(runtime: Runtime) -> Founded:
    """Make olga's workspace, or find her at home."""
    with runtime.transaction() as session:
        owner = session.scalars(select(RoleGrant).order_by(RoleGrant.id)).first()
        if owner is not None:
            return Founded(owner.workspace_id, owner.user_id)
        return found_workspace(
            session,
            workspace_name="Home",
            time_zone="Europe/Berlin",
            name="Olga",
            email="olga@example.org",
            password_hash=HASH,
            by=OPERATOR,
            now=runtime.now(),
        )


def house_olga(url: str) -> None:
    """Let olga live in the database at a URL since the pages' clock began."""
    put_in(url, lambda runtime: found_home(replace(runtime, clock=TurnableClock())))
