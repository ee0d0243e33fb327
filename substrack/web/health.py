"""What a supervisor or load balancer asks: is this process alive, and can it serve."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from substrack.bootstrap import newest_revision
from substrack.queries.installation import find_revision, load_installation
from substrack.services.installation import BEAT_EVERY
from substrack.web.access import public
from substrack.web.pages import LOW_ROOM_BYTES
from substrack.web.reading import reading, runtime

LATE_AFTER: Final = 2 * BEAT_EVERY

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def live() -> ResponseReturnValue:
    """Say that the process answers; touches nothing else."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def ready() -> ResponseReturnValue:
    """Say whether the database is there with the tables of this version (503 if not).

    The worker's last tick, a hold on sending and the room on the disk are told, but do not make a web process
    unready.
    """
    try:
        revision = find_revision(reading())
        row = load_installation(reading())
    except SQLAlchemyError:
        return jsonify(ready=False, database="unreachable"), 503
    at_head = revision == newest_revision()
    answer = {
        "ready": at_head,
        "database": "ok",
        "migrations": "at head" if at_head else "pending",
        "last_tick_at": row.last_tick_at.isoformat() if row.last_tick_at else None,
        "worker": _worker(row.last_tick_at),
        "hold": row.hold_reason,
        "disk": "low" if runtime().room_bytes < LOW_ROOM_BYTES else "ok",
        "disk_free_bytes": runtime().room_bytes,
    }
    return jsonify(answer), 200 if at_head else 503


def _worker(last_tick_at: datetime | None) -> str:
    """Say how the worker is doing: it beats every few minutes, unless it can't write or does not run."""
    if last_tick_at is None:
        return "never seen"
    return "late" if runtime().now() - last_tick_at > LATE_AFTER else "ok"
