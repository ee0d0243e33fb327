"""A dead man's switch service: notes who calls, on a real loopback HTTP server."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Watchman:
    """Answers every call with one status, or, when silent, with nothing until it ends."""

    secret = "5f1c2d7e-an-uuid-that-nobody-else-knows"

    def __init__(self, *, status: int = 200, is_silent: bool = False) -> None:
        self.status, self.asked = status, list[str]()
        self._is_silent, self._end = is_silent, threading.Event()
        watchman = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                watchman.asked.append(f"{self.command} {self.path}")
                if watchman._is_silent:
                    watchman._end.wait(30)
                self.send_response(watchman.status)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Where it is called."""
        return f"http://127.0.0.1:{self._server.server_port}/{self.secret}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()
