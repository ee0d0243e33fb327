"""What an act led to, kept with the update that asked for it: one that is handled again acts no second time.

Between two tries of an update half a minute may pass in which the opposite is done. A second try says what
the first would have said, and shows what is so by then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy.orm import Session

from substrack.bot import Bot
from substrack.bot.reactions import PendingView, Reaction, Screen, StatusView, View
from substrack.queries.chats import ChatContact
from substrack.services.concealing import conceal, reveal
from substrack.services.inbound import note_outcome, recall_outcome
from substrack.texts.chat_keyboards import Key, Rows

Stored = Mapping[str, Any]


def act_once(
    session: Session, bot: Bot, key: str, people: Collection[ChatContact], act: Callable[[], Reaction]
) -> Reaction:
    """Act and note what it led to in the same transaction, or return what it led to before.

    `key` names the update; `people` are those its chat stands for now. Raises what the act raises.
    """
    stored = recall_outcome(session, bot.connection_id, key)
    if stored is not None:
        return _reaction(reveal(stored, bot.runtime.signer), people)
    reaction = act()
    note(session, bot, key, reaction)
    return reaction


def note(session: Session, bot: Bot, key: str, reaction: Reaction) -> None:
    """Note what an update led to; files are not kept, for no act leads to any."""
    note_outcome(session, bot.connection_id, key, conceal(_stored(reaction), bot.runtime.signer))


def _stored(reaction: Reaction) -> dict[str, Any]:
    return {
        "toast": reaction.toast,
        "is_alert": reaction.is_alert,
        "shows": _stored_screen(reaction.shows) if reaction.shows else None,
        "keys": None if reaction.keys is None else _stored_rows(reaction.keys),
        "says": [_stored_screen(screen) for screen in reaction.says],
        "redraws": reaction.redraws,
        "view": _stored_view(reaction.view),
        "fades_to": _stored_view(reaction.fades_to),
    }


def _stored_screen(screen: Screen) -> dict[str, Any]:
    return {"html": screen.html, "rows": _stored_rows(screen.rows), "is_reply": screen.is_reply}


def _stored_rows(rows: Rows) -> list[list[dict[str, Any]]]:
    return [[vars(key) for key in row] for row in rows]


def _stored_view(view: View | None) -> dict[str, Any] | None:
    match view:
        case StatusView(person):
            return {"of": person.contact_id}
        case PendingView(admin, page, undo):
            return {"of": admin.contact_id, "page": page, "undo": undo}
        case None:
            return None


def _reaction(stored: Stored, people: Collection[ChatContact]) -> Reaction:
    return Reaction(
        toast=stored["toast"],
        is_alert=stored["is_alert"],
        shows=_screen(stored["shows"]) if stored["shows"] else None,
        keys=None if stored["keys"] is None else _rows(stored["keys"]),
        says=tuple(_screen(screen) for screen in stored["says"]),
        redraws=stored["redraws"],
        view=_view(stored["view"], people),
        fades_to=_view(stored["fades_to"], people),
    )


def _screen(stored: Stored) -> Screen:
    return Screen(stored["html"], _rows(stored["rows"]), is_reply=stored["is_reply"])


def _rows(stored: Collection[Collection[Stored]]) -> Rows:
    return tuple(tuple(Key(**key) for key in row) for row in stored)


def _view(stored: Stored | None, people: Collection[ChatContact]) -> View | None:
    """Show it to those alone whom the chat still stands for."""
    person = next((one for one in people if stored and one.contact_id == stored["of"]), None)
    if stored is None or person is None:
        return None
    if "page" not in stored:
        return StatusView(person)
    return PendingView(person, stored["page"], stored["undo"]) if person.is_admin else None
