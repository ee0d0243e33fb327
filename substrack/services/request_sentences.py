"""The sentence of its own that a group puts into its requests and reminders: plain words on one line.

It says nothing of where money goes: changing that asks for a password and is told to all admins.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import Refused
from substrack.domain.pay_recognition import has_way_to_pay
from substrack.domain.wording import clean_line
from substrack.services.group_rows import hold_group
from substrack.services.journal import record_group

MAX_SENTENCE: Final = 300


class PayWayInSentence(Refused):
    """The sentence names an account, an address or a link that money could be sent to."""

    field = "sentence"

    def __init__(self) -> None:
        super().__init__(
            "Leave accounts, addresses and links out. How to pay is changed where the group is edited."
        )


def set_request_sentence(session: Session, group_id: int, sentence: str, *, by: Actor, now: datetime) -> None:
    """Give a group its sentence, or none when nothing is written; the same again writes nothing.

    Raises:
        UnknownGroup: not there, or not this actor's to change; TextTooLong, LineBroken, CharacterRefused;
            PayWayInSentence.
    """
    group = hold_group(session, group_id, by)
    cleaned = clean_line(sentence, field="sentence", maximum=MAX_SENTENCE) if sentence.strip() else ""
    if has_way_to_pay(cleaned):
        raise PayWayInSentence
    if cleaned == group.request_sentence:
        return
    group.request_sentence = cleaned
    record_group(session, "sentence", group, by=by, now=now, after={"has_sentence": bool(cleaned)})
    session.flush()
