"""`demo`: a sample workspace that has lived for fourteen months, and a server to look at it.

Works in a data directory of its own and never touches a real workspace. Mail is kept, to be read in the app.
"""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import click

from substrack.bootstrap import Runtime, make_runtime, migrate, prepare_data_dir
from substrack.cli import serving
from substrack.cli.demo.living import MONTHS, Life
from substrack.cli.demo.story import OWNER
from substrack.cli.output import note
from substrack.cli.params import now_option
from substrack.domain.actors import OPERATOR, Actor
from substrack.queries.accounts import find_credentials
from substrack.queries.workspaces import list_workspaces
from substrack.services.accounts import change_password
from substrack.services.founding import found_workspace
from substrack.services.passwords import hash_new_password
from substrack.settings import Settings, WrongSetting, load_settings
from substrack.worker.outbox import deliver_due
from substrack.worker.ticking import tick

EMAIL = "olga@example.org"
DATA_DIR = "instance/demo"
MARK = "demo-state"
WORDS = ("amber", "birch", "copper", "dahlia", "ember", "fennel", "garnet", "hazel", "indigo", "juniper")


class NotADemo(WrongSetting):
    """The data directory holds something else than a sample workspace."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} holds a real workspace; the demo keeps away from it. "
            "Name another directory with SUBSTRACK_DATA_DIR."
        )


@click.command()
@click.option("--host", help="Default: SUBSTRACK_HOST, else 127.0.0.1.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: SUBSTRACK_PORT, else 8000.")
@click.option("--no-serve", is_flag=True, help="Fill the sample workspace and stop.")
@now_option
def demo(*, host: str | None, port: int | None, no_serve: bool, now: datetime | None) -> None:
    """Fill a sample workspace with fourteen months of history, and serve it."""
    settings = _settings(host, port, now)
    if not no_serve:
        serving.check_port(settings.host, settings.port)
    prepare_data_dir(settings.data_dir)
    _clear_half_done(settings)
    migrate(settings.database_url)
    runtime = make_runtime(settings)
    try:
        password = _prepare(runtime)
    finally:
        runtime.close()
    click.echo(f"\nSign in at {settings.base_url}/sign-in\n  email:    {EMAIL}\n  password: {password}\n")
    if not no_serve:
        serving.serve(settings, settings.host, settings.port)


def _settings(host: str | None, port: int | None, now: datetime | None) -> Settings:
    """Read the settings, with a database in the demo's own directory, and no way to tell anybody outside."""
    given: dict[str, Any] = {"host": host, "port": port, "now": now}
    chosen = {name: value for name, value in given.items() if value is not None}
    data_dir = os.environ.get("SUBSTRACK_DATA_DIR") or DATA_DIR
    chosen |= {"database_url": "", "smtp_url": "", "heartbeat_url": None, "backups": False}
    return load_settings(**chosen, data_dir=data_dir)


def _clear_half_done(settings: Settings) -> None:
    """Start afresh when the last run was interrupted; refuse to touch what is no demo."""
    mark, database = settings.data_dir / MARK, settings.data_dir / "substrack.db"
    state = mark.read_text() if mark.exists() else ""
    if database.exists() and not state:
        raise NotADemo(settings.data_dir)
    if state == "filling":
        for file in settings.data_dir.glob("substrack.db*"):
            file.unlink()
    if state != "filled":
        mark.write_text("filling")


def _prepare(runtime: Runtime) -> str:
    with runtime.reading() as session:
        is_new = not list_workspaces(session)
    if is_new:
        _fill(runtime)
        (runtime.settings.data_dir / MARK).write_text("filled")
    tick(runtime, now=runtime.now())
    deliver_due(runtime, now=runtime.now())
    return _new_password(runtime)


def _fill(runtime: Runtime) -> None:
    click.echo("Living through fourteen months of a sample workspace …")
    now = runtime.now()
    with runtime.transaction() as session:
        founded = found_workspace(
            session,
            workspace_name="Olga's subscriptions",
            time_zone="Europe/Berlin",
            name=OWNER,
            email=EMAIL,
            password_hash=None,
            by=OPERATOR,
            now=now,
        )
    life = Life(runtime, founded.workspace_id, Actor.user(founded.user_id), until=now)
    months = count(1)
    life.live(lambda day: note(f"  month {next(months)} of {MONTHS + 1}: {day:%B %Y} …"))


def _new_password(runtime: Runtime) -> str:
    """Give the sample owner a fresh random password at every start: a known default is no password."""
    password = "-".join(secrets.choice(WORDS) for _ in range(3)) + f"-{secrets.randbelow(9000) + 1000}"
    hashed = hash_new_password(password, email=EMAIL, name=OWNER)
    with runtime.transaction() as session:
        owner = find_credentials(session, EMAIL)
        if owner is None:
            raise NotADemo(runtime.settings.data_dir)
        change_password(session, owner.user_id, password_hash=hashed, by=OPERATOR, now=runtime.now())
    return password
