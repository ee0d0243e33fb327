"""Messages: what was said to whom, how far it got, and the exact text; try again, stop, send a test."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from substrack.channels.mailbox import KeptMail, MailboxChannel
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.queries.message_lists import find_message
from substrack.queries.messages_page import load_message_detail, load_messages
from substrack.services.messages import cancel_message, retry_message, send_test
from substrack.web.access import signed_in
from substrack.web.fields import read_key
from substrack.web.pages import page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("messages", __name__, url_prefix="/messages")

Member = TypeVar("Member", bound=StrEnum)


@blueprint.get("")
@signed_in
def show() -> str:
    """List messages, newest first, perhaps only those of one state or kind."""
    state, notice = _chosen(MessageState, "state"), _chosen(Notice, "notice")
    before = read_key(request.args.get("before"))
    rows = load_messages(reading(), me().workspace_id, state=state, notice=notice, before_id=before)
    return page(
        "web/messages.html", rows=rows, state=state, notice=notice, states=MessageState, notices=Notice
    )


@blueprint.get("/<public_id>")
@signed_in
def show_one(public_id: str) -> str:
    """Show one message with its exact text."""
    detail = load_message_detail(reading(), me().workspace_id, public_id, reader_contact_id=me().contact_id)
    return page("web/message.html", detail=detail, row=detail.row, kept=_kept(detail.provider_id))


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
    flash("A test is on its way to you. It shows up below.", "done")
    return redirect(url_for("messages.show"), 303)


def _kept(provider_id: str | None) -> KeptMail | None:
    """Read the file of a mail that was kept because no mail server is set."""
    if provider_id is None or runtime().settings.smtp_url:
        return None
    return MailboxChannel(runtime().mail_dir).read(provider_id)


def _chosen(kind: type[Member], name: str) -> Member | None:
    """Read a filter from the URL; anything else filters nothing."""
    wanted = request.args.get(name)
    return next((member for member in kind if member.value == wanted), None)
