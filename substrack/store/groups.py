"""Groups, their prices, how to pay, and their members."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from substrack.domain.cycles import Unit
from substrack.domain.service_kinds import ServiceKind
from substrack.domain.shares import PartPeriod, SplitKind
from substrack.store.base import Base, Choice, Minor, PublicId, one_of


class Group(Base):
    """One shared subscription.

    `next_open_at` is the instant the next period opens by itself, null while nothing is to open (paused,
    ended, archived, nobody joined yet). Currency and exponent freeze with the first period.
    `request_sentence` is the admin's own sentence in requests; `pay_changed_at` is when how to pay last
    changed after it was first given, by other ways or another payer, so that requests can say that it is new.
    """

    __tablename__ = "groups"
    __table_args__ = (
        Index("ix_groups_next_open_at", "next_open_at", postgresql_where=text("next_open_at IS NOT NULL"),
              sqlite_where=text("next_open_at IS NOT NULL")),
        one_of("split", SplitKind),
        one_of("unit", Unit),
        one_of("part_period", PartPeriod),
        one_of("kind", ServiceKind),
        CheckConstraint("every >= 1", name="every_positive"),
        CheckConstraint("billing_day IS NULL OR billing_day BETWEEN 1 AND 31", name="billing_day_legal"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour_legal"),
        CheckConstraint("tolerance_minor >= 0", name="tolerance_not_negative"),
    )  # fmt: skip

    public_id: Mapped[PublicId]
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspaces.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[ServiceKind] = mapped_column(Choice(ServiceKind), default=ServiceKind.OTHER)
    request_sentence: Mapped[str] = mapped_column(String(300), default="")
    pay_changed_at: Mapped[datetime | None]
    payer_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), index=True)
    payer_included: Mapped[bool]
    currency: Mapped[str] = mapped_column(String(3))
    exponent: Mapped[int]
    split: Mapped[SplitKind] = mapped_column(Choice(SplitKind))
    unit: Mapped[Unit] = mapped_column(Choice(Unit))
    every: Mapped[int]
    billing_day: Mapped[int | None]
    starts_on: Mapped[date]
    anchor_on: Mapped[date]
    anchor_sequence: Mapped[int] = mapped_column(default=1)
    next_sequence: Mapped[int] = mapped_column(default=1)
    collect_days_before: Mapped[int] = mapped_column(default=0)
    due_days: Mapped[int] = mapped_column(default=0)
    grace_days: Mapped[int] = mapped_column(default=3)
    repeat_every_days: Mapped[int] = mapped_column(default=3)
    max_requests: Mapped[int] = mapped_column(default=8)
    overdue_after_days: Mapped[int] = mapped_column(default=14)
    hour: Mapped[int] = mapped_column(default=10)
    time_zone: Mapped[str] = mapped_column(String(64))
    part_period: Mapped[PartPeriod] = mapped_column(Choice(PartPeriod), default=PartPeriod.NEXT)
    tolerance_minor: Mapped[Minor] = mapped_column(default=5)
    heads_up_days: Mapped[int] = mapped_column(default=0)
    tells_opened: Mapped[bool] = mapped_column(default=False)
    next_open_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    ends_on: Mapped[date | None]
    archived_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]


class Price(Base):
    """What the group costs from a date on; a change never rewrites the past."""

    __tablename__ = "prices"
    __table_args__ = (
        UniqueConstraint("group_id", "from_on"),
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    )

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    from_on: Mapped[date]
    amount_minor: Mapped[Minor]


class PayMethod(Base):
    """One way to pay a payer of a group: a link with placeholders, an IBAN with its holder, or free text.

    Those of a former payer stay for what is still owed to them.
    """

    __tablename__ = "pay_methods"
    __table_args__ = (UniqueConstraint("group_id", "payer_id", "position"),)

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    payer_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    fields: Mapped[dict[str, Any]]


class Member(Base):
    """A contact in a group from `joined_on` until the day before `left_on`."""

    __tablename__ = "members"
    __table_args__ = (
        Index("uq_members_present", "group_id", "contact_id", unique=True,
              postgresql_where=text("left_on IS NULL"), sqlite_where=text("left_on IS NULL")),
        Index("ix_members_group_stays", "group_id", "left_on", "joined_on", "contact_id"),
        Index("ix_members_group_order", "group_id", "id"),
        Index("ix_members_contact_id", "contact_id"),
        CheckConstraint("weight BETWEEN 1 AND 1000", name="weight_legal"),
        CheckConstraint("fixed_minor IS NULL OR fixed_minor >= 0", name="fixed_not_negative"),
        CheckConstraint("left_on IS NULL OR left_on >= joined_on", name="leaves_after_joining"),
    )  # fmt: skip

    public_id: Mapped[PublicId]
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    joined_on: Mapped[date]
    left_on: Mapped[date | None]
    weight: Mapped[int] = mapped_column(default=1)
    fixed_minor: Mapped[Minor | None]
    told_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
