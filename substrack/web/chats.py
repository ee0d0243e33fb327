"""Linking chats: the Telegram parts of the member's page, of a person's page and of one's own account.

Codes are made by a press, never by looking. The pages themselves are other modules'; they show a `Linking`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import Phrase
from substrack.domain.notices import ChannelChoice
from substrack.queries.chats import ChatRow, find_username, load_chat
from substrack.queries.people import find_contact
from substrack.services.chats import (
    ShownCode,
    WaitingChat,
    choose_channel,
    confirm_chat,
    find_live_code,
    find_waiting_chat,
    issue_admin_code,
    issue_chat_code,
    refuse_waiting_chat,
    unlink_chat,
)
from substrack.services.visits import open_pay
from substrack.web.access import by_link, signed_in
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("chats", __name__)

CHOICES: Final = (
    ChannelChoice.BOTH,
    ChannelChoice.TELEGRAM_FIRST,
    ChannelChoice.TELEGRAM,
    ChannelChoice.EMAIL,
)


@dataclass(frozen=True)
class Linking:
    """What a page shows about somebody's chat; `username` is the bot's, None while it is not known.

    `has_token`: a bot was set up, whether or not Telegram has answered yet.
    """

    row: ChatRow
    username: str | None
    code: ShownCode | None
    waiting: WaitingChat | None = None
    choices: tuple[ChannelChoice, ...] = CHOICES
    has_token: bool = False

    @property
    def url(self) -> str | None:
        """The deep link that opens the bot with the code (Bot API, "Deep linking")."""
        if self.code is None or self.username is None:
            return None
        return f"https://t.me/{self.username}?start={self.code.code}"


def linking_of(contact_id: int, workspace_id: int) -> Linking:
    """Load what the page of a person shows."""
    return _linking(contact_id, workspace_id, None)


def my_linking() -> Linking:
    """Load what one's own account shows; only for `signed_in` views."""
    return _linking(me().contact_id, me().workspace_id, me().user_id)


@blueprint.post("/pay/<token>/telegram")
@by_link
def on_pay(token: str) -> ResponseReturnValue:
    """Do what a member pressed on their page: get a link, unlink, choose how to be reached."""
    act = _pressed(_MEMBER_ACTS)
    with runtime().transaction() as session:
        visit = open_pay(session, runtime().signer, token, now=runtime().now())
        act(session, visit.contact_id, Actor.contact(visit.contact_id))
    language = request.args.get("language")
    return redirect(url_for("pay.show", token=token, language=language, _anchor="telegram"), 303)


@blueprint.post("/people/<public_id>/telegram")
@signed_in
def on_person(public_id: str) -> ResponseReturnValue:
    """Do what an admin pressed on somebody's page."""
    act = _pressed(_MEMBER_ACTS)
    contact_id = find_contact(reading(), me().workspace_id, public_id)
    with runtime().transaction() as session:
        act(session, contact_id, by_me())
    flash(_DONE[request.form["act"]], "done")
    return redirect(url_for("people.show", public_id=public_id, _anchor="telegram"), 303)


@blueprint.post("/profile/telegram")
@signed_in
def on_profile() -> ResponseReturnValue:
    """Do what an admin pressed about their own chat; only here it becomes an admin's."""
    act = _pressed(_OWN_ACTS)
    with runtime().transaction() as session:
        act(session, me().contact_id, by_me())
    flash(_OWN_DONE[request.form["act"]], "done")
    return redirect(url_for("profile.show", _anchor="telegram"), 303)


Act = Callable[[Session, int, Actor], object]


def _issue(session: Session, contact_id: int, _by: Actor) -> object:
    return issue_chat_code(session, contact_id, now=runtime().now())


def _issue_mine(session: Session, contact_id: int, _by: Actor) -> object:
    return issue_admin_code(session, me().user_id, contact_id, now=runtime().now())


def _unlink(session: Session, contact_id: int, by: Actor) -> object:
    return unlink_chat(session, contact_id, by=by, now=runtime().now())


def _choose(session: Session, contact_id: int, by: Actor) -> None:
    wanted = request.form.get("choice", "")
    choice = next((one for one in CHOICES if one.value == wanted), None)
    if choice is None:
        abort(400)
    choose_channel(session, contact_id, choice, by=by, now=runtime().now())


def _confirm(session: Session, contact_id: int, by: Actor) -> None:
    shown = request.form.get("chat", "")
    if not shown.isascii() or not shown.isdecimal() or len(shown) > 20:
        abort(400)
    confirm_chat(session, contact_id, chat_id=int(shown), by=by, now=runtime().now())


def _turn_away(session: Session, contact_id: int, by: Actor) -> None:
    refuse_waiting_chat(session, contact_id, by=by, now=runtime().now())


_MEMBER_ACTS: Final[dict[str, Act]] = {"link": _issue, "unlink": _unlink, "choose": _choose}
_OWN_ACTS: Final[dict[str, Act]] = {
    "link": _issue_mine,
    "unlink": _unlink,
    "choose": _choose,
    "confirm": _confirm,
    "turn_away": _turn_away,
}
_DONE: Final = {
    "link": Phrase("The invitation is ready to be copied. Earlier ones are dead."),
    "unlink": Phrase("Unlinked. Nothing goes to that chat any more."),
    "choose": "Saved.",
}
_OWN_DONE: Final = _DONE | {
    "link": Phrase("Open the link within 10 minutes, then come back to this page."),
    "confirm": Phrase("Your chat is linked. What needs you comes there as well."),
    "turn_away": Phrase("Turned away. Nothing was linked."),
}


def _pressed(acts: dict[str, Act]) -> Act:
    act = acts.get(request.form.get("act", ""))
    if act is None:
        abort(400)
    return act


def _linking(contact_id: int, workspace_id: int, user_id: int | None) -> Linking:
    session, now = reading(), runtime().now()
    row = load_chat(session, contact_id)
    if runtime().settings.telegram_token is None:
        return Linking(row, None, None)
    return Linking(
        row=row,
        username=find_username(session, workspace_id),
        code=find_live_code(session, runtime().signer, contact_id, user_id=user_id, now=now),
        waiting=find_waiting_chat(session, contact_id, now=now) if user_id is not None else None,
        has_token=True,
    )
