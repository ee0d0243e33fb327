"""A server for measuring: our app and the bare ones in one process, which also tells what it has cost.

`/bare/…` is answered by a Flask app of two views, all else by SubsTrack, and `/anew/…` too, with nothing of
what its pages were drawn of before. Waitress serves both with as many threads as `serve` has. Nothing but
pages runs in it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Final

from flask import Flask
from waitress import serve

from benchmarks.bare import THREADS, bare_app
from benchmarks.place import environment_of
from benchmarks.processes import module, running
from substrack.settings import Settings
from substrack.web.drawing import forget
from substrack.web.unchanged import page_cache_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


ANEW: Final = "/anew"


@dataclass(frozen=True)
class Shared:
    """Send each request where it belongs."""

    ours: Flask
    bare: WSGIApplication

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/bare/cpu":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [str(time.process_time()).encode()]
        if path.startswith(ANEW):
            forget()
            page_cache_of(self.ours).clear()
            environ["PATH_INFO"] = path.removeprefix(ANEW)
        return (self.bare if path.startswith("/bare/") else self.ours)(environ, start_response)


def main() -> None:
    """Serve on the port that is named."""
    from substrack.bootstrap import make_runtime
    from substrack.settings import load_settings
    from substrack.web.app import create_app

    ours = create_app(make_runtime(load_settings()).for_pages())
    serve(Shared(ours, bare_app()), host="127.0.0.1", port=int(sys.argv[1]), threads=THREADS)


@dataclass(frozen=True)
class Server:
    """One running server, and one connection to it that is kept open."""

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

    def cost(
        self, path: str, cookie: str = "", *, times: int, meanwhile: Callable[[], None] = lambda: None
    ) -> float:
        """Open a page so many times; the mean processor time of one, in seconds.

        Before each time something may happen elsewhere.
        """
        before = self.cpu_seconds()
        for _time in range(times):
            meanwhile()
            self.get(path, cookie)
        return (self.cpu_seconds() - before) / times


@contextmanager
def serving(settings: Settings, *, now: str) -> Iterator[Server]:
    """Run a server on an installation, whose clock stands still."""
    environment = environment_of(settings) | {"SUBSTRACK_NOW": now}
    with (
        running(lambda port: module("benchmarks.serving", str(port)), "/bare/hello", environment) as process,
        closing(HTTPConnection("127.0.0.1", process.port)) as connection,
    ):
        yield Server(connection)


if __name__ == "__main__":
    main()
