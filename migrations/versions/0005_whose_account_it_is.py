"""Admins hear of changed pay details, former mailboxes of new ones; sessions know the last password."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NOTICES = (
    "notice IN ('welcome', 'request', 'reminder', 'heads_up', 'period_opened', 'price_change', "
    "'share_changed', 'claim_received', 'claims_waiting', 'received', 'part_received', 'rejected', "
    "'waived', 'bill_wanted', 'requests_exhausted', 'address_refused', 'unsubscribed', 'objection', "
    "'invite', 'setup', 'reset', 'fresh_link', 'test', 'chat_linked', 'chat_replaced', 'stale_code', "
    "'bot_refused', 'mailbox_replaced', 'pay_details_changed')"
)


def upgrade() -> None:
    with op.batch_alter_table("messages") as messages:
        messages.drop_constraint(op.f("ck_messages_notice_legal"), type_="check")
        messages.create_check_constraint(op.f("ck_messages_notice_legal"), NOTICES)
    with op.batch_alter_table("user_sessions") as sessions:
        sessions.add_column(sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
