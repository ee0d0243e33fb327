"""The installation knows its last backup, and from which one it was restored."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("installation") as installation:
        installation.add_column(sa.Column("restored_at", sa.DateTime(timezone=True), nullable=True))
        installation.add_column(sa.Column("restored_from", sa.DateTime(timezone=True), nullable=True))
        installation.add_column(sa.Column("restored_upto", BIG, nullable=True))
        installation.add_column(sa.Column("backup_at", sa.DateTime(timezone=True), nullable=True))
        installation.add_column(sa.Column("backup_until", sa.DateTime(timezone=True), nullable=True))
        installation.add_column(sa.Column("backup_error", sa.String(length=500), nullable=True))
