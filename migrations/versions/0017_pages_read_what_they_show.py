"""Pages find what is open, unbilled, noted, refused or dead without looking at everything there is."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_periods_unbilled", "periods", ["group_id"], "voided_at IS NULL AND total_minor IS NULL"),
    (
        "ix_payments_open",
        "payments",
        ["workspace_id", "due_on", "id"],
        "voided_at IS NULL AND closed_at IS NULL",
    ),
    ("ix_receipts_attempt_id", "receipts", ["attempt_id"], "attempt_id IS NOT NULL"),
    (
        "ix_payments_noted",
        "payments",
        ["workspace_id", "group_id"],
        "voided_at IS NULL AND closed_at IS NULL AND objection IS NOT NULL",
    ),
    ("ix_events_refused_openings", "events", ["workspace_id", "at"], "verb = 'opening_refused'"),
    (
        "ix_addresses_refused",
        "addresses",
        ["connection_id", "refused_since"],
        "refused_since IS NOT NULL",
    ),
    (
        "ix_addresses_unsubscribed",
        "addresses",
        ["connection_id", "unsubscribed_at"],
        "unsubscribed_at IS NOT NULL",
    ),
    ("ix_messages_dead", "messages", ["workspace_id"], "state = 'dead'"),
)

COVERING = (
    ("ix_payments_group_status", "payments", ["group_id", "status", "id"]),
    (
        "ix_payments_period_tally",
        "payments",
        [
            "period_id",
            "kind",
            "status",
            "id",
            "voided_at",
            "amount_minor",
            "received_minor",
            "written_off_minor",
        ],
    ),
    (
        "ix_members_group_stays",
        "members",
        ["group_id", "left_on", "joined_on", "contact_id"],
    ),
)
"""What is counted, added up over everybody or read in order is read from the index."""


def upgrade() -> None:
    for name, table, columns, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)
    op.drop_index("ix_payments_period_id", "payments")
    op.drop_index("ix_payments_objection", "payments")
    op.drop_index("ix_payments_group_status", "payments")
    op.drop_index("ix_members_group_id", "members")
    for name, table, columns in COVERING:
        op.create_index(name, table, columns)
