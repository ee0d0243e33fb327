"""The first tables: tenancy, people, groups, the ledger, the journal, the outbox, links."""

import sqlalchemy as sa
from alembic import op

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("last_tick_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_reason", sa.String(length=500), nullable=True),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("steady_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("secret_fingerprint", sa.String(length=200), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "lanes",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lanes")),
        sa.UniqueConstraint("name", name=op.f("uq_lanes_name")),
    )
    op.create_table(
        "users",
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("email_key", sa.String(length=320), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email_key", name=op.f("uq_users_email_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_users_public_id")),
    )
    op.create_table(
        "workspaces",
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("public_id", name=op.f("uq_workspaces_public_id")),
    )
    op.create_table(
        "connections",
        sa.Column("workspace_id", BIG, nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("channel IN ('email', 'telegram')", name=op.f("ck_connections_channel_legal")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_connections_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint(
            "workspace_id", "channel", "name", name=op.f("uq_connections_workspace_id_channel_name")
        ),
    )
    op.create_table(
        "contacts",
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("workspace_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("channel_choice", sa.String(length=32), nullable=False),
        sa.Column("requested_on", sa.Date(), nullable=True),
        sa.Column("fresh_link_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "channel_choice IN ('email', 'telegram', 'both', 'telegram_first')",
            name=op.f("ck_contacts_channel_choice_legal"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_contacts_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
        sa.UniqueConstraint("public_id", name=op.f("uq_contacts_public_id")),
    )
    op.create_index("ix_contacts_workspace_id", "contacts", ["workspace_id"], unique=False)

    op.create_table(
        "user_sessions",
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent", sa.String(length=200), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_user_sessions_public_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_user_sessions_token_hash")),
    )
    op.create_index("ix_user_sessions_user_id", "user_sessions", ["user_id"], unique=False)

    op.create_table(
        "addresses",
        sa.Column("contact_id", BIG, nullable=False),
        sa.Column("connection_id", BIG, nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=320), nullable=False),
        sa.Column("value_key", sa.String(length=320), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("former_value", sa.String(length=320), nullable=True),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("channel IN ('email', 'telegram')", name=op.f("ck_addresses_channel_legal")),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_addresses_connection_id")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_addresses_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_addresses")),
    )
    op.create_index(
        "ix_addresses_connection_value_key", "addresses", ["connection_id", "value_key"], unique=False
    )
    op.create_index(
        "uq_addresses_contact_connection", "addresses", ["contact_id", "connection_id"], unique=True
    )

    op.create_table(
        "attempts",
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("workspace_id", BIG, nullable=False),
        sa.Column("contact_id", BIG, nullable=False),
        sa.Column("payer_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("method", sa.String(length=120), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("via", sa.String(length=32), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("kind IN ('claim')", name=op.f("ck_attempts_kind_legal")),
        sa.CheckConstraint(
            "state IN ('open', 'confirmed', 'part_confirmed', 'rejected', 'withdrawn', 'waived', 'voided')",
            name=op.f("ck_attempts_state_legal"),
        ),
        sa.CheckConstraint(
            "via IN ('web', 'link', 'telegram', 'command_line', 'worker')", name=op.f("ck_attempts_via_legal")
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_attempts_amount_not_negative")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_attempts_contact_id")),
        sa.ForeignKeyConstraint(["payer_id"], ["contacts.id"], name=op.f("fk_attempts_payer_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_attempts_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("public_id", name=op.f("uq_attempts_public_id")),
    )
    op.create_index("ix_attempts_contact_made_at", "attempts", ["contact_id", "made_at"], unique=False)
    op.create_index(
        "ix_attempts_open",
        "attempts",
        ["workspace_id", "made_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )

    op.create_table(
        "groups",
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("workspace_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("payer_id", BIG, nullable=False),
        sa.Column("payer_included", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("exponent", BIG, nullable=False),
        sa.Column("split", sa.String(length=32), nullable=False),
        sa.Column("unit", sa.String(length=32), nullable=False),
        sa.Column("every", BIG, nullable=False),
        sa.Column("billing_day", BIG, nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("anchor_on", sa.Date(), nullable=False),
        sa.Column("anchor_sequence", BIG, nullable=False),
        sa.Column("next_sequence", BIG, nullable=False),
        sa.Column("collect_days_before", BIG, nullable=False),
        sa.Column("due_days", BIG, nullable=False),
        sa.Column("grace_days", BIG, nullable=False),
        sa.Column("repeat_every_days", BIG, nullable=False),
        sa.Column("max_requests", BIG, nullable=False),
        sa.Column("overdue_after_days", BIG, nullable=False),
        sa.Column("hour", BIG, nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("part_period", sa.String(length=32), nullable=False),
        sa.Column("tolerance_minor", sa.BigInteger(), nullable=False),
        sa.Column("heads_up_days", BIG, nullable=False),
        sa.Column("tells_opened", sa.Boolean(), nullable=False),
        sa.Column("next_open_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", BIG, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "part_period IN ('full', 'days', 'next')", name=op.f("ck_groups_part_period_legal")
        ),
        sa.CheckConstraint(
            "split IN ('equal', 'weights', 'fixed', 'variable')", name=op.f("ck_groups_split_legal")
        ),
        sa.CheckConstraint("unit IN ('week', 'month', 'year')", name=op.f("ck_groups_unit_legal")),
        sa.CheckConstraint(
            "billing_day IS NULL OR billing_day BETWEEN 1 AND 31", name=op.f("ck_groups_billing_day_legal")
        ),
        sa.CheckConstraint("every >= 1", name=op.f("ck_groups_every_positive")),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f("ck_groups_hour_legal")),
        sa.CheckConstraint("tolerance_minor >= 0", name=op.f("ck_groups_tolerance_not_negative")),
        sa.ForeignKeyConstraint(["payer_id"], ["contacts.id"], name=op.f("fk_groups_payer_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_groups_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("public_id", name=op.f("uq_groups_public_id")),
    )
    op.create_index(
        "ix_groups_next_open_at",
        "groups",
        ["next_open_at"],
        unique=False,
        postgresql_where=sa.text("next_open_at IS NOT NULL"),
        sqlite_where=sa.text("next_open_at IS NOT NULL"),
    )
    op.create_index("ix_groups_payer_id", "groups", ["payer_id"], unique=False)
    op.create_index("ix_groups_workspace_id", "groups", ["workspace_id"], unique=False)

    op.create_table(
        "inbound",
        sa.Column("connection_id", BIG, nullable=False),
        sa.Column("dedupe_key", sa.String(length=120), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("lease_token", sa.String(length=12), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_inbound_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("connection_id", "dedupe_key", name=op.f("uq_inbound_connection_id_dedupe_key")),
    )
    op.create_index(
        "ix_inbound_waiting",
        "inbound",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("processed_at IS NULL"),
        sqlite_where=sa.text("processed_at IS NULL"),
    )

    op.create_table(
        "roles",
        sa.Column("workspace_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("contact_id", BIG, nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("role IN ('owner', 'admin')", name=op.f("ck_roles_role_legal")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_roles_contact_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_roles_user_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_roles_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("workspace_id", "contact_id", name=op.f("uq_roles_workspace_id_contact_id")),
        sa.UniqueConstraint("workspace_id", "user_id", name=op.f("uq_roles_workspace_id_user_id")),
    )
    op.create_index("ix_roles_user_id", "roles", ["user_id"], unique=False)

    op.create_table(
        "attachments",
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("attempt_id", BIG, nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_attachments_attempt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("public_id", name=op.f("uq_attachments_public_id")),
    )
    op.create_index("ix_attachments_attempt_id", "attachments", ["attempt_id"], unique=False)

    op.create_table(
        "links",
        sa.Column("jti", sa.String(length=32), nullable=False),
        sa.Column("workspace_id", BIG, nullable=True),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("contact_id", BIG, nullable=True),
        sa.Column("user_id", BIG, nullable=True),
        sa.Column("attempt_id", BIG, nullable=True),
        sa.Column("address_id", BIG, nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "purpose IN ('pay', 'setup', 'reset', 'invite', 'decide', 'unsubscribe', 'calendar', 'chat')",
            name=op.f("ck_links_purpose_legal"),
        ),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name=op.f("fk_links_address_id")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_links_attempt_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_links_contact_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_links_user_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_links_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
        sa.UniqueConstraint("jti", name=op.f("uq_links_jti")),
    )
    op.create_index("ix_links_contact_purpose", "links", ["contact_id", "purpose"], unique=False)
    op.create_index(
        "uq_links_live_pay",
        "links",
        ["contact_id"],
        unique=True,
        postgresql_where=sa.text("purpose = 'pay' AND revoked_at IS NULL"),
        sqlite_where=sa.text("purpose = 'pay' AND revoked_at IS NULL"),
    )

    op.create_table(
        "members",
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("contact_id", BIG, nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("weight", BIG, nullable=False),
        sa.Column("fixed_minor", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "fixed_minor IS NULL OR fixed_minor >= 0", name=op.f("ck_members_fixed_not_negative")
        ),
        sa.CheckConstraint(
            "left_on IS NULL OR left_on >= joined_on", name=op.f("ck_members_leaves_after_joining")
        ),
        sa.CheckConstraint("weight BETWEEN 1 AND 1000", name=op.f("ck_members_weight_legal")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_members_contact_id")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_members_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("public_id", name=op.f("uq_members_public_id")),
    )
    op.create_index("ix_members_contact_id", "members", ["contact_id"], unique=False)
    op.create_index("ix_members_group_id", "members", ["group_id"], unique=False)
    op.create_index(
        "uq_members_present",
        "members",
        ["group_id", "contact_id"],
        unique=True,
        postgresql_where=sa.text("left_on IS NULL"),
        sqlite_where=sa.text("left_on IS NULL"),
    )

    op.create_table(
        "messages",
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("workspace_id", BIG, nullable=False),
        sa.Column("contact_id", BIG, nullable=True),
        sa.Column("address_id", BIG, nullable=True),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("lane", sa.String(length=64), nullable=False),
        sa.Column("notice", sa.String(length=32), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("correlation_id", sa.String(length=12), nullable=True),
        sa.Column("dedupe_key", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("lease_token", sa.String(length=12), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rendered", sa.JSON(), nullable=True),
        sa.Column("provider_id", sa.String(length=200), nullable=True),
        sa.Column("attempt_id", BIG, nullable=True),
        sa.Column("edits", BIG, nullable=False),
        sa.Column("edit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("channel IN ('email', 'telegram')", name=op.f("ck_messages_channel_legal")),
        sa.CheckConstraint(
            "notice IN ('welcome', 'request', 'reminder', 'heads_up', 'period_opened', 'price_change', 'claim_received', 'claims_waiting', 'received', 'part_received', 'rejected', 'waived', 'bill_wanted', 'requests_exhausted', 'address_refused', 'unsubscribed', 'objection', 'invite', 'setup', 'reset', 'fresh_link', 'test', 'chat_linked', 'chat_replaced', 'stale_code')",
            name=op.f("ck_messages_notice_legal"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'dead', 'cancelled')",
            name=op.f("ck_messages_state_legal"),
        ),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name=op.f("fk_messages_address_id")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_messages_attempt_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_messages_contact_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_messages_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_messages_dedupe_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_messages_public_id")),
    )
    op.create_index("ix_messages_attempt_id", "messages", ["attempt_id"], unique=False)
    op.create_index("ix_messages_contact_created_at", "messages", ["contact_id", "created_at"], unique=False)
    op.create_index("ix_messages_correlation_id", "messages", ["correlation_id"], unique=False)
    op.create_index(
        "ix_messages_edit_at",
        "messages",
        ["edit_at"],
        unique=False,
        postgresql_where=sa.text("edit_at IS NOT NULL"),
        sqlite_where=sa.text("edit_at IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_lane_due_at",
        "messages",
        ["lane", "due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
        sqlite_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index(
        "ix_messages_workspace_created_at", "messages", ["workspace_id", "created_at"], unique=False
    )

    op.create_table(
        "pay_methods",
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_pay_methods_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pay_methods")),
        sa.UniqueConstraint("group_id", "position", name=op.f("uq_pay_methods_group_id_position")),
    )
    op.create_table(
        "prices",
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_prices_amount_not_negative")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_prices_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
        sa.UniqueConstraint("group_id", "from_on", name=op.f("uq_prices_group_id_from_on")),
    )
    op.create_table(
        "receipts",
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("workspace_id", BIG, nullable=False),
        sa.Column("contact_id", BIG, nullable=False),
        sa.Column("payer_id", BIG, nullable=False),
        sa.Column("group_id", BIG, nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("direction", sa.String(length=32), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("method", sa.String(length=120), nullable=True),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("attempt_id", BIG, nullable=True),
        sa.Column("external_key", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_receipts_direction_legal")),
        sa.CheckConstraint("source IN ('admin', 'credit', 'own')", name=op.f("ck_receipts_source_legal")),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_receipts_amount_not_negative")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_receipts_attempt_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_receipts_contact_id")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_receipts_group_id")),
        sa.ForeignKeyConstraint(["payer_id"], ["contacts.id"], name=op.f("fk_receipts_payer_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_receipts_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("public_id", name=op.f("uq_receipts_public_id")),
    )
    op.create_index("ix_receipts_contact_payer", "receipts", ["contact_id", "payer_id"], unique=False)
    op.create_index(
        "ix_receipts_workspace_received_on", "receipts", ["workspace_id", "received_on"], unique=False
    )
    op.create_index(
        "uq_receipts_external_key",
        "receipts",
        ["external_key"],
        unique=True,
        postgresql_where=sa.text("external_key IS NOT NULL"),
        sqlite_where=sa.text("external_key IS NOT NULL"),
    )

    op.create_table(
        "periods",
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("member_id", BIG, nullable=True),
        sa.Column("sequence", BIG, nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=True),
        sa.Column("payer_part_minor", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(length=32), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("billed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", BIG, nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("origin IN ('time', 'admin')", name=op.f("ck_periods_origin_legal")),
        sa.CheckConstraint("payer_part_minor >= 0", name=op.f("ck_periods_payer_part_not_negative")),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_periods_starts_before_it_ends")),
        sa.CheckConstraint(
            "total_minor IS NULL OR total_minor >= 0", name=op.f("ck_periods_total_not_negative")
        ),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_periods_group_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_periods_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_periods")),
        sa.UniqueConstraint("public_id", name=op.f("uq_periods_public_id")),
    )
    op.create_index("ix_periods_group_sequence_all", "periods", ["group_id", "sequence"], unique=False)
    op.create_index(
        "uq_periods_group_sequence",
        "periods",
        ["group_id", "sequence"],
        unique=True,
        postgresql_where=sa.text("voided_at IS NULL AND member_id IS NULL"),
        sqlite_where=sa.text("voided_at IS NULL AND member_id IS NULL"),
    )
    op.create_index(
        "uq_periods_group_starts_on",
        "periods",
        ["group_id", "starts_on"],
        unique=True,
        postgresql_where=sa.text("voided_at IS NULL AND member_id IS NULL"),
        sqlite_where=sa.text("voided_at IS NULL AND member_id IS NULL"),
    )

    op.create_table(
        "payments",
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("workspace_id", BIG, nullable=False),
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("member_id", BIG, nullable=False),
        sa.Column("contact_id", BIG, nullable=False),
        sa.Column("payer_id", BIG, nullable=False),
        sa.Column("period_id", BIG, nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("received_minor", sa.BigInteger(), nullable=False),
        sa.Column("written_off_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("weight", BIG, nullable=False),
        sa.Column("part_days", BIG, nullable=True),
        sa.Column("is_fixed", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("reference", sa.String(length=6), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("pending_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_on", sa.Date(), nullable=True),
        sa.Column("requests_sent", BIG, nullable=False),
        sa.Column("snoozed_until", sa.Date(), nullable=True),
        sa.Column("nudged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_action_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("kind IN ('dues', 'own')", name=op.f("ck_payments_kind_legal")),
        sa.CheckConstraint(
            "status <> 'confirmed' OR received_minor + written_off_minor = amount_minor",
            name=op.f("ck_payments_confirmed_is_covered"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'member_confirmed', 'confirmed', 'overdue', 'waived')",
            name=op.f("ck_payments_status_legal"),
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_payments_amount_not_negative")),
        sa.CheckConstraint(
            "received_minor BETWEEN 0 AND amount_minor", name=op.f("ck_payments_received_within_amount")
        ),
        sa.CheckConstraint("written_off_minor >= 0", name=op.f("ck_payments_written_off_not_negative")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_payments_contact_id")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_payments_group_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_payments_member_id")),
        sa.ForeignKeyConstraint(["payer_id"], ["contacts.id"], name=op.f("fk_payments_payer_id")),
        sa.ForeignKeyConstraint(["period_id"], ["periods.id"], name=op.f("fk_payments_period_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_payments_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payments_public_id")),
        sa.UniqueConstraint("workspace_id", "reference", name=op.f("uq_payments_workspace_id_reference")),
    )
    op.create_index(
        "ix_payments_claimed",
        "payments",
        ["workspace_id"],
        unique=False,
        postgresql_where=sa.text("status = 'member_confirmed'"),
        sqlite_where=sa.text("status = 'member_confirmed'"),
    )
    op.create_index("ix_payments_contact_status", "payments", ["contact_id", "status"], unique=False)
    op.create_index("ix_payments_group_status", "payments", ["group_id", "status"], unique=False)
    op.create_index("ix_payments_member_id", "payments", ["member_id"], unique=False)
    op.create_index(
        "ix_payments_next_action_at",
        "payments",
        ["next_action_at"],
        unique=False,
        postgresql_where=sa.text("next_action_at IS NOT NULL"),
        sqlite_where=sa.text("next_action_at IS NOT NULL"),
    )
    op.create_index("ix_payments_period_id", "payments", ["period_id"], unique=False)
    op.create_index(
        "uq_payments_period_member",
        "payments",
        ["period_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("voided_at IS NULL AND period_id IS NOT NULL"),
        sqlite_where=sa.text("voided_at IS NULL AND period_id IS NOT NULL"),
    )

    op.create_table(
        "allocations",
        sa.Column("receipt_id", BIG, nullable=False),
        sa.Column("payment_id", BIG, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("keeps_away", sa.Boolean(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_allocations_amount_positive")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_allocations_payment_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("fk_allocations_receipt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocations")),
    )
    op.create_index("ix_allocations_payment_id", "allocations", ["payment_id"], unique=False)
    op.create_index(
        "uq_allocations_receipt_payment",
        "allocations",
        ["receipt_id", "payment_id"],
        unique=True,
        postgresql_where=sa.text("voided_at IS NULL"),
        sqlite_where=sa.text("voided_at IS NULL"),
    )

    op.create_table(
        "attempt_items",
        sa.Column("attempt_id", BIG, nullable=False),
        sa.Column("payment_id", BIG, nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'confirmed', 'part_confirmed', 'rejected', 'withdrawn', 'waived', 'voided')",
            name=op.f("ck_attempt_items_state_legal"),
        ),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_attempt_items_attempt_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_attempt_items_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt_items")),
        sa.UniqueConstraint("attempt_id", "payment_id", name=op.f("uq_attempt_items_attempt_id_payment_id")),
    )
    op.create_index("ix_attempt_items_payment_id", "attempt_items", ["payment_id"], unique=False)
    op.create_index(
        "uq_attempt_items_open",
        "attempt_items",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )

    op.create_table(
        "events",
        sa.Column("workspace_id", BIG, nullable=False),
        sa.Column("group_id", BIG, nullable=True),
        sa.Column("payment_id", BIG, nullable=True),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", BIG, nullable=False),
        sa.Column("verb", sa.String(length=32), nullable=False),
        sa.Column("actor_kind", sa.String(length=32), nullable=False),
        sa.Column("actor_id", BIG, nullable=True),
        sa.Column("via", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("correlation_id", sa.String(length=12), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "actor_kind IN ('user', 'contact', 'operator', 'time', 'credit')",
            name=op.f("ck_events_actor_kind_legal"),
        ),
        sa.CheckConstraint(
            "via IN ('web', 'link', 'telegram', 'command_line', 'worker')", name=op.f("ck_events_via_legal")
        ),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_events_group_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_events_payment_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_events_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_correlation_id", "events", ["correlation_id"], unique=False)
    op.create_index("ix_events_group_at", "events", ["group_id", "at"], unique=False)
    op.create_index("ix_events_payment_id", "events", ["payment_id"], unique=False)
    op.create_index("ix_events_workspace_at", "events", ["workspace_id", "at"], unique=False)

    op.create_table(
        "message_items",
        sa.Column("message_id", BIG, nullable=False),
        sa.Column("payment_id", BIG, nullable=False),
        sa.Column("step", BIG, nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("channel IN ('email', 'telegram')", name=op.f("ck_message_items_channel_legal")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_message_items_message_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_message_items_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_items")),
        sa.UniqueConstraint(
            "payment_id", "step", "channel", name=op.f("uq_message_items_payment_id_step_channel")
        ),
    )
    op.create_index("ix_message_items_message_id", "message_items", ["message_id"], unique=False)
