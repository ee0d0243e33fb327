"""The texts of messages, and traces that are not about money, are deleted after a time."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("messages") as messages:
        messages.add_column(sa.Column("emptied_at", sa.DateTime(timezone=True), nullable=True))
    index_where("ix_messages_texts", "messages", "created_at", "emptied_at IS NULL")
    index_where(
        "ix_events_fading", "events", "at", "subject_kind IN ('connection', 'contact', 'message', 'user')"
    )
    op.create_index("ix_inbound_received_at", "inbound", ["received_at"])
    index_where("ix_links_expires_at", "links", "expires_at", "purpose NOT IN ('pay', 'unsubscribe')")
    op.create_index("ix_user_sessions_seen_at", "user_sessions", ["seen_at"])


def index_where(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], postgresql_where=where, sqlite_where=where)
