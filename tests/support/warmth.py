"""What a program compiles once and every test would compile anew: templates, statements, routes.

Each test has a database, engines and an app of its own, and each of these compiles for itself what is the
same for all; that took most of the time of all tests. Results are shared, found by what they are made of.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask
from httpx import create_ssl_context
from httpx._transports import default
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]

STATEMENTS: LRUCache[Any, Any] = LRUCache(2000)
BUILDERS: dict[Any, Builder] = {}


class CompiledTemplates(BytecodeCache):
    """Templates by name; Jinja compares the checksum of the source."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


def keep_warm() -> None:
    """Let every app and every engine of this process find what another has compiled."""
    # By its class, since apps are made deep inside of what is tested.
    Flask.jinja_options = {"bytecode_cache": CompiledTemplates()}
    event.listen(Engine, "engine_connect", _share_statements)
    for dialect in (PGDialect_psycopg, SQLiteDialect_pysqlite):
        _make_equal(dialect)
    _share_builders()
    # Each bot has an HTTP client, and each of these reads all certificates of the world.
    setattr(default, "create_ssl_context", cache(create_ssl_context))  # noqa: B010


def _share_statements(connection: Connection) -> None:
    connection.execution_options(compiled_cache=STATEMENTS)


def _make_equal(dialect: type) -> None:
    """Let dialects of one kind stand for each other: a statement is found by its dialect, too."""
    setattr(dialect, "__eq__", lambda self, other: type(self) is type(other))  # noqa: B010
    setattr(dialect, "__hash__", lambda self: hash(type(self)))  # noqa: B010


def _share_builders() -> None:
    """Werkzeug compiles two functions for each route of each app, from its parts and its defaults."""
    compile_builder = Rule._compile_builder

    def find_builder(rule: Rule, append_unknown: bool = True) -> Builder:
        key = (tuple(rule._trace), tuple((rule.defaults or {}).items()), append_unknown)
        if key not in BUILDERS:
            BUILDERS[key] = compile_builder(rule, append_unknown)
        return BUILDERS[key]

    setattr(Rule, "_compile_builder", find_builder)  # noqa: B010
