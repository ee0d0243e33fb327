"""The ledger: periods, payments, attempts to settle them, receipts and their allocations.

The checks here are the last line: whatever a service does, these sums and statuses stay legal.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from substrack.domain.actors import Via
from substrack.domain.payments import PaymentKind, Status
from substrack.store.base import Base, Choice, Minor, PublicId, one_of


class AttemptState(StrEnum):
    """Where an attempt, or one item of it, stands."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    PART_CONFIRMED = "part_confirmed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    WAIVED = "waived"
    VOIDED = "voided"


class AttemptKind(StrEnum):
    """How an attempt settles; invoices at a gateway will join the claims."""

    CLAIM = "claim"


class ReceiptSource(StrEnum):
    """Who says that the money came."""

    ADMIN = "admin"
    CREDIT = "credit"
    OWN = "own"


class Direction(StrEnum):
    """Money that reached the payer, or went back."""

    IN = "in"
    OUT = "out"


class PeriodOrigin(StrEnum):
    """What made a period."""

    TIME = "time"
    ADMIN = "admin"


def _live(name: str, *columns: str, also: str = "", unique: bool = True) -> Index:
    where = text("voided_at IS NULL" + (f" AND {also}" if also else ""))
    return Index(name, *columns, unique=unique, postgresql_where=where, sqlite_where=where)


def _where(name: str, *columns: str, condition: str, unique: bool = False) -> Index:
    return Index(
        name, *columns, unique=unique, postgresql_where=text(condition), sqlite_where=text(condition)
    )


class Period(Base):
    """One window of the whole group (later also of one member). Local dates of the group's zone.

    `total_minor` is null while the bill is wanted; `payer_part_minor` is what the payments leave to the
    payer. `billed_minor` is what its price, its bill or a correction says that it costs: where single
    amounts come to more, the total is their sum. `payer_id` is whom it is paid to, whoever pays for the group
    by now.
    """

    __tablename__ = "periods"
    __table_args__ = (
        _live("uq_periods_group_sequence", "group_id", "sequence", also="member_id IS NULL"),
        _live("uq_periods_group_starts_on", "group_id", "starts_on", also="member_id IS NULL"),
        Index("ix_periods_group_sequence_all", "group_id", "sequence"),
        _live("ix_periods_unbilled", "due_on", "id", also="total_minor IS NULL", unique=False),
        one_of("origin", PeriodOrigin),
        CheckConstraint("starts_on <= ends_on", name="starts_before_it_ends"),
        CheckConstraint("total_minor IS NULL OR total_minor >= 0", name="total_not_negative"),
        CheckConstraint("payer_part_minor >= 0", name="payer_part_not_negative"),
    )

    public_id: Mapped[PublicId]
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    sequence: Mapped[int]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    due_on: Mapped[date]
    opens_on: Mapped[date]
    total_minor: Mapped[Minor | None]
    billed_minor: Mapped[Minor | None]
    payer_part_minor: Mapped[Minor] = mapped_column(default=0)
    payer_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    origin: Mapped[PeriodOrigin] = mapped_column(Choice(PeriodOrigin))
    opened_at: Mapped[datetime]
    billed_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class Payment(Base):
    """What one member owes the payer for a period. Frozen when made; corrected only by an adjustment.

    `contact_id` and `payer_id` repeat what member and group say, so that a person's open payments are one
    index read. `weight`, `part_days` and `is_fixed` are the terms the share was worked out from. `objection`
    is the correlation id of the act by which its member said that something is off, until it is answered.
    Of `requests_sent`, `requests_before` were sent before it last became pending; `exhausted_at` is when the
    admins were told that all requests of this round are used up.
    """

    __tablename__ = "payments"
    __table_args__ = (
        _live("uq_payments_period_member", "period_id", "member_id", also="period_id IS NOT NULL"),
        UniqueConstraint("workspace_id", "reference"),
        Index("ix_payments_contact_status", "contact_id", "status"),
        Index("ix_payments_group_status", "group_id", "status", "id"),
        Index(
            "ix_payments_period_tally",
            "period_id",
            "kind",
            "status",
            "id",
            "voided_at",
            "amount_minor",
            "received_minor",
            "written_off_minor",
        ),
        Index("ix_payments_member_id", "member_id"),
        _live("ix_payments_open", "workspace_id", "due_on", "id", also="closed_at IS NULL", unique=False),
        _where("ix_payments_next_action_at", "next_action_at", condition="next_action_at IS NOT NULL"),
        _where("ix_payments_claimed", "workspace_id", condition="status = 'member_confirmed'"),
        _live(
            "ix_payments_noted",
            "workspace_id",
            "group_id",
            also="closed_at IS NULL AND objection IS NOT NULL",
            unique=False,
        ),
        one_of("status", Status),
        one_of("kind", PaymentKind),
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
        CheckConstraint("received_minor BETWEEN 0 AND amount_minor", name="received_within_amount"),
        CheckConstraint("written_off_minor >= 0", name="written_off_not_negative"),
        CheckConstraint(
            "status <> 'confirmed' OR received_minor + written_off_minor = amount_minor",
            name="confirmed_is_covered",
        ),
    )

    public_id: Mapped[PublicId]
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    payer_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    period_id: Mapped[int | None] = mapped_column(ForeignKey("periods.id"))
    kind: Mapped[PaymentKind] = mapped_column(Choice(PaymentKind))
    amount_minor: Mapped[Minor]
    received_minor: Mapped[Minor] = mapped_column(default=0)
    written_off_minor: Mapped[Minor] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3))
    weight: Mapped[int] = mapped_column(default=1)
    part_days: Mapped[int | None]
    is_fixed: Mapped[bool] = mapped_column(default=False)
    status: Mapped[Status] = mapped_column(Choice(Status))
    version: Mapped[int] = mapped_column(default=1)
    reference: Mapped[str] = mapped_column(String(6))
    due_on: Mapped[date | None]
    asked_on: Mapped[date]
    pending_at: Mapped[datetime]
    requested_on: Mapped[date | None]
    requests_sent: Mapped[int] = mapped_column(default=0)
    requests_before: Mapped[int] = mapped_column(default=0, server_default="0")
    exhausted_at: Mapped[datetime | None]
    snoozed_until: Mapped[date | None]
    nudged_at: Mapped[datetime | None]
    objection: Mapped[str | None] = mapped_column(String(12))
    next_action_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]


