"""Messages that wait are found in the order they are sent, however many are due at the same instant."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WAITING = sa.text("state IN ('queued', 'sending')")


def upgrade() -> None:
    op.drop_index("ix_messages_lane_due_at", "messages")
    op.create_index(
        "ix_messages_waiting",
        "messages",
        ["lane", "due_at", "id"],
        postgresql_where=WAITING,
        sqlite_where=WAITING,
    )
