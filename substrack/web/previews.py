"""Previews: each kind of message with real people and sums, as a mail and as a chat; nothing is sent.

Only "Send it to me" sends, and only to whoever presses it; the links in it lead nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from substrack.domain.errors import Phrase
from substrack.domain.letter_links import LetterLinks
from substrack.domain.letters import Letter
from substrack.domain.notices import Notice
from substrack.queries.groups import find_group
from substrack.queries.messages_page import MessageChoices, load_message_choices
from substrack.queries.people import find_contact
from substrack.queries.people_choices import find_fitting
from substrack.queries.preview_pairs import find_pair
from substrack.queries.previews import FOR_ADMINS, PAYLOADS, find_example, load_preview
from substrack.services.chat_building import chat_words
from substrack.services.concealing import conceal
from substrack.services.messages import send_sample
from substrack.texts.letters import render
from substrack.web.access import signed_in
from substrack.web.messages import letter_answer
from substrack.web.pages import flash_sent, page
from substrack.web.paging import searched
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("previews", __name__, url_prefix="/messages/preview")


@dataclass(frozen=True)
class Chosen:
    """What is looked at: a kind, a person and a group, by public ids."""

    notice: Notice
    person: str
    group: str

    def as_query(self) -> dict[str, Any]:
        """Write it into a URL."""
        return {"notice": self.notice.value, "person": self.person, "group": self.group}


@blueprint.get("")
@signed_in
def show() -> str:
    """Show one kind of message as a mail and as a chat."""
    choices, chosen = _choices()
    letter = _letter(chosen) if chosen else None
    return page(
        "web/preview.html",
        choices=choices,
        fitting=find_pair(reading(), me().workspace_id, chosen.notice) if chosen and not letter else None,
        chosen=chosen,
        kinds=[one for one in PAYLOADS if one not in FOR_ADMINS],
        admin_kinds=[one for one in PAYLOADS if one in FOR_ADMINS],
        mail=render(letter) if letter else None,
        chat=chat_words(letter, None) if letter else None,
        recipient=letter.to.name if letter else None,
    )


@blueprint.get("/letter")
@signed_in
def show_letter() -> Response:
    """Hand out the HTML of a mail, to be looked at inside the page."""
    chosen = _chosen()
    letter = _letter(chosen) if chosen else None
    if letter is None:
        abort(404)
    return letter_answer(render(letter).html)


@blueprint.post("")
@signed_in
def send_to_me() -> ResponseReturnValue:
    """Send what is looked at to oneself."""
    chosen = _chosen()
    letter = _letter(chosen) if chosen else None
    if chosen is None or letter is None:
        abort(404)
    words = {"email": render(letter).as_dict(), "telegram": chat_words(letter, None)}
    with runtime().transaction() as session:
        kept = conceal(words, runtime().signer)
        send_sample(session, me().contact_id, kept, by=by_me(), now=runtime().now())
    flash_sent(
        Phrase("It is on its way to you. The links in it lead nowhere."),
        Phrase("It shows up under Messages. Mail is kept here, not sent: no mail server is set."),
    )
    return redirect(url_for("previews.show", **chosen.as_query()), 303)


def _choices() -> tuple[MessageChoices, Chosen | None]:
    """Load what can be chosen, and what is."""
    chosen = _chosen()
    wanted = (chosen.person,) if chosen else ()
    return load_message_choices(reading(), me().workspace_id, *wanted), chosen


def _chosen() -> Chosen | None:
    """Read what is wanted; somebody about whom there is something to say where nobody is named."""
    wanted = request.values
    notice = next((one for one in PAYLOADS if one.value == wanted.get("notice")), Notice.REQUEST)
    person, group = _person(), wanted.get("group")
    if person and group:
        return Chosen(notice, person, group)
    pair = find_pair(reading(), me().workspace_id, notice)
    return Chosen(notice, person or pair.person, group or pair.group) if pair else None


def _person() -> str | None:
    """Read who is wanted: whom a typed name or address fits, who was picked, or one of a group."""
    typed, workspace_id = searched(), me().workspace_id
    fitting = find_fitting(reading(), workspace_id, typed) if typed else ()
    if fitting:
        return fitting[0].public_id
    picked, group = request.values.get("person"), request.values.get("group")
    return picked or (find_example(reading(), workspace_id, group) if group else None)


def _letter(chosen: Chosen) -> Letter | None:
    links = LetterLinks(
        home=runtime().signer.absolute(""),
        review=runtime().signer.absolute("/review"),
        pay=runtime().signer.absolute("/pay/example"),
        unsubscribe=runtime().signer.absolute("/unsubscribe/example"),
    )
    return load_preview(
        reading(),
        me().workspace_id,
        chosen.notice,
        contact_id=find_contact(reading(), me().workspace_id, chosen.person),
        group_id=find_group(reading(), me().workspace_id, chosen.group),
        reader_contact_id=me().contact_id,
        reader_id=by_me().id,
        links=links,
        now=runtime().now(),
    )
