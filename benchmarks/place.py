"""Where a benchmark works: its size, databases as an installation has them, and a directory of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

from substrack.setting_values import SecretStr
from substrack.settings import Settings
from tests.support.databases import Databases, Kind, fastest_place

Size = TypeVar("Size")

POSTGRESQL_CONFIGURATION: Final = """
max_connections = 300
max_wal_size = 4GB
"""
"""As PostgreSQL comes: every commit waits for the disk. Only checkpoints are as rare as with a tuned one."""

KEY: Final = SecretStr("-".join(["measured"] * 6))
"""One for all databases, so that one can be copied for another installation."""


@dataclass(frozen=True)
class Place:
    """Lends databases and directories until it is closed; `is_tiny` asks whether it works at all, fast."""

    databases: Databases
    directory: Path
    is_tiny: bool = False
    kept: ExitStack = field(default_factory=ExitStack)
    lived_in: dict[tuple[int, int], Settings] = field(default_factory=dict)
    """Workspaces that were filled once, by groups and periods: to be copied, and never written."""

    def sized(self, whole: Size, tiny: Size) -> Size:
        """Choose how much is done."""
        return tiny if self.is_tiny else whole

    @property
    def rounds(self) -> int:
        """How often figure and floor are measured in turns."""
        return self.sized(7, 1)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The databases that are measured; a look at whether it works makes do with SQLite."""
        return self.sized(("sqlite", "postgresql"), ("sqlite",))

    @contextmanager
    def lend(self, kind: Kind) -> Iterator[Settings]:
        """Give the settings of a fresh installation: a migrated database and an empty data directory."""
        with (
            self.databases.lend(kind) as url,
            TemporaryDirectory(dir=self.directory, prefix="data-") as directory,
        ):
            yield settings_of(url, Path(directory))


@contextmanager
def open_place(*, is_tiny: bool = False) -> Iterator[Place]:
    """Open a place: on the disk, as an installation is, and in memory when nothing is to be measured.

    PostgreSQL starts when it is first asked for.
    """
    fast = fastest_place() if is_tiny else None
    with TemporaryDirectory(prefix="substrack-benchmarks-", dir=fast) as name:
        directory = Path(name)
        databases = Databases(directory, POSTGRESQL_CONFIGURATION)
        try:
            place = Place(databases, directory, is_tiny)
            with place.kept:
                yield place
        finally:
            databases.close()


def settings_of(database_url: str, data_dir: Path) -> Settings:
    """Give the settings of an installation that makes no backup in the middle of a measurement."""
    return Settings(
        database_url=database_url,
        data_dir=data_dir,
        base_url="http://127.0.0.1:8000",
        secret_keys=(KEY,),
        backups=False,
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """Write the settings of an installation as another process reads them."""
    return {
        "SUBSTRACK_BACKUPS": "false",
        "SUBSTRACK_SECRET_KEYS": KEY.get_secret_value(),
        "SUBSTRACK_DATABASE_URL": settings.database_url,
        "SUBSTRACK_DATA_DIR": str(settings.data_dir),
        "SUBSTRACK_BASE_URL": settings.base_url,
    }
