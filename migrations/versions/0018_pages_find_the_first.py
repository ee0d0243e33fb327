"""Pages find the newest notes, the bills due first and the first members without looking at all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

IS_NOTE = sa.text("verb = 'object'")
IS_UNBILLED = sa.text("voided_at IS NULL AND total_minor IS NULL")


def upgrade() -> None:
    op.create_index(
        "ix_events_notes",
        "events",
        ["workspace_id", "id"],
        postgresql_where=IS_NOTE,
        sqlite_where=IS_NOTE,
    )
    op.drop_index("ix_periods_unbilled", "periods")
    op.create_index(
        "ix_periods_unbilled",
        "periods",
        ["due_on", "id"],
        postgresql_where=IS_UNBILLED,
        sqlite_where=IS_UNBILLED,
    )
    op.create_index("ix_members_group_order", "members", ["group_id", "id"])
