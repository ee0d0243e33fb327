"""Every request is a cause: what it leads to and what is logged about it carry its id.

The answer names it as `X-Request-ID`. An id that a trusted proxy has given the request is named instead, and
logged beside ours; it is no correlation id, for a proxy that asks again says it again.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response, request

from substrack.logs import FACTS
from substrack.services.correlation import cause
from substrack.settings import LogFormat, Settings
from substrack.web.access import STATIC_FILES
from substrack.web.drawing import PlainGlobals

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

HEADER: Final = "X-Request-ID"
WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
BEGAN: Final = "substrack.began"
NO_PAGE: Final = "(no such page)"
ASKED_BY_PROGRAMS: Final = frozenset({*STATIC_FILES, "health.live", "health.ready", "metrics.show"})
"""Endpoints whose requests would drown all others in the log."""


def init_causes(app: Flask, settings: Settings) -> None:
    """Make each request a cause and, where programs read the log, log each; before other `after_request`s."""
    app.wsgi_app = WithCause(app.wsgi_app, trusts_proxy=settings.trusted_proxies > 0)  # type: ignore[method-assign]
    if settings.log_format is LogFormat.JSON:
        app.after_request(log_request)


class WithCause:
    """Opens a cause around each request of an app."""

    def __init__(self, app: WSGIApplication, *, trusts_proxy: bool) -> None:
        self._app, self._trusts_proxy = app, trusts_proxy

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[BEGAN] = time.perf_counter()
        given = self._id_of_proxy(environ)
        with cause(request_id=given) as own:

            def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
                return start_response(status, [*headers, (HEADER, given or own)], *error)

            return self._app(environ, start)

    def _id_of_proxy(self, environ: WSGIEnvironment) -> str | None:
        """Take the id that a proxy of ours has given; anybody else's would be whatever they like."""
        given = environ.get("HTTP_X_REQUEST_ID", "")
        return given if self._trusts_proxy and WELL_FORMED.fullmatch(given) else None


class PathlessFlask(Flask):
    """A Flask app that names no path when it logs a bug: it may be a capability."""

    jinja_environment = PlainGlobals

    def log_exception(self, exc_info: Any) -> None:
        """Log what broke by its route."""
        self.logger.error("%s %s failed", request.method, _route() or NO_PAGE, exc_info=exc_info)


def log_request(response: Response) -> Response:
    """Log a request that was answered: its route and not its path, which may be a capability."""
    facts = {
        "method": request.method,
        "route": _route(),
        "status": response.status_code,
        "duration_ms": round((time.perf_counter() - request.environ[BEGAN]) * 1000, 1),
    }
    level = logging.DEBUG if request.endpoint in ASKED_BY_PROGRAMS else logging.INFO
    log.log(level, "%s %s", request.method, _route() or NO_PAGE, extra={FACTS: facts})
    return response


def _route() -> str | None:
    return request.url_rule.rule if request.url_rule else None
