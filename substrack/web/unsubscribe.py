"""Stopping requests to an address: one button for people, one POST for their mail programs.

RFC 8058: a mail program posts `List-Unsubscribe=One-Click` without cookies and follows no redirect; it gets
200. GET changes nothing, for scanners open links; neither does the form sent without its button, for some
scripts do that.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from substrack.domain.actors import Actor
from substrack.queries.addresses import AddressRow, load_address
from substrack.queries.finding import NotListed
from substrack.services.addresses import resubscribe, unsubscribe
from substrack.services.links import DeadLink
from substrack.services.visits import open_unsubscribe
from substrack.web.access import by_link
from substrack.web.pages import bare_page, reader_language
from substrack.web.reading import reading, runtime

blueprint = Blueprint("unsubscribe", __name__, url_prefix="/unsubscribe")

_ACTS: Final = {"unsubscribe": unsubscribe, "subscribe": resubscribe}


@blueprint.get("/<token>", strict_slashes=False)
@by_link
def show(token: str) -> ResponseReturnValue:
    """Ask for the one press that stops requests."""
    return _show(_open(token))


@blueprint.post("/<token>", strict_slashes=False)
@by_link
def stop_or_start(token: str) -> ResponseReturnValue:
    """Stop requests to the address of this link, or let them come again; both as often as one likes."""
    address = _open(token)
    by, now = Actor.contact(address.contact_id), runtime().now()
    is_one_click = request.form.get("List-Unsubscribe") == "One-Click"
    act = _ACTS.get("unsubscribe" if is_one_click else request.form.get("act", ""))
    if act is None:
        abort(400)
    with runtime().transaction() as session:
        act(session, address.id, by=by, now=now)
    reading().rollback()  # the page below says what is true after the press
    return _show(_open(token))


def _open(token: str) -> AddressRow:
    address_id = open_unsubscribe(reading(), runtime().signer, token, now=runtime().now())
    try:
        return load_address(reading(), address_id)
    except NotListed:
        raise DeadLink from None


def _show(address: AddressRow) -> str:
    language = reader_language(address.language, address.home_language)
    return bare_page("web/unsubscribe.html", language=language, address=address)
