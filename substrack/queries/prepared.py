"""Statements that are put together once: from one page to the next only their values differ.

Putting a statement together and finding it among those already compiled costs four times as much as running
it (0.5 ms and 0.1 ms for three rows of three tables).
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from threading import Lock
from typing import Any, Final, Generic, ParamSpec, TypeVar, cast

from sqlalchemy import BindParameter, Executable, bindparam

from substrack.store.sessions import planned

Parameters = ParamSpec("Parameters")
Statement = TypeVar("Statement", bound=Executable)
Shape = tuple[object, ...]

_MANY: Final = (list, tuple, set, frozenset)


class Prepared(Generic[Parameters, Statement]):
    """A function that builds a statement, called with stand-ins for its values, once.

    Called with values, it returns what `session.execute(*…)` takes. Values are compared with columns, as one
    or as the members of a collection (`in_`). None, True and False stay what they are, so that a condition
    may depend on them: each such case is built by itself.
    """

    def __init__(self, build: Callable[Parameters, Statement]) -> None:
        self._build = build
        self._names = tuple(signature(build).parameters)
        self._built: dict[Shape, Statement] = {}
        self._building = Lock()
        self.__doc__ = build.__doc__

    def __call__(
        self, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> tuple[Statement, dict[str, Any]]:
        values: dict[str, Any] = dict(zip(self._names, args, strict=False)) | kwargs
        shape = tuple(values), *map(_shape, values.values())
        built = self._built.get(shape)
        if built is None:
            built = self._first(shape, values)
        return built, {name: _bound(value) for name, value in values.items() if not _is_fixed(value)}

    def _first(self, shape: Shape, values: dict[str, Any]) -> Statement:
        with self._building:
            if shape not in self._built:
                stand_ins = {name: _stand_in(name, value) for name, value in values.items()}
                built = cast(Callable[..., Statement], self._build)(**stand_ins)
                self._built[shape] = cast(Statement, planned(built))
            return self._built[shape]


def prepared(build: Callable[Parameters, Statement]) -> Prepared[Parameters, Statement]:
    """Let a function build its statement only once."""
    return Prepared(build)


def written(value: Any) -> BindParameter[Any]:
    """Write a value into the statement itself, where an index is made of it: `… WHERE state = 'dead'`.

    Which partial index serves is chosen before values are known (SQLite, "Partial Indexes", 3.1).
    """
    return bindparam(None, value, literal_execute=True, unique=True)


def _is_fixed(value: object) -> bool:
    return value is None or value is True or value is False


def _shape(value: object) -> object:
    return value if _is_fixed(value) else "many" if isinstance(value, _MANY) else "one"


def _stand_in(name: str, value: object) -> Any:
    return value if _is_fixed(value) else bindparam(name, expanding=isinstance(value, _MANY))


def _bound(value: Any) -> Any:
    return list(value) if isinstance(value, _MANY) else value
