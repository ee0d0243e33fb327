"""An update remembers what it led to; admins hear when somebody says of a chat that it was not them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NOTICES = (
    "notice IN ('welcome', 'request', 'reminder', 'heads_up', 'period_opened', 'price_change', "
    "'share_changed', 'claim_received', 'claims_waiting', 'received', 'part_received', 'rejected', "
    "'waived', 'bill_wanted', 'requests_exhausted', 'address_refused', 'unsubscribed', 'objection', "
    "'invite', 'setup', 'reset', 'fresh_link', 'test', 'chat_linked', 'chat_replaced', 'stale_code', "
    "'bot_refused', 'mailbox_replaced', 'pay_details_changed', 'chat_disputed')"
)


def upgrade() -> None:
    with op.batch_alter_table("inbound") as inbound:
        inbound.add_column(sa.Column("outcome", sa.JSON(), nullable=True))
    with op.batch_alter_table("messages") as messages:
        messages.drop_constraint(op.f("ck_messages_notice_legal"), type_="check")
        messages.create_check_constraint(op.f("ck_messages_notice_legal"), NOTICES)
