"""What a process writes to its standard error: a line of text for people, or a JSON object for programs.

Each line carries the id of the cause it belongs to (`services.correlation`). Nobody is named in a log.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

from substrack.services.correlation import told_ids
from substrack.settings import LogFormat, Settings

TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
FACTS: Final = "facts"
"""What a line says besides its message: `log.info("…", extra={FACTS: {"status": 200}})`."""

TOKEN: Final = re.compile(r"\b[0-9a-f]{32}\.[\w-]+")
"""A link's token (`services.links`): other libraries name paths in what they log."""

log = logging.getLogger(__name__)


class TextFormatter(logging.Formatter):
    """One line for people, with the id of its cause at the end; a traceback follows."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        ids = " ".join(told_ids().values())
        line = super().formatMessage(record)
        return f"{line} [{ids}]" if ids else line

    def format(self, record: logging.LogRecord) -> str:
        return _without_tokens(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC, ISO 8601), level, logger, message, ids, facts, exception."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": _without_tokens(record.getMessage()),
            **told_ids(),
            **getattr(record, FACTS, {}),
        }
        if record.exc_info:
            said["exception"] = _without_tokens(self.formatException(record.exc_info))
        return json.dumps(said, ensure_ascii=False, default=str)


def start_logging(settings: Settings) -> None:
    """Have everything logged as the settings say; other libraries are heard from warnings on.

    A process that logs already goes on as it does.
    """
    handler = logging.StreamHandler(sys.stderr)
    is_json = settings.log_format is LogFormat.JSON
    handler.setFormatter(JsonFormatter() if is_json else TextFormatter(TEXT))
    level = logging.getLevelNamesMapping()[settings.log_level]
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING))
    logging.getLogger("substrack").setLevel(level)
    if is_json:
        logging.captureWarnings(True)
        sys.excepthook = _log_end


def _without_tokens(text: str) -> str:
    return TOKEN.sub("…", text)


def _log_end(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Write what ends a process as a line like all others."""
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("the process ends by an error of SubsTrack", exc_info=(kind, error, traceback))