class Attempt(Base):
    """One try to settle payments: one press of "I've paid" and all the payments it names."""

    __tablename__ = "attempts"
    __table_args__ = (
        one_of("kind", AttemptKind),
        one_of("state", AttemptState),
        one_of("via", Via),
        _where("ix_attempts_open", "workspace_id", "made_at", condition="state = 'open'"),
        Index("ix_attempts_contact_made_at", "contact_id", "made_at"),
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    )

    public_id: Mapped[PublicId]
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    payer_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    kind: Mapped[AttemptKind] = mapped_column(Choice(AttemptKind), default=AttemptKind.CLAIM)
    state: Mapped[AttemptState] = mapped_column(Choice(AttemptState), default=AttemptState.OPEN)
    amount_minor: Mapped[Minor]
    currency: Mapped[str] = mapped_column(String(3))
    paid_on: Mapped[date | None]
    method: Mapped[str | None] = mapped_column(String(120))
    note: Mapped[str | None] = mapped_column(Text)
    made_at: Mapped[datetime]
    via: Mapped[Via] = mapped_column(Choice(Via))
    flagged: Mapped[bool] = mapped_column(default=False)
    decided_at: Mapped[datetime | None]


class AttemptItem(Base):
    """One payment an attempt names; open until it is decided, and only one open item per payment."""

    __tablename__ = "attempt_items"
    __table_args__ = (
        UniqueConstraint("attempt_id", "payment_id"),
        _where("uq_attempt_items_open", "payment_id", condition="state = 'open'", unique=True),
        Index("ix_attempt_items_payment_id", "payment_id"),
        one_of("state", AttemptState),
    )

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"))
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    state: Mapped[AttemptState] = mapped_column(Choice(AttemptState), default=AttemptState.OPEN)
    reason: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[datetime | None]


class Attachment(Base):
    """Proof that came with an attempt."""

    __tablename__ = "attachments"

    public_id: Mapped[PublicId]
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), index=True)
    content: Mapped[bytes] = mapped_column("bytes", LargeBinary)
    kind: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)


class Receipt(Base):
    """Money that reached the payer from a contact, or went back. What is not allocated is credit."""

    __tablename__ = "receipts"
    __table_args__ = (
        one_of("direction", Direction),
        one_of("source", ReceiptSource),
        Index("ix_receipts_contact_payer", "contact_id", "payer_id"),
        Index("ix_receipts_workspace_received_on", "workspace_id", "received_on"),
        _where("ix_receipts_attempt_id", "attempt_id", condition="attempt_id IS NOT NULL"),
        _where("uq_receipts_external_key", "external_key", condition="external_key IS NOT NULL", unique=True),
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    )

    public_id: Mapped[PublicId]
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    payer_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id"))
    amount_minor: Mapped[Minor]
    currency: Mapped[str] = mapped_column(String(3))
    direction: Mapped[Direction] = mapped_column(Choice(Direction), default=Direction.IN)
    received_on: Mapped[date]
    method: Mapped[str | None] = mapped_column(String(120))
    source: Mapped[ReceiptSource] = mapped_column(Choice(ReceiptSource))
    note: Mapped[str | None] = mapped_column(Text)
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("attempts.id"))
    external_key: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str | None] = mapped_column(Text)


class Allocation(Base):
    """Which part of a receipt settles which payment.

    `keeps_away` marks a voided allocation whose money must not flow back to this payment by itself.
    """

    __tablename__ = "allocations"
    __table_args__ = (
        _live("uq_allocations_receipt_payment", "receipt_id", "payment_id"),
        Index("ix_allocations_payment_id", "payment_id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipts.id"))
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    amount_minor: Mapped[Minor]
    made_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    keeps_away: Mapped[bool] = mapped_column(default=False)
