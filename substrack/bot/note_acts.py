"""What admins do with a note that something is off: answer it in a reply, or leave it without an answer."""

from __future__ import annotations

from substrack.bot.asking import Ask, NotYours, decider
from substrack.bot.reactions import Reaction, Screen
from substrack.domain.chat_buttons import Do
from substrack.domain.wording import clean_text
from substrack.queries.chats import ChatContact
from substrack.queries.objections import Objection, load_objection, workspace_of_objection
from substrack.services.objections import MAX_ANSWER, ObjectionAnswered, answer_objection, dismiss_objection
from substrack.texts.chat_screens import ask_answer, never_mind, said


def ask_for_answer(ask: Ask) -> Reaction:
    """Ask for words; the answer is a reply to the question."""
    admin, note = _note_at(ask, 0)
    if not note.is_open:
        raise ObjectionAnswered
    keys = (never_mind(admin.language, Do.ANSWER, note.id),)
    return Reaction(says=(Screen(ask_answer(note.name, admin.language), keys, is_reply=True),))


def answer_in_words(ask: Ask, text: str) -> Reaction:
    """Send what an admin wrote to who asked."""
    admin, note = _note_at(ask, 1)
    answer_objection(ask.session, note.id, text=read_answer(ask, text), by=decider(admin), now=ask.now)
    thanks = ask.words("Answered. %(name)s will read it.", name=note.name)
    return Reaction(says=(Screen(said(thanks), is_reply=True),))


def leave_unanswered(ask: Ask) -> Reaction:
    """Let a note be without an answer."""
    admin, note = _note_at(ask, 0)
    dismiss_objection(ask.session, note.id, by=decider(admin), now=ask.now)
    return Reaction(ask.words("Left without an answer; nobody was told."), redraws=True)


def read_answer(_ask: Ask, text: str) -> str:
    """Read an answer; raises a `Refused` for what can't be passed on."""
    return clean_text(text, field="text", maximum=MAX_ANSWER, required=True)


def _note_at(ask: Ask, place: int) -> tuple[ChatContact, Objection]:
    """Look up the note that an argument names, with the admin who may answer it."""
    workspace_id = workspace_of_objection(ask.session, ask.data.argument(place))
    if workspace_id is None:
        raise NotYours
    admin = ask.admin(workspace_id)
    return admin, load_objection(ask.session, workspace_id, ask.data.argument(place))
