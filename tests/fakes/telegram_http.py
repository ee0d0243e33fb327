"""The HTTP side of the Bot API: reads forms, multipart and JSON, checks the token, writes answers."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.telegram_methods import Call


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; its body may come drop by drop."""

    status: int
    body: bytes
    kind: str = "application/json"
    seconds_a_byte: float = 0.0


Answer = Callable[[str, Call], Reply | None]
Download = Callable[[str], Reply | None]

NOT_FOUND = Reply(404, b'{"ok":false,"error_code":404,"description":"Not Found"}')
UNAUTHORIZED = Reply(401, b'{"ok":false,"error_code":401,"description":"Unauthorized"}')


class ApiServer(ThreadingHTTPServer):
    """Serves `/bot<token>/<method>` and `/file/bot<token>/<path>`, a thread for each connection.

    `crashes` keeps what went wrong in here, which is never the client's fault; `accepted` counts connections,
    and the next `rude_to` of them are cut before anything is read.
    """

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, token: str, answer: Answer, download: Download) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.token, self.answer, self.download = token, answer, download
        self.crashes: list[BaseException] = []
        self.accepted = self.rude_to = 0
        self._connections: set[socket.socket] = set()

    @property
    def port(self) -> int:
        """The port it was given."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), name="bot api")
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everybody and wait for all threads."""
        self.shutdown()
        self._thread.join()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.accepted += 1
        self._connections.add(request)
        if self.rude_to:
            self.rude_to -= 1
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):  # those are clients that went away
            self.crashes.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ApiServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            reply = self._reply(body)
        except Exception as error:
            self.server.crashes.append(error)
            reply = Reply(500, b"the stand-in broke")
        with suppress(ConnectionError):
            self._write(reply)

    def _reply(self, body: bytes) -> Reply | None:
        url = urlsplit(self.path)
        parts = unquote(url.path).lstrip("/").split("/")
        is_file = parts[0] == "file"
        token, rest = parts[is_file].removeprefix("bot"), "/".join(parts[is_file + 1 :])
        if ":" not in token:
            return NOT_FOUND
        if token != self.server.token:
            return UNAUTHORIZED
        if is_file:
            return self.server.download(rest)
        return self.server.answer(rest, _call(self.headers, url.query, body))

    def _write(self, reply: Reply | None) -> None:
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if not reply.seconds_a_byte:
            self.wfile.write(reply.body)
            return
        for byte in reply.body:
            self.wfile.write(bytes([byte]))
            time.sleep(reply.seconds_a_byte)


def _call(headers: Message, query: str, body: bytes) -> Call:
    values = dict(parse_qsl(query))
    kind = headers.get_content_type()
    if kind == "multipart/form-data":
        return _multipart(headers, values, body)
    if kind == "application/json":
        given = json.loads(body)
        return Call(values | {name: _as_text(value) for name, value in given.items()})
    return Call(values | dict(parse_qsl(body.decode(), keep_blank_values=True)))


def _multipart(headers: Message, values: dict[str, str], body: bytes) -> Call:
    """Split by hand: the mail parser may touch line ends inside a picture."""
    boundary = str(headers.get_param("boundary")).encode()
    files: dict[str, tuple[str, str, bytes]] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        described = BytesParser().parsebytes(head + b"\r\n\r\n")
        name = str(described.get_param("name", header="content-disposition"))
        filename = described.get_param("filename", header="content-disposition")
        if filename is None:
            values[name] = content.decode()
        else:
            files[name] = (str(filename), described.get_content_type(), content)
    return Call(values, files)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
