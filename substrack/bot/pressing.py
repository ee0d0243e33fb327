"""A press of a button: look up who pressed, act in one transaction, answer within a second, show what is so.

Answering comes first whenever the act takes long. A press that is handled again acts no second time, whatever
was done in between; see `bot.outcomes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from sqlalchemy.orm import Session

from substrack.bot import Bot, admin_acts, member_acts, note_acts, own_acts, questions
from substrack.bot.asking import Ask, NotYours, language_in, people_in
from substrack.bot.fading import fade, keep_as_it_is
from substrack.bot.outcomes import act_once, note
from substrack.bot.reactions import Reaction, Screen
from substrack.bot.sending import say_all, show, show_fresh, show_keys
from substrack.bot.updates import Pressed
from substrack.bot.views import draw_shown, draw_view, ids_of
from substrack.domain.chat_buttons import ButtonData, Do
from substrack.domain.errors import NotFound, Refused
from substrack.queries.chat_subjects import find_shown
from substrack.services.claim_decisions import ClaimDecided
from substrack.services.inbound import press_key
from substrack.services.ledger import DecidedAlready
from substrack.texts.chat_screens import said, words_of
from substrack.texts.refusals import in_words

Act = Callable[[Ask], Reaction]

PATIENCE_SECONDS: Final = 0.6
"""Of the second in which a press is to be answered; the rest is for the way, and for finding it."""

ACTS: Final[Mapping[Do, Act]] = MappingProxyType(
    {
        Do.PAID: member_acts.pay_one,
        Do.PAID_ALL: member_acts.pay_all,
        Do.WITHDRAW: member_acts.withdraw,
        Do.LATER_UNTIL: member_acts.ask_later,
        Do.CONFIRM: admin_acts.confirm,
        Do.CONFIRM_ONE: admin_acts.confirm_one,
        Do.REJECT_FOR: questions.reject_for,
        Do.UNDO: admin_acts.undo,
        Do.CONFIRM_PAGE_NOW: admin_acts.confirm_page,
        Do.UNDO_PAGE: admin_acts.undo_page,
        Do.NO_ANSWER: note_acts.leave_unanswered,
        Do.NEW_CODE: admin_acts.make_new_code,
        Do.LANGUAGE: own_acts.choose_language,
        Do.UNLINK: own_acts.unlink,
        Do.NOT_ME: own_acts.object_to_new_chat,
    }
)
"""Acts that may change something."""

LOOKS: Final[Mapping[Do, Act]] = MappingProxyType(
    {
        Do.LATER: member_acts.show_later,
        Do.HOW_TO_PAY: member_acts.show_how,
        Do.OBJECT: member_acts.ask_what_is_off,
        Do.ANSWER: note_acts.ask_for_answer,
        Do.BACK: own_acts.go_back,
        Do.REJECT: admin_acts.show_reasons,
        Do.REJECT_OTHER: questions.ask_why,
        Do.TOO_LITTLE: questions.ask_for_sum,
        Do.PROOF: admin_acts.show_proofs,
        Do.PENDING: admin_acts.show_pending,
        Do.CONFIRM_PAGE: admin_acts.ask_about_page,
        Do.NEVER_MIND: own_acts.never_mind,
    }
)
"""Acts that only look; they run where nothing can be written."""


async def press(bot: Bot, pressed: Pressed) -> None:
    """Do what a button says for whoever pressed it.

    Raises:
        DeliveryFailed: Telegram could not be told; the act stands, and doing it again changes nothing.
    """
    keep_as_it_is(bot, pressed.place.chat_id, pressed.number)
    acting = asyncio.create_task(asyncio.to_thread(decide, bot, pressed))
    done, _pending = await asyncio.wait({acting}, timeout=PATIENCE_SECONDS)
    if not done:
        await bot.channel.answer(pressed.query_id)
    reaction = await acting
    if done:
        await bot.channel.answer(pressed.query_id, reaction.toast, is_alert=reaction.is_alert)
    elif reaction.is_alert:
        late = Screen(said(reaction.toast))
        reaction = replace(reaction, says=(*reaction.says, late))
    await _react(bot, pressed, reaction)
    if reaction.fades_to is not None:
        fade(bot, pressed.place.chat_id, pressed.number, reaction.fades_to)


def decide(bot: Bot, pressed: Pressed) -> Reaction:
    """Act in one transaction; refusals become answers. Runs in a thread."""
    now, data = bot.runtime.now(), ButtonData.decode(pressed.data)
    act = (ACTS.get(data.do) or LOOKS.get(data.do)) if data else None
    try:
        if data is None or act is None:
            raise NotYours
        with _session_for(bot, data.do) as session:
            people = people_in(session, bot, pressed.place)
            ask = Ask(bot, session, pressed.place, pressed.number, data, people, now)
            reaction = _once(ask, act, pressed) if data.do in ACTS else act(ask)
    except Refused as refused:
        reaction = _refusal(refused, language_in(bot, pressed.place))
        if data is not None and data.do in ACTS:
            _note_refusal(bot, pressed, reaction)
    return _redrawn(bot, pressed, reaction) if reaction.redraws else reaction


def _once(ask: Ask, act: Act, pressed: Pressed) -> Reaction:
    return act_once(ask.session, ask.bot, press_key(pressed.query_id), ask.people, lambda: act(ask))


def _note_refusal(bot: Bot, pressed: Pressed, reaction: Reaction) -> None:
    """What was refused stays refused, even if it would be allowed half a minute later."""
    with bot.runtime.transaction() as session:
        note(session, bot, press_key(pressed.query_id), reaction)


def _session_for(bot: Bot, do: Do) -> AbstractContextManager[Session]:
    return bot.runtime.transaction() if do in ACTS else bot.runtime.reading()


def _refusal(refused: Refused, language: str) -> Reaction:
    """Answer a no: the same to everybody about what is not theirs or not there."""
    _ = words_of(language)
    if isinstance(refused, NotFound) and not isinstance(refused, ClaimDecided):
        refused = NotYours()
    if isinstance(refused, DecidedAlready | ClaimDecided):
        toast = _("This was decided in the meantime; nothing was changed.")
        return Reaction(toast, redraws=True)
    return Reaction(in_words(refused, _), is_alert=True, redraws=True)


def _redrawn(bot: Bot, pressed: Pressed, reaction: Reaction) -> Reaction:
    """Show the pressed message as it is now, to those whose chat it is in; a stranger sees nothing change."""
    now = bot.runtime.now()
    with bot.runtime.reading() as session:
        people = people_in(session, bot, pressed.place)
        shown = find_shown(session, ids_of(people), pressed.number, now=now) if people else None
        if shown is not None:
            language = next(each.language for each in people if each.contact_id == shown.contact_id)
            return reaction.redrawn(draw_shown(shown, language, bot.runtime.signer))
        if people and reaction.view is not None:
            return reaction.redrawn(draw_view(session, reaction.view, now=now))
    return reaction


async def _react(bot: Bot, pressed: Pressed, reaction: Reaction) -> None:
    chat_id, number = pressed.place.chat_id, pressed.number
    if reaction.redraws and reaction.shows is not None:
        await show_fresh(bot, chat_id, number, lambda: _redrawn(bot, pressed, reaction).shows)
    elif reaction.shows is not None:
        await show(bot, chat_id, number, reaction.shows)
    elif reaction.keys is not None:
        await show_keys(bot, chat_id, number, Screen("", reaction.keys))
    await say_all(bot, chat_id, reaction.says, reply_to=number)
