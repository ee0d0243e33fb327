"""Where the operator sits: one runtime, one workspace, one instant, for the length of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import update_wrapper
from typing import Any

import click
from sqlalchemy.orm import Session

from substrack.bootstrap import NotMigrated, Runtime, make_runtime, wall_clock
from substrack.cli.params import now_option
from substrack.domain.cycles import local_date
from substrack.domain.errors import Refused
from substrack.logs import start_logging
from substrack.queries.workspaces import WorkspaceRow, list_workspaces
from substrack.services.correlation import cause
from substrack.settings import LogFormat, load_settings
from substrack.upkeep.upgrading import upgrade

workspace_option = click.option(
    "--workspace", "workspace_id", help="Its id; only needed when there are several."
)


class NothingSetUp(Refused):
    """There is no workspace yet."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing is set up yet. Add the first owner: "
            "python -m substrack user add --email you@example.org --name You --password-stdin"
        )


class WhichWorkspace(Refused):
    """There are several workspaces and none, or an unknown one, was named."""

    field = "workspace"

    def __init__(self, workspaces: list[WorkspaceRow]) -> None:
        names = ", ".join(f"{one.public_id} ({one.name})" for one in workspaces)
        super().__init__(f"Say which workspace is meant: {names}.")


class DryRun(Exception):
    """Leaves a transaction so that it is rolled back; never seen outside this module."""


@dataclass(frozen=True)
class Desk:
    """What a command on data works with."""

    runtime: Runtime
    workspace: WorkspaceRow
    now: datetime

    @property
    def workspace_id(self) -> int:
        """The key of the workspace."""
        return self.workspace.id

    @property
    def today(self) -> date:
        """The workspace's local date."""
        return local_date(self.now, self.workspace.time_zone)

    @contextmanager
    def writing(self, *, dry_run: bool = False) -> Iterator[Session]:
        """Open the transaction of the command; with `dry_run` nothing of it stays."""
        try:
            with self.runtime.transaction() as session:
                yield session
                if dry_run:
                    raise DryRun
        except DryRun:
            pass

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that only reads."""
        with self.runtime.reading() as session:
            yield session


@contextmanager
def open_runtime(
    now: datetime | None, *, migrates: bool = False, as_it_is: bool = False
) -> Iterator[Runtime]:
    """Open the runtime that the environment describes.

    With `migrates`, a missing or older SQLite database is brought up to date first; PostgreSQL is only by
    `migrate`. With `as_it_is` nothing is made for the command, no key either. The command is one cause. Only
    where programs read the log is it told as by those that stay: who typed a command sees what came of it.

    Raises:
        WrongSetting: something can't be used; the sentence says what to do.
    """
    settings = load_settings()
    if settings.log_format is LogFormat.JSON:
        start_logging(settings)
    try:
        runtime = make_runtime(settings, now=now, as_it_is=as_it_is)
    except NotMigrated:
        if not (migrates and settings.database_url.startswith("sqlite")):
            raise
        upgrade(settings, now=now or settings.now or wall_clock())
        runtime = make_runtime(settings, now=now)
    try:
        with cause():
            yield runtime
    finally:
        runtime.close()


@contextmanager
def rehearsal(runtime: Runtime) -> Iterator[Runtime]:
    """Lend a runtime whose transactions all see each other and are all rolled back in the end."""
    with runtime.write_engine.connect() as connection:
        everything = connection.begin()
        connection.begin_nested()  # makes each session's own transaction a savepoint within it
        stand_in: Any = connection
        yield replace(runtime, write_engine=stand_in, read_engine=stand_in, is_rehearsal=True)
        everything.rollback()


def at_desk(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command its desk, and the options `--now` and `--workspace`."""

    def sit(*, now: datetime | None, workspace_id: str | None, **options: Any) -> None:
        with open_runtime(now) as runtime:
            with runtime.reading() as session:
                workspace = choose_workspace(list_workspaces(session), workspace_id)
            command(Desk(runtime, workspace, runtime.now()), **options)

    return now_option(workspace_option(update_wrapper(sit, command)))


def choose_workspace(workspaces: list[WorkspaceRow], public_id: str | None) -> WorkspaceRow:
    """Find the workspace that was named, or the only one there is.

    Raises:
        NothingSetUp, WhichWorkspace.
    """
    if not workspaces:
        raise NothingSetUp
    chosen = [one for one in workspaces if public_id in (None, one.public_id)]
    if len(chosen) != 1:
        raise WhichWorkspace(workspaces)
    return chosen[0]
