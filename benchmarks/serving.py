"""A server for measuring: our app and the bare ones in one process, which also tells what it has cost.

`/bare/…` is answered by a Flask app of two views, all else by SubsTrack; waitress serves both with as many
threads as `serve` has. Nothing but pages runs in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Final, NamedTuple

from flask import Flask, render_template
from jinja2 import DictLoader
from waitress.server import create_server

from benchmarks.place import environment_of
from substrack.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

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


@dataclass(frozen=True)
class Shared:
    """Send each request where it belongs."""

    ours: WSGIApplication
    bare: WSGIApplication

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/bare/cpu":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [str(time.process_time()).encode()]
        return (self.bare if path.startswith("/bare/") else self.ours)(environ, start_response)


def main() -> None:
    """Serve on a free port, whose number is the first line that is printed."""
    from substrack.bootstrap import make_runtime
    from substrack.settings import load_settings
    from substrack.web.app import create_app

    ours = create_app(make_runtime(load_settings()).for_pages())
    server = create_server(Shared(ours, bare_app()), host="127.0.0.1", port=0, threads=THREADS)
    print(server.effective_port, flush=True)
    server.run()


@dataclass(frozen=True)
class Server:
    """One running server, and one connection to it that is kept open."""

    pid: int
    connection: HTTPConnection

    def get(self, path: str, cookie: str = "") -> bytes:
        """Open a page.

        Raises:
            ValueError: it is not there.
        """
        self.connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ValueError(f"{path}: {answer.status}")
        return body

    def cpu_seconds(self) -> float:
        """Read how much processor time the process has used so far."""
        return float(self.get("/bare/cpu"))

    def cost(self, path: str, cookie: str = "", *, times: int) -> float:
        """Open a page so many times; the mean processor time of one, in seconds."""
        before = self.cpu_seconds()
        for _time in range(times):
            self.get(path, cookie)
        return (self.cpu_seconds() - before) / times


@contextmanager
def serving(settings: Settings, *, now: str) -> Iterator[Server]:
    """Run a server on an installation, whose clock stands still."""
    environment = os.environ | environment_of(settings) | {"SUBSTRACK_NOW": now}
    command = [sys.executable, "-m", "benchmarks.serving"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            connection = HTTPConnection("127.0.0.1", int(process.stdout.readline()))
            yield Server(process.pid, connection)
            connection.close()
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
