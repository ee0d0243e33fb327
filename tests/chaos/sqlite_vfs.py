"""A SQLite VFS in which we watch what reaches the disk: `sqlite:///file:/path/to.db?vfs=cut&uri=true`.

It is the usual one with three doors replaced, write, truncate and sync (and delete beside them), in the very
library that Python's `sqlite3` speaks to; all else, locks and shared memory (`-shm`) included, is passed on
untouched. A file tells its `Watcher`, which is found by the path of the database; files nobody watches are
the usual ones. The structures are those of sqlite.org/c3ref/vfs.html and io_methods.html.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

log = logging.getLogger(__name__)

NAME: Final = b"cut"
OK, IOERR, FULL = sqlite3.SQLITE_OK, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL
WATCHED_KINDS: Final = 0x0100 | 0x0800 | 0x80000  # SQLITE_OPEN_MAIN_DB, _MAIN_JOURNAL, _WAL
SUFFIXES: Final = ("-wal", "-journal")

PTR, INT, LONG, STR = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_char_p
CLOSE = ctypes.CFUNCTYPE(INT, PTR)
WRITE = ctypes.CFUNCTYPE(INT, PTR, PTR, INT, LONG)
TRUNCATE = ctypes.CFUNCTYPE(INT, PTR, LONG)
SYNC = ctypes.CFUNCTYPE(INT, PTR, INT)
OPEN = ctypes.CFUNCTYPE(INT, PTR, PTR, PTR, INT, PTR)
DELETE = ctypes.CFUNCTYPE(INT, PTR, STR, INT)


class NoRoom(Exception):
    """Raised by a watcher whose disk is full."""


class Methods(ctypes.Structure):
    """What an open file can do; version 2, since a file mapped into memory could be written past us."""

    _fields_ = [
        ("version", INT),
        ("close", PTR),
        ("read", PTR),
        ("write", WRITE),
        ("truncate", TRUNCATE),
        ("sync", SYNC),
        *((name, PTR) for name in ("size", "lock", "unlock", "is_reserved", "control", "sector", "traits")),
        *((name, PTR) for name in ("shm_map", "shm_lock", "shm_barrier", "shm_unmap")),
    ]


class File(ctypes.Structure):
    """An open file; what follows belongs to the VFS below."""

    _fields_ = [("methods", ctypes.POINTER(Methods))]


class Vfs(ctypes.Structure):
    """A VFS."""

    _fields_ = [
        ("version", INT),
        ("file_size", INT),
        ("path_size", INT),
        ("next", PTR),
        ("name", STR),
        ("own", PTR),
        ("open", OPEN),
        ("delete", DELETE),
        *((name, PTR) for name in ("access", "full_path", "dl_open", "dl_error", "dl_sym", "dl_close")),
        *((name, PTR) for name in ("randomness", "sleep", "time", "last_error", "time_int64")),
        *((name, PTR) for name in ("set_call", "get_call", "next_call")),
    ]


class Watcher(Protocol):
    """Hears what is done to the files of one database, before it is done."""

    def opened(self, path: Path) -> None: ...
    def write(self, path: Path, offset: int, content: bytes) -> None: ...
    def truncate(self, path: Path, size: int) -> None: ...
    def sync(self, path: Path) -> None: ...
    def delete(self, path: Path, *, is_synced: bool) -> None: ...


_watchers: dict[Path, Watcher] = {}
_paths: dict[int, Path] = {}
_kept: list[Any] = []  # what C code points to must not be collected
_tables: dict[int, Methods] = {}


def watch(database: Path, watcher: Watcher) -> str:
    """Have a database watched from now on, and return its URL."""
    if not _kept:
        _register()
    _watchers[database] = watcher
    return f"sqlite:///file:{database}?vfs={NAME.decode()}&uri=true"


def unwatch(database: Path) -> None:
    """Let nobody hear of a database any more."""
    del _watchers[database]


def _register() -> None:
    library = _library()
    library.sqlite3_vfs_find.restype = ctypes.POINTER(Vfs)
    below = library.sqlite3_vfs_find(None).contents
    ours = Vfs.from_buffer_copy(below)
    ours.next, ours.name = None, NAME
    ours.open, ours.delete = OPEN(_guarded(_opening(below.open))), DELETE(_guarded(_deleting(below.delete)))
    _kept.append((library, below, ours))
    if library.sqlite3_vfs_register(ctypes.byref(ours), 0) != OK:
        raise RuntimeError("SQLite did not take the VFS")


def _library() -> ctypes.CDLL:
    """Load the SQLite that `sqlite3` itself uses, wherever it is.

    Names are looked up in the extension module and in what that is linked with; where the module is a part of
    the interpreter, in the interpreter. Another copy of SQLite would register the VFS where nobody sees it.
    """
    library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    library.sqlite3_libversion.restype = STR
    if library.sqlite3_libversion().decode() != sqlite3.sqlite_version:
        raise RuntimeError("this is not the SQLite that Python uses")
    return library


def _opening(below: Callable[..., int]) -> Callable[..., int]:
    def open_file(vfs: int, name: int | None, file: int, flags: int, out_flags: int | None) -> int:
        code = below(vfs, name, file, flags, out_flags)
        if code == OK and name and flags & WATCHED_KINDS:
            path = Path(ctypes.string_at(name).decode())
            watcher = _watcher_of(path)
            if watcher is not None:
                watcher.opened(path)
                _paths[file] = path
                opened = File.from_address(file)
                opened.methods = ctypes.pointer(_watched(opened.methods.contents))
        return code

    return open_file


def _deleting(below: Callable[..., int]) -> Callable[..., int]:
    def delete(vfs: int, name: bytes, is_synced: int) -> int:
        path = Path(name.decode())
        watcher = _watcher_of(path)
        if watcher is not None:
            watcher.delete(path, is_synced=bool(is_synced))
        return below(vfs, name, is_synced)

    return delete


def _watched(below: Methods) -> Methods:
    """Give the table of methods that goes through us; one for each that lies below."""
    key = ctypes.addressof(below)
    if key not in _tables:
        table = Methods.from_buffer_copy(below)
        table.version = 2
        table.write = WRITE(_guarded(_writing(below.write)))
        table.truncate = TRUNCATE(_guarded(_truncating(below.truncate)))
        table.sync = SYNC(_guarded(_sync))
        _tables[key] = table
    return _tables[key]


def _writing(below: Callable[..., int]) -> Callable[..., int]:
    def write(file: int, content: int, size: int, offset: int) -> int:
        path = _paths[file]
        _heard_by(path).write(path, offset, ctypes.string_at(content, size))
        return below(file, content, size, offset)

    return write


def _truncating(below: Callable[..., int]) -> Callable[..., int]:
    def truncate(file: int, size: int) -> int:
        path = _paths[file]
        _heard_by(path).truncate(path, size)
        return below(file, size)

    return truncate


def _sync(file: int, _flags: int) -> int:
    """Only note it: what the disk has then is the watcher's to know."""
    path = _paths[file]
    _heard_by(path).sync(path)
    return OK


def _heard_by(path: Path) -> Watcher:
    watcher = _watcher_of(path)
    if watcher is None:
        raise RuntimeError(f"nobody watches {path} any more")
    return watcher


def _watcher_of(path: Path) -> Watcher | None:
    name = str(path)
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return _watchers.get(Path(name))


def _guarded(step: Callable[..., int]) -> Callable[..., int]:
    """Turn an error of ours into one of the disk: C can't catch any, and would take it for success."""

    def run(*given: Any) -> int:
        try:
            return step(*given)
        except NoRoom:
            return FULL
        except Exception:
            log.exception("the watched file failed")
            return IOERR

    return run
