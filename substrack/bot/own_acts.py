"""What people do about the chat itself: choose a language, unlink it, object to another, drop a question."""

from __future__ import annotations

from substrack.bot.asking import Ask, NotYours, member
from substrack.bot.reactions import Reaction, Screen
from substrack.domain.chat_buttons import MAX_KEY_DIGITS
from substrack.services.chat_replacing import object_to_replacement
from substrack.services.chats import unlink_chat
from substrack.services.people import edit_contact
from substrack.texts.catalogue import LANGUAGE_NAMES, LANGUAGES
from substrack.texts.chat_screens import said, words_of
from substrack.texts.words import Words


def choose_language(ask: Ask) -> Reaction:
    """Write in another language from now on."""
    code = ask.data.argument(0)
    if code not in LANGUAGES or not ask.people:
        raise NotYours
    for person in ask.people:
        if person.language != code:
            edit_contact(ask.session, person.contact_id, language=code, by=member(person), now=ask.now)
    words = words_of(code)("I’ll write to you in %(language)s.", language=LANGUAGE_NAMES.get(code, code))
    return Reaction(shows=Screen(said(words)))


def unlink(ask: Ask) -> Reaction:
    """Unlink the chat from everybody it stands for, or keep it."""
    if not ask.people:
        raise NotYours
    _ = ask.words
    if ask.data.argument(0) != "yes":
        return Reaction(shows=Screen(said(_("Fine, everything stays as it is."))))
    for person in ask.people:
        unlink_chat(ask.session, person.contact_id, by=member(person), now=ask.now)
    return Reaction(shows=Screen(said(_("This chat is unlinked; nothing more comes here."))))


def object_to_new_chat(ask: Ask) -> Reaction:
    """Put this chat back in the place of the one that took it; whether it may is the service's to know."""
    key = ask.data.number(0, digits=MAX_KEY_DIGITS)
    if key is None or not ask.place.is_own_chat:
        raise NotYours
    is_back = object_to_replacement(ask.session, key, chat_id=ask.place.chat_id, now=ask.now)
    return Reaction(shows=Screen(said(_put_back(ask.words) if is_back else _put_out(ask.words))))


def _put_back(_: Words) -> str:
    return _("This chat is linked again; the other one is not.")


def _put_out(_: Words) -> str:
    return _("The other chat is out. Sign in and link this one again on your account page.")


def never_mind(ask: Ask) -> Reaction:
    """Drop a question."""
    return Reaction(shows=Screen(said(ask.words("Fine, I dropped the question."))))


def go_back(_ask: Ask) -> Reaction:
    """Show the message as it is."""
    return Reaction(redraws=True)
