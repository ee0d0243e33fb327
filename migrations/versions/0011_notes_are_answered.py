"""A payment knows the note of its member that nobody has answered; members are told the answer."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NOTICES = (
    "notice IN ('welcome', 'request', 'reminder', 'heads_up', 'period_opened', 'price_change', "
    "'share_changed', 'claim_received', 'claims_waiting', 'received', 'part_received', 'rejected', "
    "'waived', 'bill_wanted', 'requests_exhausted', 'address_refused', 'unsubscribed', 'objection', "
    "'objection_answered', 'invite', 'setup', 'reset', 'fresh_link', 'test', 'chat_linked', "
    "'chat_replaced', 'stale_code', 'bot_refused', 'mailbox_replaced', 'pay_details_changed', "
    "'chat_disputed')"
)
UNANSWERED = """
    UPDATE payments SET objection = (
        SELECT events.correlation_id FROM events
        WHERE events.payment_id = payments.id AND events.verb = 'object'
        ORDER BY events.id DESC LIMIT 1
    )
    WHERE status IN ('pending', 'overdue') AND voided_at IS NULL
"""


def upgrade() -> None:
    with op.batch_alter_table("payments") as payments:
        payments.add_column(sa.Column("objection", sa.String(12), nullable=True))
    op.execute(UNANSWERED)
    where = sa.text("objection IS NOT NULL")
    op.create_index(
        "ix_payments_objection",
        "payments",
        ["workspace_id", "objection"],
        postgresql_where=where,
        sqlite_where=where,
    )
    with op.batch_alter_table("messages") as messages:
        messages.drop_constraint(op.f("ck_messages_notice_legal"), type_="check")
        messages.create_check_constraint(op.f("ck_messages_notice_legal"), NOTICES)
