"""Pictures and PDFs: proof of payment when they reply to what asks for it, and asked about when they do not.

The file is fetched before anything is written, outside any transaction; a claim is only made by the one whose
payment it is.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from substrack.bot import Bot
from substrack.bot.asking import NotYours, language_in, member, people_in
from substrack.bot.outcomes import act_once
from substrack.bot.reactions import Reaction, Screen
from substrack.bot.sending import say, show, show_fresh
from substrack.bot.updates import Attached, Place, Pressed, Written
from substrack.bot.views import draw_shown, ids_of
from substrack.domain.bills import Item
from substrack.domain.chat_buttons import ButtonData
from substrack.domain.chat_cards import MemberCard, Standing
from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.domain.errors import NotFound, Refused
from substrack.domain.wording import kept_of
from substrack.queries.chat_cards import load_contact_card
from substrack.queries.chat_subjects import OwedBy, find_one_owed, find_owed, find_shown
from substrack.queries.chats import ChatContact
from substrack.services.inbound import message_key, press_key
from substrack.services.proofs import MAX_BYTES, ProofTooLarge, SafeProof, claim_with_proof, read_proof
from substrack.texts.chat_screens import ask_what_for, not_linked, said, words_of
from substrack.texts.refusals import in_words

log = logging.getLogger(__name__)


class FileGone(Refused):
    """Telegram does not hand this file out, or not any more."""

    field = "proof"

    def __init__(self) -> None:
        super().__init__("This file can’t be read. Send it again.")


async def receive_file(bot: Bot, written: Written, file: Attached) -> None:
    """Take a file as proof when it replies to a message that asks for money; else ask what it is for.

    Raises:
        DeliveryFailed: the file could not be fetched, or nobody told; doing it again claims nothing twice.
    """
    owed = await asyncio.to_thread(_named_by_reply, bot, written)
    if owed is None:
        question = await asyncio.to_thread(_question, bot, written.place)
        await say(bot, written.place.chat_id, question, reply_to=written.number)
        return
    key = message_key(written.place.chat_id, written.number)
    answer = await _take(bot, written.place, file, owed, note=written.text or None, key=key)
    await say(bot, written.place.chat_id, answer, reply_to=written.number)
    replied = written.replied
    drawn = await asyncio.to_thread(_drawn, bot, written.place, replied.number) if replied else None
    if replied is not None and drawn is not None:
        draw = partial(_drawn, bot, written.place, replied.number)
        await show_fresh(bot, written.place.chat_id, replied.number, draw)


async def prove(bot: Bot, pressed: Pressed, data: ButtonData) -> None:
    """Take the file that a question was about as proof for the payment that was chosen.

    Raises:
        DeliveryFailed: as for `receive_file`.
    """
    owed = await asyncio.to_thread(_named_by_button, bot, pressed.place, data)
    if owed is None or pressed.proof is None:
        _ = words_of(await asyncio.to_thread(language_in, bot, pressed.place))
        gone = _("I can’t see that file any more. Send it again as a reply to the reminder.")
        refusal = _(str(NotYours())) if owed is None else gone
        await bot.channel.answer(pressed.query_id, refusal, is_alert=True)
        return
    await bot.channel.answer(pressed.query_id)
    key, note = press_key(pressed.query_id), pressed.caption or None
    answer = await _take(bot, pressed.place, pressed.proof, owed, note=note, key=key)
    await show(bot, pressed.place.chat_id, pressed.number, answer)


async def _take(
    bot: Bot, place: Place, file: Attached, owed: OwedBy, *, note: str | None, key: str
) -> Screen:
    """Fetch a file, make it safe and claim with it; say what became of it. `key` names the update."""
    try:
        if file.size is not None and file.size > MAX_BYTES:
            raise ProofTooLarge
        content = await _fetch(bot, file)
        proof = await asyncio.to_thread(read_proof, content)
        return await asyncio.to_thread(_claim_once, bot, place, owed, proof, note, key)
    except Refused as refused:
        if isinstance(refused, NotFound):
            refused = NotYours()
        _ = words_of(await asyncio.to_thread(language_in, bot, place))
        return Screen(said(in_words(refused, _)), is_reply=True)


async def _fetch(bot: Bot, file: Attached) -> bytes:
    """Fetch a file; one that Telegram does not hand out is asked for again."""
    try:
        content = await bot.channel.fetch_file(file.file_id, most_bytes=MAX_BYTES)
    except DeliveryFailed as failure:
        if failure.scope is not Scope.MESSAGE:
            raise
        log.warning("a file was not handed out: %s", failure.reason)
        raise FileGone from None
    if content is None:
        raise ProofTooLarge
    return content


def _claim_once(bot: Bot, place: Place, owed: OwedBy, proof: SafeProof, note: str | None, key: str) -> Screen:
    with bot.runtime.transaction() as session:
        people = people_in(session, bot, place)
        me = next((one for one in people if one.contact_id == owed.contact_id), None)
        if me is None:
            raise NotYours
        claim = partial(_claim, session, me, owed, proof, note, bot.runtime.now())
        return act_once(session, bot, key, people, claim).says[0]


def _claim(
    session: Session, me: ChatContact, owed: OwedBy, proof: SafeProof, note: str | None, now: datetime
) -> Reaction:
    done = claim_with_proof(
        session,
        me.contact_id,
        owed.payment_ids,
        proof,
        note=kept_of(note) if note else None,
        by=member(me),
        now=now,
    )
    _ = words_of(me.language)
    if done.claimed:
        words = _("Thanks! It’ll be checked, with your file.")
    elif done.added:
        words = _("Thanks! Your file goes with what you said before.")
    else:
        words = _("Nothing was changed: this is no longer open, or the file is there already.")
    return Reaction(says=(Screen(said(words), is_reply=True),))


def _named_by_reply(bot: Bot, written: Written) -> OwedBy | None:
    """Find the payments of the message that a file replies to, when it asks for money."""
    if written.replied is None:
        return None
    with bot.runtime.reading() as session:
        people = people_in(session, bot, written.place)
        shown = find_shown(session, ids_of(people), written.replied.number, now=bot.runtime.now())
        if shown is None or not isinstance(shown.card, MemberCard):
            return None
        return find_owed(session, shown.subject)


def _named_by_button(bot: Bot, place: Place, data: ButtonData) -> OwedBy | None:
    with bot.runtime.reading() as session:
        owed = find_one_owed(session, data.argument(0))
        mine = ids_of(people_in(session, bot, place))
        return owed if owed is not None and owed.contact_id in mine else None


def _question(bot: Bot, place: Place) -> Screen:
    with bot.runtime.reading() as session:
        people = people_in(session, bot, place)
        if not people:
            return Screen(not_linked(place.language or ""))
        html, rows = ask_what_for(_open_items(session, bot, ids_of(people)), people[0].language)
        return Screen(html, rows, is_reply=True)


def _open_items(session: Session, bot: Bot, contact_ids: list[int]) -> list[Item]:
    cards = (load_contact_card(session, key, now=bot.runtime.now()) for key in contact_ids)
    return [each.item for card in cards for each in card.those(Standing.OPEN)]


def _drawn(bot: Bot, place: Place, number: int) -> Screen | None:
    with bot.runtime.reading() as session:
        people = people_in(session, bot, place)
        shown = find_shown(session, ids_of(people), number, now=bot.runtime.now())
        return draw_shown(shown, people[0].language, bot.runtime.signer) if shown else None
