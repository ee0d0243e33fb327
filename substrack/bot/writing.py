"""What people write: commands, and answers to what the bot asked. Anything else gets a hint, never an act."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy.orm import Session

from substrack.bot import Bot
from substrack.bot.answering import answer, find_question
from substrack.bot.asking import NotYours, language_in, people_in
from substrack.bot.proving import receive_file
from substrack.bot.reactions import Screen
from substrack.bot.sending import say, say_all
from substrack.bot.updates import Written
from substrack.bot.views import draw_pending, draw_status, ids_of
from substrack.domain.errors import NotFound, Refused
from substrack.queries.chat_cards import load_contact_card
from substrack.services.chat_waiting import is_chat_waiting
from substrack.services.chats import link_chat, report_stale_code
from substrack.services.links import DeadLink
from substrack.texts import chat_screens as screens
from substrack.texts.chat_keyboards import Rows
from substrack.texts.refusals import in_words

Screens = list[Screen]


async def read(bot: Bot, written: Written) -> None:
    """Do what somebody wrote.

    Raises:
        DeliveryFailed: nobody could be told; doing it again changes nothing.
    """
    if not written.place.is_own_chat:
        await _answer_group(bot, written)
        return
    if written.file is not None:
        await receive_file(bot, written, written.file)
        return
    name, _addressed_to = _command(written.text)
    asked = None if name else await asyncio.to_thread(find_question, bot, written)
    if asked is not None:
        await answer(bot, written, asked)
        return
    answers = await asyncio.to_thread(_obey, bot, written, name)
    await say_all(bot, written.place.chat_id, answers, reply_to=written.number)


async def _answer_group(bot: Bot, written: Written) -> None:
    """Say nothing private in a group, and nothing at all unless spoken to."""
    _name, addressed_to = _command(written.text)
    if addressed_to and bot.username and addressed_to.casefold() == bot.username.casefold():
        screen = Screen(screens.in_group(written.place.language or ""))
        await say(bot, written.place.chat_id, screen, reply_to=written.number)


def _obey(bot: Bot, written: Written, name: str) -> Screens:
    """Do what a command says; refusals become answers. Runs in a thread."""
    try:
        return COMMANDS.get(name, _hint)(bot, written)
    except Refused as refused:
        _ = screens.words_of(language_in(bot, written.place))
        words = in_words(NotYours() if isinstance(refused, NotFound) else refused, _)
        return [Screen(screens.said(words), is_reply=True)]


def _command(text: str) -> tuple[str, str]:
    """Split "/status@substrack_bot" into the command and whom it is for."""
    first = text.split(maxsplit=1)[0] if text.startswith("/") else ""
    name, _at, addressed_to = first.removeprefix("/").partition("@")
    return name.casefold(), addressed_to


def _start(bot: Bot, written: Written) -> Screens:
    parts = written.text.split(maxsplit=1)
    if len(parts) > 1:
        return _link(bot, written, parts[1].strip())
    with bot.runtime.reading() as session:
        is_known = bool(people_in(session, bot, written.place))
    return _status(bot, written) if is_known else _help(bot, written)


def _link(bot: Bot, written: Written, payload: str) -> Screens:
    """Use a code; the outbox tells the chat that it is linked, so only the rest is said here."""
    place, locale, now = written.place, language_in(bot, written.place), bot.runtime.now()
    try:
        with bot.runtime.transaction() as session:
            before = ids_of(people_in(session, bot, place))
            linked = link_chat(
                session, bot.runtime.signer, payload, chat_id=place.chat_id, chat_name=place.name, now=now
            )
    except DeadLink as dead:
        if dead.contact_id is not None:
            with bot.runtime.transaction() as session:
                report_stale_code(session, dead.contact_id, now)
        return [Screen(screens.dead_code(locale))]
    if linked.needs_sign_in:
        return [Screen(screens.needs_sign_in(locale))]
    return (
        _status(bot, written) if linked.contact_id in before else _open_now(bot, written, linked.contact_id)
    )


def _open_now(bot: Bot, written: Written, contact_id: int) -> Screens:
    """Show somebody new what is open, if anything is."""
    with bot.runtime.reading() as session:
        people = [one for one in people_in(session, bot, written.place) if one.contact_id == contact_id]
        cards = [load_contact_card(session, one.contact_id, now=bot.runtime.now()) for one in people]
        new = [one for one, card in zip(people, cards, strict=True) if card.items]
        return [draw_status(session, one, now=bot.runtime.now()) for one in new]


def _status(bot: Bot, written: Written) -> Screens:
    with bot.runtime.reading() as session:
        people = people_in(session, bot, written.place)
        if not people:
            return [_not_linked(session, bot, written)]
        return [draw_status(session, person, now=bot.runtime.now()) for person in people]


def _pending(bot: Bot, written: Written) -> Screens:
    with bot.runtime.reading() as session:
        admins = [person for person in people_in(session, bot, written.place) if person.is_admin]
        drawn = [draw_pending(session, admin, 1, now=bot.runtime.now()) for admin in admins]
    return drawn or _help(bot, written)


def _language(bot: Bot, written: Written) -> Screens:
    return _ask_linked(bot, written, screens.ask_language)


def _unlink(bot: Bot, written: Written) -> Screens:
    return _ask_linked(bot, written, screens.ask_unlink)


def _ask_linked(bot: Bot, written: Written, question: Callable[[str], tuple[str, Rows]]) -> Screens:
    with bot.runtime.reading() as session:
        people = people_in(session, bot, written.place)
        if not people:
            return [_not_linked(session, bot, written)]
    return [Screen(*question(people[0].language))]


def _help(bot: Bot, written: Written) -> Screens:
    with bot.runtime.reading() as session:
        people = people_in(session, bot, written.place)
        if not people:
            return [_not_linked(session, bot, written)]
    is_admin = any(person.is_admin for person in people)
    return [Screen(screens.help_screen(people[0].language, is_linked=True, is_admin=is_admin))]


def _not_linked(session: Session, bot: Bot, written: Written) -> Screen:
    """Answer a chat that stands for nobody, or not yet."""
    locale = written.place.language or ""
    is_waiting = is_chat_waiting(session, written.place.chat_id, now=bot.runtime.now())
    return Screen(screens.needs_sign_in(locale) if is_waiting else screens.not_linked(locale))


def _hint(bot: Bot, written: Written) -> Screens:
    return _help(bot, written)


COMMANDS: Final[Mapping[str, Callable[[Bot, Written], Screens]]] = MappingProxyType(
    {
        "start": _start,
        "status": _status,
        "pending": _pending,
        "language": _language,
        "unlink": _unlink,
        "help": _help,
    }
)
