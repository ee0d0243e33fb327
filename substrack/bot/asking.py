"""One act in a chat while it is decided: who acts, in which session, about what.

`Ask.me` and `Ask.admin` are the only ways to an actor: both go by whom the chat stands for at this moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from substrack.bot import Bot
from substrack.bot.updates import Place
from substrack.domain.actors import Actor, Via
from substrack.domain.chat_buttons import ButtonData
from substrack.domain.errors import NotFound
from substrack.queries.chats import ChatContact, contacts_of_chat
from substrack.texts.chat_screens import words_of
from substrack.texts.words import Words


class NotYours(NotFound):
    """The chat stands for nobody who may do this; what it was about is not told."""

    def __init__(self) -> None:
        super().__init__("This isn’t yours to press, or it no longer does anything.")


@dataclass(frozen=True)
class Ask:
    """What an act needs; `people` are those the chat stands for."""

    bot: Bot
    session: Session
    place: Place
    number: int
    data: ButtonData
    people: tuple[ChatContact, ...]
    now: datetime

    @property
    def locale(self) -> str:
        """The language of the chat: that of the person in it, or of their Telegram."""
        return self.people[0].language if self.people else self.place.language or ""

    @property
    def words(self) -> Words:
        """The words of that language."""
        return words_of(self.locale)

    def me(self, contact_id: int | None) -> ChatContact:
        """Return the member of this chat who is this contact.

        Raises:
            NotYours: the chat does not stand for them.
        """
        for person in self.people:
            if person.contact_id == contact_id:
                return person
        raise NotYours

    def admin(self, workspace_id: int | None) -> ChatContact:
        """Return the admin of this chat who may decide in a workspace.

        Raises:
            NotYours: the chat stands for no active admin there.
        """
        for person in self.people:
            if person.is_admin and person.workspace_id == workspace_id:
                return person
        raise NotYours


def people_in(session: Session, bot: Bot, place: Place) -> tuple[ChatContact, ...]:
    """Look up whom a chat stands for: nobody in groups, nor when somebody else pressed than whose it is."""
    if not place.is_own_chat:
        return ()
    return tuple(contacts_of_chat(session, place.chat_id, bot.connection_id))


def language_in(bot: Bot, place: Place) -> str:
    """Say in which language to answer: that of the person whose chat it is, else that of their Telegram."""
    with bot.runtime.reading() as session:
        people = people_in(session, bot, place)
    return people[0].language if people else place.language or ""


def member(person: ChatContact) -> Actor:
    """Act as the contact."""
    return Actor.contact(person.contact_id, Via.TELEGRAM)


def decider(person: ChatContact) -> Actor:
    """Act as the admin.

    Raises:
        NotYours: they are none.
    """
    if person.user_id is None:
        raise NotYours
    return Actor.user(person.user_id, Via.TELEGRAM)
