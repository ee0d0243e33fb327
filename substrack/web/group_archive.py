"""The archive: what stops and what is still owed is said before a group is put away; it can come back."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from substrack.domain.cycles import local_date
from substrack.domain.errors import Phrase
from substrack.queries.group_rest import load_rest
from substrack.queries.groups import find_group, load_group
from substrack.services.groups import archive_group, restore_group
from substrack.texts.home import who_is_missing
from substrack.web.access import signed_in
from substrack.web.pages import my_words, page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("group_archive", __name__, url_prefix="/groups")


@blueprint.get("/<public_id>/archive")
@signed_in
def ask(public_id: str) -> ResponseReturnValue:
    """Say what putting a group away stops and what stays owed; one that is there already is only shown."""
    group_id = find_group(reading(), me().workspace_id, public_id)
    group = load_group(reading(), group_id, today=local_date(runtime().now(), me().time_zone))
    if group.state == "archived":
        return redirect(url_for("groups.show", public_id=public_id), 303)
    rest = load_rest(reading(), group)
    owing = who_is_missing(rest.names, rest.others, my_words())
    return page("web/group_archive.html", group=group, rest=rest, owing=owing)


@blueprint.post("/<public_id>/archive")
@signed_in
def archive(public_id: str) -> ResponseReturnValue:
    """Put a group away."""
    with runtime().transaction() as session:
        archive_group(session, _key(public_id), by=by_me(), now=runtime().now())
    flash(Phrase("Archived. Its history stays, and what is open stays owed."), "done")
    return redirect(url_for("groups.show", public_id=public_id), 303)


@blueprint.post("/<public_id>/restore")
@signed_in
def restore(public_id: str) -> ResponseReturnValue:
    """Take a group out of the archive."""
    with runtime().transaction() as session:
        restore_group(session, _key(public_id), by=by_me(), now=runtime().now())
    flash(Phrase("The group is back."), "done")
    return redirect(url_for("groups.show", public_id=public_id), 303)


def _key(public_id: str) -> int:
    return find_group(reading(), me().workspace_id, public_id)
