"""Reads for the doctor about a database as a whole: settings, wholeness, sums, what waits for too long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select, text, union
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.key_history import KeyHistory
from substrack.domain.notices import Channel
from substrack.domain.payments import PaymentKind
from substrack.queries.chats import ENVIRONMENT
from substrack.queries.delivery import is_waiting
from substrack.queries.home_signs import REFUSED_LATELY, refused_openings
from substrack.queries.prepared import written
from substrack.store import (
    Allocation,
    Connection,
    Contact,
    Event,
    Group,
    Installation,
    Lane,
    Message,
    Payment,
    Period,
    Workspace,
)

POSTGRESQL_SETTINGS: Final = ("synchronous_commit", "fsync", "full_page_writes")
SQLITE_SETTINGS: Final = ("journal_mode", "synchronous", "foreign_keys")


@dataclass(frozen=True)
class Waiting:
    """What is stuck on its way: counts, and what failing lanes (ways out) last said."""

    late: int
    dead: int
    lost_leases: int
    failing: tuple[tuple[str, datetime, str | None], ...]


@dataclass(frozen=True)
class Unopened:
    """A group whose next period could not be opened, and why."""

    public_id: str
    reason: str


def load_unopened(session: Session, *, now: datetime) -> list[Unopened]:
    """List the groups of all workspaces whose last try to open a period was refused, in one statement."""
    columns = (Group.public_id, Event.reason)
    query = refused_openings(Group.workspace_id, now - REFUSED_LATELY, *columns).order_by(Event.id)
    last = {public_id: Unopened(public_id, reason or "") for public_id, reason in session.execute(query)}
    return list(last.values())


def load_server_version(session: Session) -> str:
    """Name the database and its version, by asking it."""
    if _is_sqlite(session):
        session.execute(text("SELECT count(*) FROM sqlite_master"))  # reads the file, unlike the version
        return f"SQLite {session.scalar(text('SELECT sqlite_version()'))}"
    return f"PostgreSQL {session.scalar(text('SHOW server_version'))}"


def load_durability(session: Session) -> dict[str, str]:
    """Read back what decides whether a power cut loses anything, as this connection has it."""
    if _is_sqlite(session):
        return {name: str(session.scalar(text(f"PRAGMA {name}"))) for name in SQLITE_SETTINGS}
    return {name: str(session.scalar(text(f"SHOW {name}"))) for name in POSTGRESQL_SETTINGS}


def quick_check(session: Session) -> list[str]:
    """Let SQLite look through its file; return what it has to say, nothing when all is well."""
    said = session.scalars(text("PRAGMA quick_check(3)")).all()
    return [] if list(said) == ["ok"] else [" ".join(str(line).split()) for line in said]


def lost_references(session: Session) -> list[str]:
    """Name the SQLite tables with rows that refer to nothing."""
    return sorted({str(row[0]) for row in session.execute(text("PRAGMA foreign_key_check"))})


def database_clock(session: Session) -> datetime:
    """Ask PostgreSQL for the time."""
    now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return now


def find_key_history(session: Session) -> KeyHistory | None:
    """Find which keys sign and signed links; None before the first start."""
    kept = session.scalar(select(Installation.secret_fingerprint))
    return KeyHistory.read(kept) if kept else None


def zones_in_use(session: Session) -> set[str]:
    """List the time zones of workspaces, groups and people."""
    chosen = (select(table.time_zone) for table in (Workspace, Group, Contact))
    return {zone for zone in session.scalars(union(*chosen)) if zone}


def has_workspace(session: Session) -> bool:
    """Tell whether anything is set up."""
    return session.scalar(select(Workspace.id).limit(1)) is not None


def bot_connections(session: Session) -> list[int]:
    """List the connections that stand for the environment's bot; its webhook leads to one of them."""
    query = select(Connection.id).where(
        Connection.channel == Channel.TELEGRAM, Connection.name == ENVIRONMENT
    )
    return list(session.scalars(query.order_by(Connection.id)))


def load_waiting(session: Session, *, late: datetime, lost: datetime) -> Waiting:
    """Count what was due before `late`, what is dead, and leases that ended before `lost` (3 statements).

    None of them reads a message that was sent, however many there were.
    """
    queued = Message.state == MessageState.QUEUED
    overdue, gone = session.execute(
        select(
            func.count().filter(queued, Message.due_at < late),
            func.count().filter(Message.state == MessageState.SENDING, Message.lease_until < lost),
        ).where(is_waiting())
    ).one()
    dead = session.scalar(select(func.count()).where(Message.state == written(MessageState.DEAD)))
    failing = select(Lane.name, Lane.failing_since, Lane.last_error).where(Lane.failing_since.is_not(None))
    return Waiting(
        late=overdue,
        dead=dead or 0,
        lost_leases=gone,
        failing=tuple((name, since, said) for name, since, said in session.execute(failing) if since),
    )


def ledger_differences(session: Session) -> list[tuple[str, str, int, int]]:
    """Compare the great sums by currency; return what differs, its currency, both sums in minor units."""
    compared = (
        ("received and allocated", _received(), _allocated()),
        ("periods and payments", _billed(), _owed()),
    )
    differences = []
    for what, one, other in compared:
        ours, theirs = _by_currency(session, one), _by_currency(session, other)
        differences += [
            (what, currency, ours.get(currency, 0), theirs.get(currency, 0))
            for currency in sorted(ours.keys() | theirs.keys())
            if ours.get(currency, 0) != theirs.get(currency, 0)
        ]
    return differences


def _received() -> Select[str, Any]:
    return select(Payment.currency, func.sum(Payment.received_minor)).group_by(Payment.currency)


def _allocated() -> Select[str, Any]:
    return (
        select(Payment.currency, func.sum(Allocation.amount_minor))
        .join(Payment, Payment.id == Allocation.payment_id)
        .where(Allocation.voided_at.is_(None))
        .group_by(Payment.currency)
    )


def _billed() -> Select[str, Any]:
    return (
        select(Group.currency, func.sum(Period.total_minor - Period.payer_part_minor))
        .join(Group, Group.id == Period.group_id)
        .where(Period.voided_at.is_(None), Period.total_minor.is_not(None))
        .group_by(Group.currency)
    )


def _owed() -> Select[str, Any]:
    return (
        select(Payment.currency, func.sum(Payment.amount_minor))
        .where(Payment.voided_at.is_(None), Payment.kind == PaymentKind.DUES, Payment.period_id.is_not(None))
        .group_by(Payment.currency)
    )


def _by_currency(session: Session, query: Select[str, Any]) -> dict[str, int]:
    return {currency: int(minor) for currency, minor in session.execute(query) if minor}


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
