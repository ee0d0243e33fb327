"""A period knows its bill and whom it is paid to; a payment knows which of its requests are of this round."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BILLED = """
    UPDATE periods SET billed_minor = total_minor, payer_id = coalesce(
        (SELECT min(payments.payer_id) FROM payments WHERE payments.period_id = periods.id),
        (SELECT groups.payer_id FROM groups WHERE groups.id = periods.group_id)
    )
"""
# Where a message bears the last number, an admin asked on purpose later: the next number has to be a free one.
TOLD = """
    UPDATE payments SET exhausted_at = pending_at, requests_sent = requests_sent - CASE WHEN EXISTS (
        SELECT 1 FROM message_items
        WHERE message_items.payment_id = payments.id AND message_items.step = payments.requests_sent
    ) THEN 0 ELSE 1 END
    WHERE requests_sent > (SELECT groups.max_requests FROM groups WHERE groups.id = payments.group_id)
"""


def upgrade() -> None:
    with op.batch_alter_table("payments") as payments:
        payments.add_column(sa.Column("requests_before", BIG, nullable=False, server_default="0"))
        payments.add_column(sa.Column("exhausted_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(TOLD)
    with op.batch_alter_table("periods") as periods:
        periods.add_column(sa.Column("billed_minor", sa.BigInteger(), nullable=True))
        periods.add_column(sa.Column("payer_id", BIG, nullable=True))
        periods.create_foreign_key(op.f("fk_periods_payer_id"), "contacts", ["payer_id"], ["id"])
    op.execute(BILLED)
    with op.batch_alter_table("periods") as periods:
        periods.alter_column("payer_id", existing_type=BIG, nullable=False)
