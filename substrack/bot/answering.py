"""Words that answer a question of the bot's: replies to it, and what is simply written while it is open.

A question is open for an hour, until words were taken for its answer or it was dropped; of several it is the
latest. Words that can't be taken leave it open, so that they can be written again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy.orm import Session

from substrack.bot import Bot
from substrack.bot.asking import Ask, NotYours, language_in, people_in
from substrack.bot.outcomes import act_once
from substrack.bot.questions import ANSWERS, NUMBER_AT, is_no_answer, question_of
from substrack.bot.reactions import Screen, View
from substrack.bot.sending import say_all, show_fresh, show_keys
from substrack.bot.updates import Pressed, Written, read_update
from substrack.bot.views import draw_view
from substrack.domain.chat_buttons import ButtonData, Do
from substrack.domain.errors import NotFound, Refused
from substrack.queries.chat_said import said_before
from substrack.services.claim_decisions import ClaimDecided
from substrack.services.inbound import message_key
from substrack.services.ledger import DecidedAlready
from substrack.texts.chat_screens import said, words_of
from substrack.texts.refusals import in_words

OPEN_FOR: Final = timedelta(hours=1)

_ASKING: Final = frozenset(ANSWERS)
_ASKED: Final = frozenset(do.value for do in ANSWERS)


@dataclass(frozen=True)
class Taken:
    """What became of an answer; `view` is how a list looks now that the question came from."""

    says: tuple[Screen, ...]
    is_final: bool = True
    view: View | None = None


def find_question(bot: Bot, written: Written) -> ButtonData | None:
    """Find the question that words answer. Runs in a thread."""
    if written.replied is None:
        with bot.runtime.reading() as session:
            return _open_question(session, bot, written)
    for text in written.replied.buttons if written.replied.is_from_bot else ():
        data = ButtonData.decode(text)
        if data is not None and data.do is Do.NEVER_MIND and data.argument(0) in _ASKED:
            return data
    return None


async def answer(bot: Bot, written: Written, asked: ButtonData) -> None:
    """Act on an answer; the question loses its button unless it is to be answered again.

    Raises:
        DeliveryFailed: nobody could be told; doing it again changes nothing.
    """
    taken = await asyncio.to_thread(_take, bot, written, asked)
    chat_id, listed = written.place.chat_id, asked.number(NUMBER_AT)
    await say_all(bot, chat_id, taken.says, reply_to=written.number)
    if taken.is_final and written.replied is not None:
        await show_keys(bot, chat_id, written.replied.number, Screen(""))
    if taken.view is not None and listed is not None:
        await show_fresh(bot, chat_id, listed, partial(_draw, bot, taken.view))


def _take(bot: Bot, written: Written, asked: ButtonData) -> Taken:
    """Act in one transaction; refusals become answers. Runs in a thread."""
    try:
        with bot.runtime.transaction() as session:
            ask = _asking(session, bot, written, asked)
            key = message_key(written.place.chat_id, written.number)
            act = partial(ANSWERS[Do(asked.argument(0))], ask, written.text)
            reaction = act_once(session, bot, key, ask.people, act)
    except Refused as refused:
        words = _refusal(refused, language_in(bot, written.place))
        is_final = refused.field is None  # else it is about what was written
        return Taken((Screen(said(words), is_reply=True),), is_final)
    return Taken(reaction.says, view=reaction.view)


def _open_question(session: Session, bot: Bot, written: Written) -> ButtonData | None:
    """Find the latest press that led to a question, if nothing was written since that answered it."""
    place, words = written.place, list[str]()
    key = message_key(place.chat_id, written.number)
    bodies = said_before(
        session, place.chat_id, bot.connection_id, dedupe_key=key, within=OPEN_FOR, now=bot.runtime.now()
    )
    pressed = _asked_since(bodies, words)
    if pressed is None:
        return None
    asked = question_of(*pressed)
    ask = _asking(session, bot, written, asked)
    return asked if all(is_no_answer(ask, text) for text in words) else None


def _asked_since(bodies: Iterable[dict[str, Any]], words: list[str]) -> tuple[ButtonData, int] | None:
    """Go back to the last question that was not dropped; fill in the `words` that came after it."""
    for body in bodies:
        match read_update(body):
            case Pressed(number=number, data=text):
                data = ButtonData.decode(text)
                if data is not None and data.do is Do.NEVER_MIND:
                    return None
                if data is not None and data.do in _ASKING:
                    return data, number
            case Written(text=text, file=None) if not text.startswith("/"):
                words.append(text)
            case _:
                pass
    return None


def _asking(session: Session, bot: Bot, written: Written, asked: ButtonData) -> Ask:
    people = people_in(session, bot, written.place)
    return Ask(bot, session, written.place, written.number, asked, people, bot.runtime.now())


def _draw(bot: Bot, view: View) -> Screen:
    with bot.runtime.reading() as session:
        return draw_view(session, view, now=bot.runtime.now())


def _refusal(refused: Refused, language: str) -> str:
    _ = words_of(language)
    if isinstance(refused, DecidedAlready | ClaimDecided):
        return _("This was decided in the meantime; nothing was changed.")
    return in_words(NotYours() if isinstance(refused, NotFound) else refused, _)
