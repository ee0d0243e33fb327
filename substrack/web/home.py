"""Home: what needs the admin now, then the groups and the money that is still out."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from substrack.domain.cycles import local_date
from substrack.queries.home import load_needs
from substrack.queries.home_groups import load_cards, load_first_steps, load_out
from substrack.queries.installation import load_installation
from substrack.queries.review import load_claims
from substrack.services.installation import release_hold
from substrack.texts.bills import what_for
from substrack.web.access import signed_in
from substrack.web.pages import page
from substrack.web.reading import reading, runtime
from substrack.web.review import Retry
from substrack.web.sessions import me

blueprint = Blueprint("home", __name__)

CLAIMS_ON_HOME: Final = 5


@blueprint.get("/")
@signed_in
def show() -> str:
    """Show what waits for a decision, and how the groups stand."""
    now, workspace_id = runtime().now(), me().workspace_id
    today = local_date(now, me().time_zone)
    has_bot = runtime().settings.telegram_token is not None
    return page(
        "web/home.html",
        claims=load_claims(reading(), workspace_id, limit=CLAIMS_ON_HOME),
        needs=load_needs(reading(), workspace_id, has_bot=has_bot, today=today, now=now),
        cards=load_cards(reading(), workspace_id, today=today),
        out=load_out(reading(), workspace_id),
        steps=load_first_steps(reading(), workspace_id),
        hold=load_installation(reading()),
        is_owner=_is_owner(),
        retry=Retry(),
        what_for=what_for,
    )


@blueprint.post("/hold/release")
@signed_in
def release() -> ResponseReturnValue:
    """Let mail go out again after a hold; for the owner."""
    if not _is_owner():
        abort(404)
    with runtime().transaction() as session:
        released = release_hold(session)
    flash("Mail goes out again." if released else "Sending was not on hold; nothing was changed.", "done")
    return redirect(url_for("home.show"), 303)


def _is_owner() -> bool:
    return me().role.value == "owner"
