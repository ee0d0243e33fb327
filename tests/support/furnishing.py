"""What many tests begin with, put into a database once and copied: founding a workspace takes 15 ms a time.

The fixtures find it there; they make it where a test chose a database of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select, update

from substrack.bootstrap import Runtime, make_runtime
from substrack.settings import Settings
from substrack.store import Contact, Installation
from tests.support.cast import Cast, make_cast

MakeScene = Callable[[Cast], Any]


def house_the_cast(url: str) -> None:
    """Let olga live there, as the cast has her."""
    put_in(url, make_cast)


def put_in(url: str, make: Callable[[Runtime], object]) -> None:
    """Make something in the database at a URL; the keys it was made with are forgotten."""
    with TemporaryDirectory() as directory:
        runtime = make_runtime(Settings(database_url=url, data_dir=Path(directory)))
        try:
            make(runtime)
            with runtime.transaction() as session:
                session.execute(update(Installation).values(secret_fingerprint=None))
        finally:
            runtime.close()


class Scene:
    """What the tests of a module begin with, made in a database that is copied for each of them."""

    def __init__(self, make: MakeScene) -> None:
        self._make = make
        self._made: dict[str, tuple[Cast, Any]] = {}

    def put_in(self, url: str) -> None:
        """Make it in the database at a URL, and remember what it looked like."""

        def make(runtime: Runtime) -> None:
            cast = make_cast(runtime)
            self._made[cast.runtime.write_engine.dialect.name] = (cast, self._make(cast))

        put_in(url, make)

    def with_cast(self, cast: Cast) -> Any:
        """Give it as it is in the cast's database, where it is made if nothing is there."""
        others = select(Contact.id).where(Contact.id != cast.olga_contact)
        if cast.read(lambda session: session.scalar(others.limit(1))) is None:
            return self._make(cast)
        made_by, scene = self._made[cast.runtime.write_engine.dialect.name]
        return deepcopy(scene, {id(made_by): cast})


@cache
def scene_of(make: MakeScene) -> Scene:
    """Give the scene that a function makes, one and the same each time."""
    return Scene(make)
