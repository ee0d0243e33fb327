"""What a supervisor or load balancer asks: is this process alive, and can it serve."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from substrack.bootstrap import newest_revision
from substrack.queries.installation import find_revision, load_installation
from substrack.web.access import public
from substrack.web.reading import reading

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

    The worker's last tick and a hold on sending are told, but do not make a web process unready.
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
        "hold": row.hold_reason,
    }
    return jsonify(answer), 200 if at_head else 503
