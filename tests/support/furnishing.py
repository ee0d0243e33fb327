"""What many tests begin with, put into a database once and copied: founding a workspace takes 15 ms a time.

The fixtures find it there; they make it where a test chose a database of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import update

from substrack.bootstrap import Runtime, make_runtime
from substrack.settings import Settings
from substrack.store import Installation
from tests.support.cast import make_cast


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
