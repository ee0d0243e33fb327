"""The composition root: engines, transactions, the clock, keys and links of one process.

Edges get a `Runtime` and open transactions on it. Nothing below the edges knows that it exists.
"""

from substrack.bootstrap.databases import DATABASE_URL, open_engines, open_for_looking
from substrack.bootstrap.keys import fingerprint_of, prepare_data_dir, secret_keys
from substrack.bootstrap.rehearsing import Rehearsed
from substrack.bootstrap.runtime import (
    LOW_ROOM_BYTES,
    PAGE_LOCK_SECONDS,
    Clock,
    Runtime,
    make_runtime,
    wall_clock,
)
from substrack.bootstrap.tables import (
    MovedAway,
    NotMigrated,
    check_still_here,
    migrate,
    schema_transaction,
)
from substrack.store import Base
from substrack.store.schema import (
    MOVED_TABLE,
    ROOT,
    VERSION_TABLE,
    Gone,
    check_references,
    find_move,
    find_revision,
    known_revisions,
    newest_revision,
    upgrade_schema,
)
from substrack.store.sessions import Reads
from substrack.store.trouble import DatabaseTrouble, Trouble

__all__ = [
    "DATABASE_URL",
    "LOW_ROOM_BYTES",
    "MOVED_TABLE",
    "PAGE_LOCK_SECONDS",
    "ROOT",
    "VERSION_TABLE",
    "Base",
    "Clock",
    "DatabaseTrouble",
    "Gone",
    "MovedAway",
    "NotMigrated",
    "Reads",
    "Rehearsed",
    "Runtime",
    "Trouble",
    "check_references",
    "check_still_here",
    "find_move",
    "find_revision",
    "fingerprint_of",
    "known_revisions",
    "make_runtime",
    "migrate",
    "newest_revision",
    "open_engines",
    "open_for_looking",
    "prepare_data_dir",
    "schema_transaction",
    "secret_keys",
    "upgrade_schema",
    "wall_clock",
]
