"""`user`: who may sign in, and the way back in when nothing else helps. The first one makes the workspace."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime

import click
from sqlalchemy.orm import Session

from substrack.cli.desk import choose_workspace, open_runtime, workspace_option
from substrack.cli.output import note, show
from substrack.cli.params import json_flag, now_option
from substrack.domain.actors import OPERATOR
from substrack.domain.errors import Refused
from substrack.queries.accounts import list_users
from substrack.queries.workspaces import WorkspaceRow, list_workspaces
from substrack.services.accounts import Role, add_user
from substrack.services.entering import issue_entry
from substrack.services.founding import found_workspace
from substrack.services.identities import forget_identities
from substrack.services.passwords import hash_new_password
from substrack.services.resets import mail_first_password
from substrack.services.second_factor import turn_off_for
from substrack.services.user_sessions import end_sessions_of

DEFAULT_NAME = "SubsTrack"
DEFAULT_ZONE = "UTC"


class FirstIsOwner(Refused):
    """An option that supposes a workspace was given for the user who makes it."""

    def __init__(self, field: str) -> None:
        super().__init__("The first user founds the workspace and owns it; leave this out.", field=field)


class FoundedAlready(Refused):
    """An option about a new workspace was given for a user who joins one."""

    def __init__(self, field: str) -> None:
        super().__init__("This is for the first user, who founded the workspace; leave it out.", field=field)


class UnreadablePassword(Refused):
    """What came on standard input is no text, and could never be typed into a page."""

    field = "password_stdin"

    def __init__(self) -> None:
        super().__init__("This is no text in UTF-8; send the password as one line of it.")


@dataclass(frozen=True)
class _Newcomer:
    """Who is added; without a password they choose one by a mailed link."""

    email: str
    name: str
    password_hash: str | None

    def join(self, session: Session, workspace: WorkspaceRow, role: Role, *, now: datetime) -> int:
        return add_user(
            session,
            workspace.id,
            email=self.email,
            name=self.name,
            password_hash=self.password_hash,
            role=role,
            by=OPERATOR,
            now=now,
        )

    def found(self, session: Session, called: str | None, zone: str | None, *, now: datetime) -> int:
        founded = found_workspace(
            session,
            workspace_name=called or DEFAULT_NAME,
            time_zone=zone or DEFAULT_ZONE,
            name=self.name,
            email=self.email,
            password_hash=self.password_hash,
            by=OPERATOR,
            now=now,
        )
        return founded.user_id


@click.group("user")
def users() -> None:
    """Add users who sign in, and let back in who can't."""


@users.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), help="Default: admin; the first is owner."
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--workspace-name", help=f"For the first user: what the workspace is called ({DEFAULT_NAME}).")
@click.option("--timezone", help=f"For the first user: the workspace's zone ({DEFAULT_ZONE}).")
@workspace_option
@json_flag
@now_option
def add(
    *,
    email: str,
    name: str,
    role: str | None,
    password_stdin: bool,
    workspace_name: str | None,
    timezone: str | None,
    workspace_id: str | None,
    as_json: bool,
    now: datetime | None,
) -> None:
    """Add a user; the first one founds the workspace. Without a password they choose one by a mailed link.

    Where only the identity provider signs in, nothing is mailed: it knows them by the address.
    """
    newcomer = _Newcomer(email, name, _hash_typed(email, name) if password_stdin else None)
    with open_runtime(now, migrates=True) as runtime, runtime.transaction() as session:
        if workspaces := list_workspaces(session):
            _check_absent(FoundedAlready, workspace_name=workspace_name, timezone=timezone)
            workspace = choose_workspace(workspaces, workspace_id)
            user_id = newcomer.join(session, workspace, Role(role or Role.ADMIN.value), now=runtime.now())
        else:
            _check_absent(FirstIsOwner, role=None if role == Role.OWNER else role, workspace=workspace_id)
            user_id = newcomer.found(session, workspace_name, timezone, now=runtime.now())
            (workspace,) = list_workspaces(session)
        has_passwords = runtime.settings.local_sign_in
        needs_link = has_passwords and newcomer.password_hash is None
        is_reached = not needs_link or mail_first_password(session, user_id, now=runtime.now())
        added = _newest(session, workspace)
    show(added, as_json=as_json)
    if not has_passwords:
        note("The identity provider signs them in, by this address; there is no password to choose.")
    elif not is_reached:
        note("Mail doesn't reach this address, so no link to choose a password was sent.")


@users.group("second-factor")
def second_factor() -> None:
    """Help who has lost the phone and the recovery codes."""


@second_factor.command("off")
@click.option("--email", required=True, help="The address they sign in with.")
@now_option
def second_factor_off(*, email: str, now: datetime | None) -> None:
    """Let somebody sign in with the password alone."""
    with open_runtime(now) as runtime, runtime.transaction() as session:
        turn_off_for(session, email, by=OPERATOR, now=runtime.now())
    note("The second step is off. Whoever it is should set it up again.")


@users.command("sign-in-link")
@click.option("--email", required=True, help="The address they sign in with.")
@now_option
def sign_in_link(*, email: str, now: datetime | None) -> None:
    """Print a link that signs somebody in, once, within 15 minutes. Whoever has it is in."""
    with open_runtime(now) as runtime, runtime.transaction() as session:
        link = runtime.signer.url(issue_entry(session, email, by=OPERATOR, now=runtime.now()))
    click.echo(link)


@users.command("sign-out")
@click.option("--email", required=True, help="The address they sign in with.")
@now_option
def sign_out(*, email: str, now: datetime | None) -> None:
    """Sign somebody out of all browsers."""
    with open_runtime(now) as runtime, runtime.transaction() as session:
        ended = end_sessions_of(session, email, by=OPERATOR, now=runtime.now())
    note(f"Signed out of browsers: {ended}.")


@users.command("forget-provider")
@click.option("--email", required=True, help="The address they sign in with.")
@now_option
def forget_provider(*, email: str, now: datetime | None) -> None:
    """Link somebody anew to the identity provider, as when their account there was made anew."""
    with open_runtime(now) as runtime, runtime.transaction() as session:
        forget_identities(session, email, by=OPERATOR, now=runtime.now())
    note("At their next sign-in there they are linked anew.")


def _hash_typed(email: str, name: str) -> str:
    return hash_new_password(_read_password(), email=email, name=name)


def _read_password() -> str:
    """Read one line the way pages send it, whatever the locale of the shell."""
    try:
        return sys.stdin.buffer.readline().decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise UnreadablePassword from None


def _check_absent(refusal: type[FirstIsOwner | FoundedAlready], **options: str | None) -> None:
    for field, value in options.items():
        if value is not None:
            raise refusal(field)


def _newest(session: Session, workspace: WorkspaceRow) -> dict[str, str | None]:
    """Describe the user who joined a workspace last."""
    user = list_users(session, workspace.id)[-1]
    return {
        "id": user.public_id,
        "name": user.name,
        "email": user.email,
        "role": user.role.value,
        "workspace": workspace.public_id,
    }
