"""`user`: who may sign in. The first one makes the workspace."""

from __future__ import annotations

import sys
from datetime import datetime

import click
from sqlalchemy.orm import Session

from substrack.cli.desk import open_runtime
from substrack.cli.output import show
from substrack.cli.params import json_flag, now_option
from substrack.domain.actors import OPERATOR
from substrack.queries.accounts import list_users
from substrack.queries.workspaces import list_workspaces
from substrack.services.accounts import Role, add_user
from substrack.services.founding import found_workspace
from substrack.services.passwords import hash_new_password


@click.group("user")
def users() -> None:
    """Add users who sign in."""


@users.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), help="Default: admin; the first is owner."
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--workspace-name", help="For the first user: what the workspace is called.")
@click.option(
    "--timezone", default="UTC", show_default=True, help="For the first user: the workspace's zone."
)
@json_flag
@now_option
def add(
    *,
    email: str,
    name: str,
    role: str | None,
    password_stdin: bool,
    workspace_name: str | None,
    timezone: str,
    as_json: bool,
    now: datetime | None,
) -> None:
    """Add a user; the first one founds the workspace. Without a password they set one by a mailed link."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    password_hash = None if password is None else hash_new_password(password, email=email, name=name)
    with open_runtime(now, migrates=True) as runtime, runtime.transaction() as session:
        workspaces = list_workspaces(session)
        if workspaces:
            add_user(
                session,
                workspaces[0].id,
                email=email,
                name=name,
                password_hash=password_hash,
                role=Role(role or Role.ADMIN.value),
                by=OPERATOR,
                now=runtime.now(),
            )
        else:
            found_workspace(
                session,
                workspace_name=workspace_name or "SubsTrack",
                time_zone=timezone,
                name=name,
                email=email,
                password_hash=password_hash,
                by=OPERATOR,
                now=runtime.now(),
            )
        added = _newest(session)
    show(added, as_json=as_json)


def _newest(session: Session) -> dict[str, str | None]:
    """Describe the user who was added last."""
    workspace = list_workspaces(session)[0]
    user = list_users(session, workspace.id)[-1]
    return {
        "id": user.public_id,
        "name": user.name,
        "email": user.email,
        "role": user.role.value,
        "workspace": workspace.public_id,
    }
