"""The request's reading session: Flask-SQLAlchemy, bound to the engine that cannot write.

Writing goes through `runtime.transaction()`. What was read before a write stays as it was: redirect after it.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

from substrack.bootstrap import DatabaseTrouble, Reads, Runtime


class ReadSession(Reads, FlaskSession):
    """A session whose only engine is the reading one."""

    def get_bind(self, *_arguments: Any, **_options: Any) -> Engine:
        engine: Engine = current_app.extensions["substrack_runtime"].read_engine
        return engine

    def close(self) -> None:
        """Give the connection back; that the database is gone by then is no matter, for all was read."""
        try:
            super().close()
        except DatabaseTrouble:
            self.invalidate()


def bind_reading(app: Flask, runtime: Runtime) -> None:
    """Give the app its reading session; the extension's own engine (in memory) is never connected."""
    app.extensions["substrack_runtime"] = runtime
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    _count_commits(app, runtime.write_engine)
    SQLAlchemy(
        app, session_options={"class_": ReadSession, "expire_on_commit": False}, add_models_to_shell=False
    )


def _count_commits(app: Flask, engine: Engine) -> None:
    @event.listens_for(engine, "commit")
    def count(_connection: Connection) -> None:
        if current_app and current_app == app:
            g.commits = commits() + 1


def commits() -> int:
    """Count how often this request has committed, or tried to."""
    return int(g.get("commits", 0))


def forget_commits() -> None:
    """Count anew: what was written so far is nothing that anybody asked for."""
    g.commits = 0


def runtime() -> Runtime:
    """Return the runtime of the app that handles this request."""
    found: Runtime = current_app.extensions["substrack_runtime"]
    return found


def reading() -> Session:
    """Return the request's reading session; it ends with the request."""
    session: Session = current_app.extensions["sqlalchemy"].session()
    return session
