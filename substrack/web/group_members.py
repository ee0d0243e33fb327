"""The members of a group: who is there, with which terms, how each is reached; a page at a time."""

from __future__ import annotations

from flask import Blueprint, request

from substrack.domain.cycles import local_date
from substrack.queries.group_members import has_former_members, load_member_page
from substrack.queries.groups import find_group, load_group
from substrack.web.access import signed_in
from substrack.web.pages import page
from substrack.web.paging import numbered, searched
from substrack.web.reading import reading, runtime
from substrack.web.sessions import me

blueprint = Blueprint("group_members", __name__)


@blueprint.get("/groups/<public_id>/members")
@signed_in
def show(public_id: str) -> str:
    """List the members of a group, or with `left` those who are no longer there."""
    today = local_date(runtime().now(), me().time_zone)
    group = load_group(reading(), find_group(reading(), me().workspace_id, public_id), today=today)
    left, search = bool(request.args.get("left")), searched()
    members = load_member_page(reading(), group.id, today=today, left=left, search=search, number=numbered())
    return page(
        "web/group_members.html",
        group=group,
        members=members,
        search=search,
        left=left,
        has_former=has_former_members(reading(), group.id, today=today),
    )
