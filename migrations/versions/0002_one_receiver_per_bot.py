"""One worker asks a bot for updates; a bot that is turned down; chats of updates and of waiting admins."""

import sqlalchemy as sa
from alembic import op

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NOTICES = (
    "notice IN ('welcome', 'request', 'reminder', 'heads_up', 'period_opened', 'price_change', "
    "'claim_received', 'claims_waiting', 'received', 'part_received', 'rejected', 'waived', 'bill_wanted', "
    "'requests_exhausted', 'address_refused', 'unsubscribed', 'objection', 'invite', 'setup', 'reset', "
    "'fresh_link', 'test', 'chat_linked', 'chat_replaced', 'stale_code', 'bot_refused')"
)


def upgrade() -> None:
    with op.batch_alter_table("connections") as connections:
        connections.add_column(sa.Column("receiver_token", sa.String(length=12), nullable=True))
        connections.add_column(sa.Column("receiver_until", sa.DateTime(timezone=True), nullable=True))
        connections.add_column(sa.Column("next_update_id", BIG, nullable=True))
        connections.add_column(sa.Column("refused_since", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("inbound") as inbound:
        inbound.add_column(sa.Column("chat_id", BIG, nullable=True))
    with op.batch_alter_table("links") as links:
        links.add_column(sa.Column("chat_id", BIG, nullable=True))
        links.add_column(sa.Column("chat_name", sa.String(length=64), nullable=True))
    with op.batch_alter_table("messages") as messages:
        messages.drop_constraint(op.f("ck_messages_notice_legal"), type_="check")
        messages.create_check_constraint(op.f("ck_messages_notice_legal"), NOTICES)
    _move_offsets()
    # A chat that waits for a yes does so for ten minutes; its admin makes another code.
    op.execute("UPDATE links SET email = NULL WHERE purpose = 'chat'")


def _move_offsets() -> None:
    """Take up to which update a bot has read out of its settings."""
    connections = sa.table(
        "connections",
        sa.column("id", BIG),
        sa.column("settings", sa.JSON()),
        sa.column("next_update_id", BIG),
    )
    database = op.get_bind()
    for row in database.execute(sa.select(connections.c.id, connections.c.settings)).all():
        if "offset" in row.settings:
            rest = {name: value for name, value in row.settings.items() if name != "offset"}
            values = {"settings": rest, "next_update_id": row.settings["offset"]}
            database.execute(sa.update(connections).where(connections.c.id == row.id).values(values))
