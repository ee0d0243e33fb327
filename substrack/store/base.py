"""The typed declarative base, column types and keys that all tables share."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    String,
    inspect,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column
from sqlalchemy.types import TypeDecorator

from substrack.domain.references import make_public_id

BigKey = BigInteger().with_variant(Integer, "sqlite")
Minor = Annotated[int, mapped_column(BigInteger)]


def new_public_id() -> str:
    """Make a random 12-character id for use outside the database."""
    return make_public_id(secrets.randbits(128))


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware UTC in Python, `timestamptz` on PostgreSQL, naive UTC text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Choice(TypeDecorator[StrEnum]):
    """One member of a StrEnum, stored as its value; pair it with `one_of` for the CHECK."""

    impl = String(32)
    cache_ok = True

    def __init__(self, members: type[StrEnum]) -> None:
        super().__init__()
        self.members = members
        self._known: dict[str, StrEnum] = {member.value: member for member in members}

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else self.members(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self._known.get(value) or self.members(value)


def one_of(column: str, members: type[StrEnum]) -> CheckConstraint:
    """Make the CHECK that a column holds one of the values of an enum."""
    values = ", ".join(f"'{member.value}'" for member in members)
    return CheckConstraint(f"{column} IN ({values})", name=f"{column}_legal")


class Base(DeclarativeBase):
    """The base of all tables: bigint keys inside, named constraints, instants in UTC."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {int: BigKey, datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)


Entity = TypeVar("Entity", bound=Base)

PublicId = Annotated[str, mapped_column(String(12), unique=True, default=new_public_id)]


def shared_alias(entity: type[Entity]) -> type[Entity]:
    """Make an alias that queries of several threads share, as those of a module do.

    Its columns are made here and now: threads that make them at the same time may each get their own, and
    then the statements of this process name columns that are not there (SQLAlchemy, issue 9777).
    """
    made = aliased(entity)
    seen = inspect(made)
    assert seen.selectable.c
    for attribute in seen.mapper.column_attrs:
        assert getattr(made, attribute.key).expression is not None
    return made
