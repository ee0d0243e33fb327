"""A SELECT in the words of its driver, for pages: worked out once, and only the values differ.

Each time a statement runs, SQLAlchemy writes out its lists, looks up how every value is bound, and makes
every value of every row, while a page looks at one in five. Here the text is kept for lists of so many
values, and what a column of an entity holds is made when somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Dialect, Result
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

    from substrack.store.sessions import Part, Plan

LONGEST: Final = 1_024
"""Up to so many values a list is filled up to the next power of two, so that few texts serve all."""

Make = Callable[[Any], Any]
Given = Mapping[str, Any]


class Seen:
    """An entity that is only read; what its columns hold is made of a row when somebody looks at it."""

    def __init__(self, row: Sequence[Any]) -> None:
        self._row = row


class Column:
    """One column of an entity that is only read: what it gives is kept on the entity from then on."""

    def __init__(self, name: str, place: int, make: Make | None) -> None:
        self._name, self._place, self._make = name, place, make

    def __get__(self, seen: Seen, _kind: type | None = None) -> Any:
        value = seen._row[self._place]
        made = seen.__dict__[self._name] = value if self._make is None else self._make(value)
        return made


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a value goes, by number or name, and which: that of a name, or one of the list of that name."""

    place: Any
    name: str
    number: int | None
    make: Make | None

    def value(self, given: Given) -> Any:
        """Give what the driver takes there."""
        value = given[self.name] if self.number is None else given[self.name][self.number]
        return value if self.make is None else self.make(value)


@dataclass(frozen=True)
class Text:
    """What the driver gets: SQL, the values that stay, and where the others go."""

    sql: str
    fixed: dict[Any, Any]
    slots: tuple[Slot, ...]
    is_positional: bool

    def values(self, given: Given) -> Any:
        """Put values in their places."""
        found = self.fixed | {slot.place: slot.value(given) for slot in self.slots}
        return tuple(found.values()) if self.is_positional else found


class Driven:
    """A planned statement as one kind of database takes it."""

    def __init__(self, plan: Plan, dialect: Dialect) -> None:
        self.dialect = dialect
        self._plan = plan
        self._compiled: SQLCompiler = plan.columns.compile(dialect=dialect)  # type: ignore[attr-defined]
        self._texts: dict[tuple[int, ...], Text] = {}
        self._rows: Callable[[Any], Any] | None = None

    def run(self, connection: Connection, given: Given) -> Result[Any]:
        """Run it with values by name; a list is one for `IN`."""
        filled = {name: _filled(one) if type(one) is list else one for name, one in given.items()}
        lengths = tuple([len(one) for one in filled.values() if type(one) is list])
        text = self._texts.get(lengths)
        if text is None:
            text = _text(self._compiled, self.dialect, filled)
            if max(lengths, default=0) <= LONGEST:
                self._texts[lengths] = text
        found = connection.exec_driver_sql(text.sql, text.values(filled))
        if self._rows is None:
            self._rows = self._maker(found)
        result: Result[Any] = self._rows(found)
        return result

    def _maker(self, found: Any) -> Callable[[Any], Any]:
        """Work out what makes rows, which depends on the driver's own types of what it found."""
        types = [column.type for column in self._plan.columns.selected_columns]  # type: ignore[attr-defined]
        makes = [
            type_.dialect_impl(self.dialect).result_processor(self.dialect, described[1])
            for type_, described in zip(types, found.cursor.description, strict=True)
        ]
        if self._plan.has_entities:
            return _of_entities(self._plan.parts, self._plan.names, makes)
        return _of_columns(tuple(found.keys()), makes)


def _filled(values: list[Any]) -> list[Any]:
    """Repeat the last of a list's values until there are as many as a power of two: `IN` finds the same."""
    if not 2 < len(values) <= LONGEST:
        return values
    return values + values[-1:] * ((1 << (len(values) - 1).bit_length()) - len(values))


def _text(compiled: SQLCompiler, dialect: Dialect, given: Given) -> Text:
    state = compiled.construct_expanded_state(dict(given))
    whose = {
        name: (of, number)
        for of, names in state.parameter_expansion.items()
        for number, name in enumerate(names)
    }
    is_positional = state.positiontup is not None
    names = state.positiontup if state.positiontup is not None else tuple(state.parameters)
    fixed: dict[Any, Any] = {}
    slots = []
    for place, name in enumerate(names):
        of, number = whose.get(name, (name, None))
        make = compiled.binds[of].type.dialect_impl(dialect).bind_processor(dialect)
        key = place if is_positional else name
        if of in given:
            slots.append(Slot(key, of, number, make))
        value = None if of in given else state.parameters[name]
        fixed[key] = value if make is None or of in given else make(value)
    return Text(state.statement, fixed, tuple(slots), is_positional)


def _of_columns(names: tuple[str, ...], makes: Sequence[Make | None]) -> Callable[[Any], Any]:
    """Let those columns be made whose values the driver does not give as they are."""
    made = [(place, make) for place, make in enumerate(makes) if make is not None]
    metadata = SimpleResultMetaData(names)

    def row_of(found: Any) -> tuple[Any, ...]:
        row = list(found)
        for place, make in made:
            row[place] = make(row[place])
        return tuple(row)

    def rows(found: Any) -> Result[Any]:
        return IteratorResult(metadata, iter([row_of(row) for row in found.all()]))

    return rows if made else lambda found: found


def _of_entities(
    parts: Sequence[Part], names: tuple[str, ...], makes: Sequence[Make | None]
) -> Callable[[Any], Any]:
    """Put entities together; one that comes again is the same one, and one without a key is None."""
    readers = [_reader(part, makes) for part in parts]
    metadata = SimpleResultMetaData(names)

    def rows(found: Any) -> Result[Any]:
        known: dict[tuple[int, Any], Seen | None] = {}
        made = [tuple([read(row, known) for read in readers]) for row in found.all()]
        return IteratorResult(metadata, iter(made))

    return rows


def _reader(part: Part, makes: Sequence[Make | None]) -> Callable[[Any, dict[tuple[int, Any], Any]], Any]:
    begin, key, make = part.begin, part.key, makes[part.begin]
    if part.columns is None:
        return (lambda row, _known: row[begin]) if make is None else (lambda row, _known: make(row[begin]))
    columns = {
        name: Column(name, place, makes[place]) for place, name in enumerate(part.columns, start=begin)
    }
    kind = type(part.name, (Seen,), columns)

    def entity(row: Any, known: dict[tuple[int, Any], Any]) -> Any:
        identity = begin, row[key]
        if identity not in known:
            known[identity] = None if row[key] is None else kind(row)
        return known[identity]

    return entity
