"""A session counts wrong passwords in a row, and ends after a few."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("user_sessions") as sessions:
        sessions.add_column(sa.Column("wrong_passwords", BIG, nullable=False, server_default="0"))
    with op.batch_alter_table("user_sessions") as sessions:
        sessions.alter_column("wrong_passwords", server_default=None)
