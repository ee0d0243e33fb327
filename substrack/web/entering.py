"""Signing in by a link that the operator has made."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from substrack.services.entering import open_entry, use_entry
from substrack.web.access import by_link, signs_in_by_link
from substrack.web.admitting import admit
from substrack.web.pages import bare_page
from substrack.web.reading import reading, runtime

blueprint = Blueprint("entering", __name__, url_prefix="/enter")


@blueprint.get("/<token>")
@by_link
def ask(token: str) -> str:
    """Show whom the link signs in; only the button does."""
    return bare_page(
        "web/enter.html", name=open_entry(reading(), runtime().signer, token, now=runtime().now())
    )


@blueprint.post("/<token>")
@signs_in_by_link
def enter(token: str) -> ResponseReturnValue:
    """Use the link up, and sign in."""
    with runtime().transaction() as session:
        user_id = use_entry(session, runtime().signer, token, now=runtime().now())
    return admit(user_id, url_for("home.show"))
