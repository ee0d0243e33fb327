"""A workspace's own settings: how it is called, reads and tells the time, and what its new groups begin with.

Groups that exist keep their zone and their terms.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.cycles import check_zone
from substrack.domain.group_defaults import GroupDefaults, check_defaults
from substrack.domain.wording import clean_line
from substrack.services.access import check_admin
from substrack.services.journal import record
from substrack.services.people import check_language
from substrack.store import Workspace


def edit_workspace(
    session: Session, workspace_id: int, *, name: str, language: str, time_zone: str, by: Actor, now: datetime
) -> None:
    """Change name, language and time zone; the same again writes nothing.

    Raises:
        TextRefused, WrongLanguage, UnknownZone.
    """
    workspace = _hold(session, workspace_id, by)
    before, former_name = _facts(workspace), workspace.name
    workspace.name = clean_line(name, field="name")
    workspace.language = check_language(language) or workspace.language
    workspace.time_zone = check_zone(time_zone)
    after, renamed = _facts(workspace), workspace.name != former_name
    if renamed or before != after:
        _record(session, workspace, "edit", before, after | {"renamed": renamed}, by=by, now=now)


def set_group_defaults(
    session: Session, workspace_id: int, defaults: GroupDefaults, *, by: Actor, now: datetime
) -> None:
    """Say what new groups begin with; the same again writes nothing.

    Raises:
        Refused: no group could have these terms; `field` says which.
    """
    workspace = _hold(session, workspace_id, by)
    before, after = workspace.group_defaults, check_defaults(defaults).as_dict()
    if before != after:
        workspace.group_defaults = after
        _record(session, workspace, "group_defaults", before, after, by=by, now=now)


def _hold(session: Session, workspace_id: int, by: Actor) -> Workspace:
    check_admin(session, by, workspace_id)
    query = select(Workspace).where(Workspace.id == workspace_id).with_for_update(key_share=True)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def _facts(workspace: Workspace) -> dict[str, Any]:
    return {"language": workspace.language, "time_zone": workspace.time_zone}


def _record(
    session: Session,
    workspace: Workspace,
    verb: str,
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    by: Actor,
    now: datetime,
) -> None:
    record(
        session,
        verb,
        by=by,
        now=now,
        workspace_id=workspace.id,
        subject_kind="workspace",
        subject_id=workspace.id,
        before=before,
        after=after,
    )
    session.flush()
