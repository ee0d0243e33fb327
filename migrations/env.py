"""Alembic's environment. `substrack.bootstrap.migrate` passes the connection; there is no ini file."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from substrack.store import Base
from substrack.store.base import Choice, UtcDateTime


def render_plainly(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write our column types into migrations as plain types, so that old migrations never import us."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Choice):
        return "sa.String(length=32)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=render_plainly,
)
with context.begin_transaction():
    context.run_migrations()
