"""Taking a person out of the tables: by the tags of their own rows, and by name out of everybody else's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Select,
    String,
    Table,
    bindparam,
    delete,
    exists,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from substrack.domain.actors import ActorKind
from substrack.domain.delivery import KEPT_NAME, WAITING, MessageState
from substrack.domain.mentions import Mentions
from substrack.domain.sifting import sift
from substrack.queries.batches import in_batches
from substrack.queries.personal import WHOSE, Subject
from substrack.services.leases import lock_messages
from substrack.services.purging import empty_texts
from substrack.store import (
    Attempt,
    AttemptItem,
    Base,
    Contact,
    Event,
    Group,
    Member,
    Message,
    MessageItem,
    Payment,
    Receipt,
)
from substrack.store.privacy import PRIVACY, Erasing

WORDS_OF_OTHERS: Final[tuple[tuple[Any, tuple[str, ...]], ...]] = (
    (Event, ("reason",)),
    (Attempt, ("note",)),
    (AttemptItem, ("reason",)),
    (Receipt, ("note", "void_reason")),
    (Contact, ("note",)),
    (Group, ("description", "request_sentence")),
)
"""Where somebody may have written about somebody else."""


def empty_rows(session: Session, who: Subject, name: str, *, now: datetime) -> list[str]:
    """Do to each column of a person's rows what its tag says; return the files of mails that were kept."""
    kept = session.scalars(select(Message.provider_id).where(Message.contact_id == who.contact_id)).all()
    _empty_reasons_of(session, who)
    for table_name, whose in WHOSE.items():
        table, where = Base.metadata.tables[table_name], whose(who)
        erasing = {column: tag.erasing for column, tag in PRIVACY[table_name].items()}
        if Erasing.REMOVED in erasing.values():
            session.execute(delete(table).where(where))
            continue
        sifted = [column for column, what in erasing.items() if what is Erasing.SIFTED]
        if sifted:
            _sift(session, table, sifted, where)
        values = _values(table, erasing, name)
        if values:
            session.execute(update(table).where(where).values(values))
    session.execute(update(Message).where(Message.contact_id == who.contact_id).values(emptied_at=now))
    return [file for file in kept if file and KEPT_NAME.fullmatch(file)]


def empty_mentions(
    session: Session, who: Subject, mentions: Mentions, name: str, *, now: datetime
) -> list[str]:
    """Take a person out of what others were told and wrote; return the files of mails that were kept.

    Messages about them lose their texts, and are not sent if they wait. Where others only name them, in a
    reason or note, the neutral name stands instead; `mentions` says what names them.
    """
    about = _is_about(who)
    lock_messages(session, about, Message.state.in_(WAITING))
    waiting = update(Message).where(about, Message.state.in_(WAITING))
    session.execute(
        waiting.values(
            state=MessageState.CANCELLED, last_error=None, lease_token=None, lease_until=None
        ).execution_options(synchronize_session=False)
    )
    done = select(Message.id).where(
        Message.workspace_id == who.workspace_id,
        Message.emptied_at.is_(None),
        Message.state.not_in(WAITING),
    )
    keys = _naming(session, who, mentions, done).union(session.scalars(done.where(about)))
    files = _empty_messages(session, keys, now)
    # What was tried already is repeated with the same bytes, whoever it names.
    untried = select(Message.id).where(
        Message.workspace_id == who.workspace_id,
        Message.state == MessageState.QUEUED,
        Message.attempts == 0,
        Message.rendered.is_not(None),
    )
    for batch in in_batches(_naming(session, who, mentions, untried)):
        again = update(Message).where(Message.id.in_(batch)).values(rendered=null())
        session.execute(again.execution_options(synchronize_session=False))
    for table, columns in WORDS_OF_OTHERS:
        for column in columns:
            _rename(session, table, column, who.workspace_id, mentions, name)
    return files


def _empty_messages(session: Session, keys: Iterable[int], now: datetime) -> list[str]:
    files: list[str] = []
    for batch in in_batches(keys):
        still = select(Message.id).where(Message.id.in_(batch), Message.emptied_at.is_(None))
        count = 1
        while count:
            count, some = empty_texts(session, still, now=now)
            files += some
    return files


