"""The journal: who did what in the whole workspace, the newest first, and only what is looked for."""

from __future__ import annotations

from flask import Blueprint, request

from substrack.domain.actors import ActorKind
from substrack.domain.journal_kinds import JournalKind
from substrack.queries.journal import JournalFilter, list_group_names, list_user_names, load_journal
from substrack.texts.journal_words import actor_kind_name, journal_kind_name
from substrack.web.access import signed_in
from substrack.web.fields import read_key
from substrack.web.pages import page
from substrack.web.paging import searched
from substrack.web.reading import reading
from substrack.web.sessions import me
from substrack.web.story import tell_by_day

blueprint = Blueprint("journal", __name__, url_prefix="/journal")


@blueprint.get("")
@signed_in
def show() -> str:
    """Show what happened."""
    wanted = _wanted()
    journal = load_journal(reading(), me().workspace_id, wanted, before=read_key(request.args.get("before")))
    groups = list_group_names(reading(), me().workspace_id)
    return page(
        "web/journal.html",
        wanted=wanted,
        journal=journal,
        days=tell_by_day(journal.rows),
        groups=groups,
        group_name=next((one.name for one in groups if one.public_id == wanted.group), None),
        users=list_user_names(reading(), me().workspace_id),
        kinds=JournalKind,
        actors=OTHER_ACTORS,
        kind_name=journal_kind_name,
        actor_name=actor_kind_name,
        is_filtered=wanted != JournalFilter(),
    )


OTHER_ACTORS = tuple(kind for kind in ActorKind if kind is not ActorKind.USER)
"""Whom to choose beside the admins by name."""


def _wanted() -> JournalFilter:
    by = searched("by")
    actor = next((kind for kind in OTHER_ACTORS if kind.value == by), None)
    return JournalFilter(
        group=searched("group"),
        person=searched("person"),
        kind=next((kind for kind in JournalKind if kind.value == request.args.get("kind")), None),
        actor=actor,
        user="" if actor else by,
    )
