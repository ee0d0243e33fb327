"""Scenes of a member's own page: ben, on the day that a period opens, and what he does there."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime
from substrack.services.links import renew_pay_link
from substrack.store import Attempt, Payment
from tests.support.cast import Cast, at
from tests.web.support import Browser, browser

NOW = at("2026-02-01")


@dataclass
class Page:
    """Ben's page, and what he does on it."""

    browser: Browser
    url: str

    def show(self) -> TestResponse:
        return self.browser.get(self.url)

    def press(self, act: str, *payments: Payment, **fields: str) -> TestResponse:
        named = {"payment": [payment.public_id for payment in payments]}
        return self.browser.client.post(self.url, data=named | {"act": act} | fields)


def page_of(app: Flask, runtime: Runtime, cast: Cast, contact_id: int) -> Page:
    """Open somebody's page by a fresh link."""
    with runtime.transaction() as session:
        link = renew_pay_link(session, contact_id, workspace_id=cast.workspace_id, now=runtime.now())
        return Page(browser(app, runtime), runtime.signer.url(link).removeprefix("http://127.0.0.1:8000"))


def attempts(cast: Cast) -> list[Attempt]:
    """List every "I've paid", oldest first."""
    return cast.read(lambda session: list(session.scalars(select(Attempt).order_by(Attempt.id))))


def everything(runtime: Runtime) -> dict[str, list[object]]:
    """Read all that a look at a page might change."""
    tables = ("links", "payments", "events", "messages", "contacts", "attempts", "user_sessions")
    with runtime.reading() as session:
        return {
            table: [tuple(row) for row in session.execute(text(f"SELECT * FROM {table} ORDER BY id"))]
            for table in tables
        }
