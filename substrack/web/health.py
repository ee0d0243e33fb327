"""What a supervisor or load balancer asks: is this process alive, and can it serve."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from substrack.bootstrap import LOW_ROOM_BYTES, find_move, newest_revision
from substrack.domain.clock import seconds_since
from substrack.domain.delivery import STUCK_AFTER
from substrack.queries.installation import InstallationRow, find_revision, load_installation
from substrack.queries.watching import load_queues, oldest_due_at
from substrack.services.installation import LATE_AFTER
from substrack.web.access import public
from substrack.web.reading import reading, runtime

blueprint = Blueprint("health", __name__)

CHALLENGE: Final = re.compile("[0-9a-f]{32}")
"""What a proof is given for: 128 random bits, so that nobody has an answer in store."""


@blueprint.get("/healthz")
@public
def live() -> ResponseReturnValue:
    """Say that the process answers; touches nothing else.

    Whoever asks with a `challenge` gets the `proof` that this is the installation whose keys they hold.
    """
    challenge = request.args.get("challenge", "")
    if not CHALLENGE.fullmatch(challenge):
        return jsonify(status="ok")
    return jsonify(status="ok", proof=runtime().sealer.answer(challenge))


@blueprint.get("/readyz")
@public
def ready() -> ResponseReturnValue:
    """Say whether the database is there with the tables of this version, and the books in it (503 if not).

    All else is told, but does not make a web process unready: the worker, what waits to be sent, a hold on
    that, the last backup and the room on the disk.
    """
    now = runtime().now()
    try:
        revision = find_revision(reading())
        if revision != newest_revision():
            return jsonify(ready=False, database="ok", migrations="pending"), 503
        if find_move(reading().connection()) is not None:
            return jsonify(ready=False, database="moved away"), 503
        row = load_installation(reading())
        oldest = oldest_due_at(load_queues(reading(), now=now).values())
    except SQLAlchemyError:
        return jsonify(ready=False, database="unreachable"), 503
    return jsonify(
        {"ready": True, "database": "ok", "migrations": "at head"}
        | _worker(row, now)
        | _outbox(row, oldest, now)
        | _backup(row, now)
        | _disk()
    )


def _worker(row: InstallationRow, now: datetime) -> dict[str, Any]:
    """Say how the worker is doing: it beats every few minutes, unless it can't write or does not run."""
    last = row.last_tick_at
    is_late = last is not None and now - last > LATE_AFTER
    return {
        "last_tick_at": last.isoformat() if last else None,
        "worker": "never seen" if last is None else "late" if is_late else "ok",
    }


def _outbox(row: InstallationRow, oldest: datetime | None, now: datetime) -> dict[str, Any]:
    """Say whether messages leave: since when the oldest has been due, and why they are held, if they are."""
    is_stuck = oldest is not None and now - oldest > STUCK_AFTER
    return {
        "hold": row.hold_reason,
        "outbox": "stuck" if is_stuck else "ok",
        "oldest_due_seconds": seconds_since(oldest, now),
    }


def _backup(row: InstallationRow, now: datetime) -> dict[str, Any]:
    """Say how the last daily backup went, and how old the last good one is."""
    settings = runtime().settings
    state = "failed" if row.backup_error else "none" if row.backup_at is None else "ok"
    return {
        "backup": state if settings.backups else "off",
        "backup_age_seconds": seconds_since(row.backup_at, now),
    }


def _disk() -> dict[str, Any]:
    room = runtime().room_bytes
    return {"disk": "low" if room < LOW_ROOM_BYTES else "ok", "disk_free_bytes": room}
