"""What a block asks of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from substrack.bootstrap import Runtime


@contextmanager
def statements(runtime: Runtime) -> Iterator[list[str]]:
    """Collect the SQL that a block executes; one entry for each round trip."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engines = (runtime.write_engine, runtime.read_engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
