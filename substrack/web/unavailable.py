"""The answer when the database can't be used: what is the matter, what became of the press, and a way on.

Asks the database for nothing. What was typed comes back as hidden fields behind one button, but for passwords
and files: a page repeats no password, and can't repeat a file.
"""

from __future__ import annotations

import errno
from typing import Final

from flask import Flask, Response, current_app, make_response, request
from sqlalchemy.exc import TimeoutError as PoolTimeout

from substrack.bootstrap import DatabaseTrouble, Trouble
from substrack.domain.errors import Phrase
from substrack.web.access import SAFE_METHODS, can_be_gone_to
from substrack.web.pages import bare_page
from substrack.web.reading import commits

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
FORMS: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})

WORDS: Final = {
    Trouble.BUSY: (Phrase("One moment"), Phrase("The database is busy with something else.")),
    Trouble.AWAY: (Phrase("One moment"), Phrase("The database is out of reach; it may just be starting.")),
    Trouble.FULL: (
        Phrase("There is no room left"),
        Phrase("The disk is full. Whoever runs this SubsTrack has to make room first."),
    ),
    Trouble.BROKEN: (
        Phrase("The database can’t be used"),
        Phrase("It can’t be read or written now. Whoever runs this SubsTrack has to look after it."),
    ),
}
"""What is the matter, as title and sentence."""

RETRY_AFTER_SECONDS: Final = {Trouble.BUSY: 5, Trouble.AWAY: 5, Trouble.FULL: 60, Trouble.BROKEN: 60}

LOOK_AGAIN: Final = Phrase("Nothing was lost. Load the page again in a while.")
SEND_AGAIN: Final = Phrase("Nothing was changed. What you entered is kept for another try.")
GO_BACK: Final = Phrase("Nothing was changed. Go back and send it again in a while.")
UNCERTAIN: Final = Phrase(
    "It is not certain whether this still arrived; if so, then all of it. Look before you send it again."
)
IN_PART: Final = Phrase("Only a part of this was done. Send it again in a while for the rest.")


def init_unavailable(app: Flask) -> None:
    """Register the answers."""
    app.register_error_handler(DatabaseTrouble, answer_trouble)
    app.register_error_handler(PoolTimeout, answer_crowd)
    app.register_error_handler(OSError, answer_full_disk)


def answer_trouble(trouble: DatabaseTrouble) -> Response:
    """Answer 503 when the database can't be used."""
    current_app.logger.error("The database can't be used: %s", str(trouble.orig).strip().splitlines()[:1])
    if trouble.is_uncertain:
        return _unavailable(trouble.why, UNCERTAIN)
    return _unavailable(trouble.why, IN_PART if commits() > trouble.at_commit else None)


def answer_crowd(_error: PoolTimeout) -> Response:
    """Answer 503 when all connections are taken."""
    current_app.logger.error("All connections to the database are taken")
    return _unavailable(Trouble.BUSY)


def answer_full_disk(error: OSError) -> Response:
    """Answer 503 when there is no room for what somebody sends; any other error is a bug, and rises."""
    if error.errno not in NO_ROOM:
        raise error
    current_app.logger.error("There is no room for what was sent: %s", error.strerror)
    return _unavailable(Trouble.FULL)


def _unavailable(why: Trouble, advice: str | None = None) -> Response:
    title, sentence = WORDS[why]
    fields = _fields_to_repeat()
    html = bare_page(
        "web/unavailable.html",
        language=request.args.get("language"),
        title=title,
        sentence=sentence,
        advice=advice or _advice(fields),
        action=request.script_root + request.full_path.rstrip("?"),
        can_be_loaded=can_be_gone_to(request.path),
        fields=fields,
    )
    response = make_response(html, 503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS[why])
    return response


def _advice(fields: list[tuple[str, str]] | None) -> str:
    if request.method in SAFE_METHODS:
        return LOOK_AGAIN
    return GO_BACK if fields is None else SEND_AGAIN


def _fields_to_repeat() -> list[tuple[str, str]] | None:
    """List what was sent; None where it can't be sent again from here."""
    if request.method in SAFE_METHODS or request.mimetype not in FORMS:
        return None
    try:
        has_file = any(file.filename for file in request.files.values())
    except OSError:
        return None  # there was no room to read it
    fields = list(request.form.items(multi=True))
    return None if has_file or any("password" in name for name, _value in fields) else fields
