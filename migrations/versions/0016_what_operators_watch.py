"""What operators watch: how long a tick took, and how many messages were sent and failed."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("installation") as installation:
        installation.add_column(sa.Column("tick_ms", BIG, nullable=True))
    op.create_table(
        "message_counts",
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("fate", sa.String(length=32), nullable=False),
        sa.Column("shard", BIG, nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("channel IN ('email', 'telegram')", name=op.f("ck_message_counts_channel_legal")),
        sa.CheckConstraint("fate IN ('sent', 'kept', 'dead')", name=op.f("ck_message_counts_fate_legal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_counts")),
        sa.UniqueConstraint("channel", "fate", "shard", name=op.f("uq_message_counts_channel_fate_shard")),
    )