def _empty_reasons_of(session: Session, who: Subject) -> None:
    """Take out the reasons they typed about other people's claims and receipts."""
    typed = exists().where(
        Event.workspace_id == who.workspace_id,
        Event.actor_kind == ActorKind.USER,
        Event.actor_id.in_(who.user_ids),
    )
    rejected = typed.where(Event.payment_id == AttemptItem.payment_id, Event.reason == AttemptItem.reason)
    is_receipt = (Event.subject_kind == "receipt", Event.subject_id == Receipt.id)
    voided = typed.where(*is_receipt, Event.reason == Receipt.void_reason)
    for change in (
        update(AttemptItem).where(rejected).values(reason=null()),
        update(Receipt).where(voided).values(void_reason=null()),
    ):
        session.execute(change.execution_options(synchronize_session=False))


def _values(table: Table, erasing: Mapping[str, Erasing], name: str) -> dict[str, Any]:
    emptied = {
        column: _nothing(table.c[column]) for column, what in erasing.items() if what is Erasing.EMPTIED
    }
    replaced = {column: name for column, what in erasing.items() if what is Erasing.REPLACED}
    return emptied | replaced


def _nothing(column: Column[Any]) -> Any:
    if column.nullable:
        return null()
    if isinstance(column.type, JSON):
        return {}
    return "" if isinstance(column.type, String) else 0


def _sift(session: Session, table: Table, columns: list[str], where: ColumnElement[bool]) -> None:
    chosen = [table.c[column] for column in columns]
    rows = session.execute(select(table.c.id, *chosen).where(where)).mappings().all()
    sifted: dict[str, Any] = {
        column: bindparam(f"new_{column}", type_=JSON(none_as_null=True)) for column in columns
    }
    changed = [
        {"key": row["id"]} | {f"new_{column}": row[column] and sift(row[column]) for column in columns}
        for row in rows
    ]
    if changed:
        session.execute(update(table).where(table.c.id == bindparam("key")).values(sifted), changed)


def _is_about(who: Subject) -> ColumnElement[bool]:
    """Select what others were told about a person: their claims, payments, and what was done to them."""
    payments = select(Payment.id).where(Payment.contact_id == who.contact_id)
    items = select(MessageItem.message_id).where(MessageItem.payment_id.in_(payments))
    claims = select(Attempt.id).where(Attempt.contact_id == who.contact_id)
    return or_(
        Message.id.in_(items),
        Message.attempt_id.in_(claims),
        Message.payload["contact_id"].as_integer() == who.contact_id,
        Message.payload["attempt_id"].as_integer().in_(claims),
        Message.payload["address_id"].as_integer().in_(who.address_ids),
    )


def _says_to_pay(who: Subject) -> ColumnElement[bool]:
    """Select what tells others to pay somebody, whatever their name is."""
    owed = select(MessageItem.message_id).join(Payment, Payment.id == MessageItem.payment_id)
    groups = select(Group.id).where(Group.payer_id == who.contact_id)
    members = select(Member.id).where(Member.group_id.in_(groups))
    return or_(
        Message.id.in_(owed.where(Payment.payer_id == who.contact_id)),
        Message.payload["group_id"].as_integer().in_(groups),
        Message.payload["member_id"].as_integer().in_(members),
    )


def _naming(session: Session, who: Subject, mentions: Mentions, messages: Select[int]) -> set[int]:
    """Choose, of some messages, those whose stored text or facts name the person, or say to pay them."""
    paid = set(session.scalars(select(Payment.id).where(Payment.payer_id == who.contact_id)))
    found = messages.add_columns(Message.rendered, Message.payload).execution_options(yield_per=500)
    named = {
        key
        for key, rendered, payload in session.execute(found)
        if mentions.are_in([rendered, payload]) or not paid.isdisjoint(payload.get("payment_ids", ()))
    }
    return named.union(session.scalars(messages.where(_says_to_pay(who))))


def _rename(
    session: Session, table: Any, column: str, workspace_id: int, mentions: Mentions, name: str
) -> None:
    """Put the neutral name into a column wherever a text of the workspace names the person."""
    words, length = getattr(table, column), table.__table__.c[column].type.length
    query = select(table.id, words).where(_is_of(table, workspace_id), words.is_not(None), words != "")
    changed = [
        {"key": key, "words": mentions.replaced(text, name)[:length]}
        for key, text in session.execute(query).all()
        if mentions.are_in(text)
    ]
    if changed:
        plain = table.__table__
        renamed = update(plain).where(plain.c.id == bindparam("key")).values({column: bindparam("words")})
        session.execute(renamed, changed)


def _is_of(table: Any, workspace_id: int) -> ColumnElement[bool]:
    if table is AttemptItem:
        attempts = select(Attempt.id).where(Attempt.workspace_id == workspace_id)
        return AttemptItem.attempt_id.in_(attempts)
    is_of: ColumnElement[bool] = table.workspace_id == workspace_id
    return is_of
