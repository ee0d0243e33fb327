"""`hold`: whether sending is stopped, why, what waits, and how it goes on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import click
from sqlalchemy.orm import Session

from substrack.cli.desk import open_runtime
from substrack.cli.messages import describe
from substrack.cli.output import note, plain, show
from substrack.cli.params import json_flag, now_option
from substrack.queries.held import Held, load_held
from substrack.queries.message_lists import count_due, list_held
from substrack.services.installation import Waiting, hold_status, release_hold

COLUMNS: Final = ("id", "due_at", "notice", "to", "address", "state")
SHOWN: Final = 100


@click.group("hold")
def hold() -> None:
    """Look at, or end, a stop of all sending."""


@hold.command("show")
@json_flag
@now_option
def hold_show(*, as_json: bool, now: datetime | None) -> None:
    """Say whether sending is on hold, why, and which messages may have gone out before a restore."""
    with open_runtime(now) as runtime, runtime.reading() as session:
        result = _described(session, runtime.now())
        held, rows = load_held(session), [describe(row) for row in list_held(session, limit=SHOWN)]
    if as_json:
        show(result | {"messages": rows}, as_json=True)
        return
    show(result, as_json=False)
    if held is not None:
        _explain(held, rows)


@hold.command("release")
@click.option(
    "--waiting",
    type=click.Choice([choice.value for choice in Waiting]),
    help="What becomes of messages that may have gone out before a restore.",
)
@json_flag
@now_option
def hold_release(*, waiting: str | None, as_json: bool, now: datetime | None) -> None:
    """Let messages go out again."""
    with open_runtime(now) as runtime, runtime.transaction() as session:
        released = release_hold(session, waiting=Waiting(waiting) if waiting else None)
        result = {"released": released, **_described(session, runtime.now())}
    show(result, as_json=as_json)


def _described(session: Session, now: datetime) -> dict[str, Any]:
    row, held = hold_status(session), load_held(session)
    return {
        "on_hold": row.hold_reason is not None,
        "reason": row.hold_reason,
        "since": plain(row.held_since),
        "last_tick_at": plain(row.last_tick_at),
        "due": count_due(session, now=now),
        "restored_from": plain(row.restored_from),
        "may_have_gone_out": held.total if held else 0,
    }


def _explain(held: Held, rows: list[dict[str, Any]]) -> None:
    """Tell people what they are asked, and what they are asked about."""
    if not held.total:
        note("No message of the backup can have gone out before. Go on with `hold release`.")
        return
    click.echo()
    show(rows, as_json=False, columns=COLUMNS)
    if held.total > len(rows):
        note(f"… and {held.total - len(rows)} more.")
    note(
        f"{held.total} messages may have gone out between the backup and the restore. Go on with "
        "`hold release --waiting cancel` (they are not sent again), or `--waiting send` (they are)."
    )
