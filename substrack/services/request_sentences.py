"""The sentence of its own that a group puts into its requests and reminders: plain words on one line."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.wording import clean_line
from substrack.services.group_rows import hold_group
from substrack.services.journal import record_group

MAX_SENTENCE: Final = 300


def set_request_sentence(session: Session, group_id: int, sentence: str, *, by: Actor, now: datetime) -> None:
    """Give a group its sentence, or none when nothing is written; the same again writes nothing.

    Raises:
        UnknownGroup: not there, or not this actor's to change; TextTooLong, LineBroken, CharacterRefused.
    """
    group = hold_group(session, group_id, by)
    cleaned = clean_line(sentence, field="sentence", maximum=MAX_SENTENCE) if sentence.strip() else ""
    if cleaned == group.request_sentence:
        return
    group.request_sentence = cleaned
    record_group(session, "sentence", group, by=by, now=now, after={"has_sentence": bool(cleaned)})
    session.flush()
