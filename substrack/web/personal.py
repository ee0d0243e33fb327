"""People's data: all that is known about one person, to hand it to them.

Only under a fresh password: whoever sits down at an open browser shall not walk off with it.
"""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from substrack.queries.people import find_contact, load_contact
from substrack.queries.personal_export import load_personal_data
from substrack.texts.personal import data_archive
from substrack.web.access import signed_in
from substrack.web.confirming import ask_password, needs_password
from substrack.web.pages import my_words, page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import me

blueprint = Blueprint("personal", __name__, url_prefix="/people")


@blueprint.get("/<public_id>/data")
@signed_in
def show(public_id: str) -> str:
    """Say what can be done about what is known of a person."""
    return page("web/personal.html", contact=load_contact(reading(), _key(public_id)))


@blueprint.post("/<public_id>/data/export")
@signed_in
def export(public_id: str) -> ResponseReturnValue:
    """Hand out everything known about a person, and the proofs they sent."""
    contact_id, now = _key(public_id), runtime().now()
    if "back" in request.form:
        return redirect(url_for("personal.show", public_id=public_id), 303)
    if needs_password():
        return ask_password(my_words()("You are getting everything that is known about somebody."))
    data = load_personal_data(reading(), contact_id)
    response = Response(data_archive(data.as_dict(now), data.files), content_type="application/zip")
    response.headers.set("Content-Disposition", "attachment", filename=f"person-{public_id}.zip")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _key(public_id: str) -> int:
    return find_contact(reading(), me().workspace_id, public_id)
