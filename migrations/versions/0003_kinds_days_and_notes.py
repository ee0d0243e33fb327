"""What a group is, its own sentence, collection days, notes on people, defaults for new groups."""

import sqlalchemy as sa
from alembic import op

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KINDS = "kind IN ('video', 'music', 'phone', 'cloud', 'vpn', 'home', 'club', 'other')"
COLLECTION_DAY = "collection_day IS NULL OR collection_day BETWEEN 1 AND 31"


def upgrade() -> None:
    with op.batch_alter_table("groups") as groups:
        groups.add_column(sa.Column("kind", sa.String(length=32), nullable=False, server_default="other"))
        groups.add_column(
            sa.Column("request_sentence", sa.String(length=300), nullable=False, server_default="")
        )
        groups.add_column(sa.Column("pay_changed_at", sa.DateTime(timezone=True), nullable=True))
        groups.create_check_constraint("kind_legal", KINDS)
    with op.batch_alter_table("contacts") as contacts:
        contacts.add_column(sa.Column("collection_day", BIG, nullable=True))
        contacts.add_column(sa.Column("note", sa.Text(), nullable=False, server_default=""))
        contacts.create_check_constraint("collection_day_legal", COLLECTION_DAY)
    with op.batch_alter_table("workspaces") as workspaces:
        workspaces.add_column(sa.Column("collection_day", BIG, nullable=True))
        workspaces.add_column(sa.Column("group_defaults", sa.JSON(), nullable=False, server_default="{}"))
        workspaces.create_check_constraint("collection_day_legal", COLLECTION_DAY)
    for table, column in FILLED:
        with op.batch_alter_table(table) as changed:
            changed.alter_column(column, server_default=None)


FILLED = (
    ("groups", "kind"),
    ("groups", "request_sentence"),
    ("contacts", "note"),
    ("workspaces", "group_defaults"),
)
"""Rows that were there before get a value; new ones get theirs from the services."""
