"""The least that serves a page: a Flask app of two views, alone behind waitress with `serve`'s threads."""

from __future__ import annotations

import sys
from typing import Final, NamedTuple

from flask import Flask, render_template
from jinja2 import DictLoader

THREADS: Final = 8

TABLE: Final = """<!doctype html>
<html lang="en"><title>Rows</title>
<table>{% for row in rows %}
<tr><td><a href="{{ url_for('hello', number=row.number) }}">{{ row.name }}</a></td>
<td>{{ row.number }}</td><td>{{ "%.2f" | format(row.amount) }}</td><td>{{ row.day }}</td>
<td>{{ row.status }}</td></tr>{% endfor %}
</table>
"""


class Row(NamedTuple):
    """Five cells of the bare table."""

    number: int
    name: str
    amount: float
    day: str
    status: str


ROWS: Final = [Row(n, f"Name & {n}", n * 3.17, f"2026-03-{n + 1:02}", "open") for n in range(30)]


def bare_app() -> Flask:
    """Make the least that Flask does: a word, and a table of 30 rows with a link and four more cells."""
    app = Flask("bare")
    app.jinja_loader = DictLoader({"table.html": TABLE})
    app.add_url_rule("/bare/hello", "hello", lambda: "Hello")
    app.add_url_rule("/bare/table", "table", lambda: render_template("table.html", rows=ROWS))
    return app


def main() -> None:
    """Serve on the port that is named."""
    from waitress import serve

    serve(bare_app(), host="127.0.0.1", port=int(sys.argv[1]), threads=THREADS)


if __name__ == "__main__":
    main()
