"""Messages: what was said to whom, how far it got, and the exact text; try again, stop, send a test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from substrack.channels.mailbox import KeptMail, MailboxChannel
from substrack.domain.delivery import Fate, MessageState
from substrack.domain.errors import NotFound, Phrase
from substrack.domain.notices import Notice
from substrack.queries.groups import find_group
from substrack.queries.message_lists import find_message
from substrack.queries.messages_page import (
    MessageDetail,
    load_message_choices,
    load_message_detail,
    load_messages,
)
from substrack.queries.people import find_contact
from substrack.services.concealing import reveal
from substrack.services.messages import cancel_message, retry_message, send_test
from substrack.services.withholding import resting
from substrack.texts import formats
from substrack.texts.asking import time_there
from substrack.texts.delivery_words import channel_name, is_a_servers, what_happened
from substrack.web.access import signed_in
from substrack.web.fields import read_key
from substrack.web.pages import flash_sent, my_words, page
from substrack.web.paging import searched
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("messages", __name__, url_prefix="/messages")

Member = TypeVar("Member", bound=StrEnum)

LETTER_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
)
"""A letter is shown as a mailbox would: with the styles in it, and able to do nothing at all."""


@dataclass(frozen=True)
class Filters:
    """What a list of messages is narrowed to; people and groups by their public ids."""

    fate: Fate | None
    notice: Notice | None
    person: str
    called: str
    group: str

    @property
    def are_set(self) -> bool:
        """Tell whether anything is left out."""
        return any((self.fate, self.notice, self.person, self.called, self.group))

    def as_query(self) -> dict[str, str]:
        """Write them into a URL."""
        named = {"state": self.fate, "notice": self.notice, "person": self.person}
        named |= {"q": self.called, "group": self.group}
        return {name: str(value) for name, value in named.items() if value}


@blueprint.get("")
@signed_in
def show() -> str:
    """List messages, newest first, perhaps only those of one state, kind, person or group."""
    workspace_id = me().workspace_id
    filters = Filters(
        _chosen(Fate, "state"),
        _chosen(Notice, "notice"),
        request.args.get("person", ""),
        searched(),
        request.args.get("group", ""),
    )
    rows = load_messages(
        reading(),
        workspace_id,
        fate=filters.fate,
        notice=filters.notice,
        contact_id=_person(filters.person),
        called=filters.called,
        group_id=_group(filters.group),
        before_id=read_key(request.args.get("before")),
    )
    return page(
        "web/messages.html",
        rows=rows,
        filters=filters,
        choices=load_message_choices(reading(), workspace_id, filters.person),
        fates=Fate,
        notices=Notice,
        channel_name=partial(channel_name, _=my_words()),
        what_happened=partial(what_happened, _=my_words()),
        when=_when,
    )


@blueprint.get("/<public_id>")
@signed_in
def show_one(public_id: str) -> str:
    """Show one message with its exact text."""
    detail = _detail(public_id)
    now = runtime().now()
    return page(
        "web/message.html",
        detail=detail,
        row=detail.row,
        rests_until=_rests_until(detail, now),
        time_there=partial(time_there, now, _=my_words()),
        kept=_kept(detail.provider_id),
        channel_name=partial(channel_name, _=my_words()),
        what_happened=partial(what_happened, _=my_words()),
        is_a_servers=is_a_servers,
    )


@blueprint.get("/<public_id>/letter")
@signed_in
def show_letter(public_id: str) -> Response:
    """Hand out the HTML of a mail as it was sent, to be looked at inside its page."""
    detail = _detail(public_id)
    if detail.html is None:
        abort(404)
    return letter_answer(detail.html)


@blueprint.post("/<public_id>/retry")
@signed_in
def retry(public_id: str) -> ResponseReturnValue:
    """Send a message again, written afresh."""
    message_id = find_message(reading(), me().workspace_id, public_id)
    with runtime().transaction() as session:
        retry_message(session, message_id, by=by_me(), now=runtime().now())
    flash("It is queued again.", "done")
    return redirect(url_for("messages.show_one", public_id=public_id), 303)


@blueprint.post("/<public_id>/cancel")
@signed_in
def cancel(public_id: str) -> ResponseReturnValue:
    """Stop a message that waits."""
    message_id = find_message(reading(), me().workspace_id, public_id)
    with runtime().transaction() as session:
        cancel_message(session, message_id, by=by_me(), now=runtime().now())
    flash("It is cancelled and will not be sent.", "done")
    return redirect(url_for("messages.show_one", public_id=public_id), 303)


@blueprint.post("/test")
@signed_in
def send_me_a_test() -> ResponseReturnValue:
    """Send a test to oneself."""
    with runtime().transaction() as session:
        send_test(session, me().workspace_id, me().contact_id, by=by_me(), now=runtime().now())
    flash_sent(
        Phrase("A test is on its way to you. It shows up below."),
        Phrase("The test shows up below. Mail is kept here, not sent: no mail server is set."),
    )
    return redirect(url_for("messages.show"), 303)


def _detail(public_id: str) -> MessageDetail:
    """Load a message as it was sent, with its links; those that act as another admin are cut short."""
    kept = load_message_detail(reading(), me().workspace_id, public_id, reader_contact_id=me().contact_id)
    signer = runtime().signer
    return replace(kept, text=reveal(kept.text, signer), html=reveal(kept.html, signer))


def letter_answer(html: str) -> Response:
    """Answer with a letter that a page of ours frames, and that can run and load nothing."""
    response = make_response(html)
    response.headers["Content-Security-Policy"] = LETTER_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _rests_until(detail: MessageDetail, now: datetime) -> datetime | None:
    """Say until when a request waits for the hours in which people are asked; None when it does not."""
    if detail.row.state is not MessageState.QUEUED or detail.contact is None:
        return None
    return resting(reading(), [detail.row.id], now=now).get(detail.row.id)


def _kept(provider_id: str | None) -> KeptMail | None:
    """Read the file of a mail that was kept because no mail server was set."""
    return MailboxChannel(runtime().mail_dir).read(provider_id) if provider_id else None


def _chosen(kind: type[Member], name: str) -> Member | None:
    """Read a filter from the URL; anything else filters nothing."""
    wanted = request.args.get(name)
    return next((member for member in kind if member.value == wanted), None)


def _person(public_id: str) -> int | None:
    try:
        return find_contact(reading(), me().workspace_id, public_id) if public_id else None
    except NotFound:
        return None


def _group(public_id: str) -> int | None:
    try:
        return find_group(reading(), me().workspace_id, public_id) if public_id else None
    except NotFound:
        return None


def _when(instant: datetime) -> str:
    """Write when it was in one short word: the hour today, else the day."""
    zone, locale = ZoneInfo(me().time_zone), my_words().locale
    local, today = instant.astimezone(zone), runtime().now().astimezone(zone).date()
    return formats.clock(local, locale) if local.date() == today else formats.short_day(local.date(), locale)
