"""A crowd: as many people and groups as are wanted, written at once instead of by a form each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, text

from substrack.bootstrap import Runtime
from substrack.domain.cycles import Unit
from substrack.domain.delivery import lane_name
from substrack.domain.notices import Channel
from substrack.domain.shares import SplitKind
from substrack.services.connections import connection_for
from substrack.store import Address, Contact, Group, Member, Price, new_public_id
from tests.support.cast import START, make_cast

STARTS_ON: Final = date(2026, 2, 1)
OPENS_AT: Final = datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
ASKED_AT: Final = datetime(2026, 2, 4, 11, 0, tzinfo=UTC)
AT_ONCE: Final = 5_000
ZONE: Final = "Europe/Berlin"
PRICE_MINOR: Final = 1799


@dataclass(frozen=True)
class Crowd:
    """Where everybody is: a workspace and its mail connection."""

    runtime: Runtime
    workspace_id: int
    connection_id: int

    @property
    def lane(self) -> str:
        """The way all mail goes out."""
        return lane_name(Channel.EMAIL, self.connection_id)


def found_crowd(runtime: Runtime) -> Crowd:
    """Found a workspace with nobody in it but its owner."""
    cast = make_cast(runtime)
    with runtime.transaction() as session:
        connection = connection_for(session, cast.workspace_id, Channel.EMAIL)
        return Crowd(runtime, cast.workspace_id, connection.id)


def fill(crowd: Crowd, *, groups: int, members: int, tells_opened: bool = True) -> None:
    """Write groups of so many members each, all of them different people; the first of each group pays."""
    with crowd.runtime.write_engine.begin() as connection:
        first_person = _next_key(connection, Contact)
        first_group = _next_key(connection, Group)
        for rows in _in_lots(groups * members):
            people = [_person(crowd, first_person + number) for number in rows]
            _write(connection, Contact, people)
            _write(connection, Address, [_address(crowd, person["id"]) for person in people])
        for rows in _in_lots(groups):
            made = [
                _group(crowd, first_group + row, first_person + row * members, tells_opened) for row in rows
            ]
            _write(connection, Group, made)
            _write(connection, Price, [_price(group["id"]) for group in made])
        for rows in _in_lots(groups * members):
            _write(
                connection,
                Member,
                [_member(first_group + row // members, first_person + row) for row in rows],
            )
        _move_sequences(connection)


def _in_lots(count: int) -> Iterator[range]:
    for start in range(0, count, AT_ONCE):
        yield range(start, min(start + AT_ONCE, count))


def _next_key(connection: Connection, table: type[Any]) -> int:
    return (connection.scalar(select(func.max(table.id))) or 0) + 1


def _write(connection: Connection, table: type[Any], rows: Sequence[dict[str, Any]]) -> None:
    connection.execute(insert(table.__table__), rows)


def _person(crowd: Crowd, key: int) -> dict[str, Any]:
    return {
        "id": key,
        "public_id": new_public_id(),
        "workspace_id": crowd.workspace_id,
        "name": f"Guest {key}",
        "channel_choice": "both",
        "note": "",
        "created_at": START,
    }


def _address(crowd: Crowd, person: int) -> dict[str, Any]:
    value = f"guest{person}@example.org"
    return {
        "contact_id": person,
        "connection_id": crowd.connection_id,
        "channel": Channel.EMAIL,
        "value": value,
        "value_key": value,
        "created_at": START,
    }


def _group(crowd: Crowd, key: int, payer: int, tells_opened: bool) -> dict[str, Any]:
    return {
        "id": key,
        "public_id": new_public_id(),
        "workspace_id": crowd.workspace_id,
        "name": f"Films {key}",
        "payer_id": payer,
        "payer_included": True,
        "currency": "EUR",
        "exponent": 2,
        "split": SplitKind.EQUAL,
        "unit": Unit.MONTH,
        "every": 1,
        "billing_day": 1,
        "starts_on": STARTS_ON,
        "anchor_on": STARTS_ON,
        "time_zone": ZONE,
        "tells_opened": tells_opened,
        "next_open_at": OPENS_AT,
        "created_at": START,
    }


def _price(group: int) -> dict[str, Any]:
    return {"group_id": group, "from_on": STARTS_ON, "amount_minor": PRICE_MINOR}


def _member(group: int, person: int) -> dict[str, Any]:
    return {
        "public_id": new_public_id(),
        "group_id": group,
        "contact_id": person,
        "joined_on": START.date(),
        "weight": 1,
        "created_at": START,
    }


def _move_sequences(connection: Connection) -> None:
    """Let PostgreSQL's own numbers go on behind those written here."""
    if connection.dialect.name != "postgresql":
        return
    for table in (Contact, Group):
        largest = select(func.max(table.id)).scalar_subquery()
        connection.execute(
            select(func.setval(func.pg_get_serial_sequence(table.__tablename__, "id"), largest))
        )


def settle(crowd: Crowd) -> None:
    """Let PostgreSQL know its tables, as it does after a while."""
    if crowd.runtime.write_engine.dialect.name == "postgresql":
        free = crowd.runtime.write_engine.execution_options(isolation_level="AUTOCOMMIT")
        with free.connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))
