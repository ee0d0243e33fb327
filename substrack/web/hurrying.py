"""A request that waits for the hours in which people are asked: one press sends it now."""

from __future__ import annotations

from flask import Blueprint, flash
from flask.typing import ResponseReturnValue

from substrack.domain.errors import Phrase
from substrack.queries.people import find_contact
from substrack.services.hurrying import hurry_request
from substrack.web.access import signed_in
from substrack.web.decisions import back
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("hurrying", __name__)


@blueprint.post("/people/<public_id>/ask/now")
@signed_in
def send_now(public_id: str) -> ResponseReturnValue:
    """Let the request to somebody that waits go out now; a second press changes nothing."""
    contact_id = find_contact(reading(), me().workspace_id, public_id)
    with runtime().transaction() as session:
        is_moved = hurry_request(session, contact_id, by=by_me(), now=runtime().now())
    went = (
        Phrase("The request goes out now.")
        if is_moved
        else Phrase("It was on its way already; nothing was changed.")
    )
    flash(went, "done")
    return back("home.show")
