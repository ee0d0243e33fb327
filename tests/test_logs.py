"""Claims about the lines that processes write to their standard error."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta

from substrack.logs import FACTS, TEXT, JsonFormatter, TextFormatter
from substrack.services.correlation import cause


def line(formatter: logging.Formatter, message: str, *args: object, **facts: object) -> str:
    record = logging.LogRecord("substrack.web", logging.INFO, __file__, 1, message, args, None)
    if facts:
        setattr(record, FACTS, facts)
    return formatter.format(record)


def test_a_line_of_json_says_when_in_utc_how_grave_where_and_what() -> None:
    said = json.loads(line(JsonFormatter(), "message %s is sent", "abc"))

    when = datetime.fromisoformat(said.pop("time"))
    assert when.utcoffset() == timedelta(0)
    assert said == {"level": "INFO", "logger": "substrack.web", "message": "message abc is sent"}


def test_a_line_carries_the_ids_of_its_cause_and_facts() -> None:
    with cause(request_id="from-the-proxy") as own:
        said = json.loads(line(JsonFormatter(), "GET", status=200, route=None))
        text = line(TextFormatter(TEXT), "works again")

    assert (said["correlation_id"], said["request_id"]) == (own, "from-the-proxy")
    assert (said["status"], said["route"]) == (200, None)
    assert text.endswith(f"INFO substrack.web: works again [{own} from-the-proxy]")


def test_an_error_is_one_line_whatever_it_says() -> None:
    try:
        raise ValueError("two\nlines and a “quote”")
    except ValueError as error:
        record = logging.LogRecord(
            "substrack",
            logging.ERROR,
            __file__,
            1,
            "broken\nin two",
            (),
            (ValueError, error, error.__traceback__),
        )
    written = JsonFormatter().format(record)

    assert "\n" not in written
    assert "ValueError: two\nlines and a “quote”" in json.loads(written)["exception"]


def test_without_a_cause_a_line_of_text_is_as_ever() -> None:
    assert line(TextFormatter("%(levelname)s: %(message)s"), "stopped") == "INFO: stopped"


def test_a_path_that_another_library_names_loses_its_token() -> None:
    path = f"/pay/{'0123456789abcdef' * 2}.aB-c_dEf"
    for formatter in (JsonFormatter(), TextFormatter(TEXT)):
        written = line(formatter, "Exception while serving %s/reach", path)
        assert "serving /pay/…/reach" in written
        assert "aB-c_dEf" not in written
