"""Telegram's own edge: where its updates come in, and the page that says how the bot is doing.

Updates are stored and nothing more; the worker acts on them. A page never asks Telegram anything.
"""

from __future__ import annotations

import hmac
from typing import Final

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from substrack.queries.chats import find_hook, load_bot_status, load_chat
from substrack.services.chats import send_chat_test
from substrack.services.inbound import store_updates
from substrack.web.access import by_secret, signed_in
from substrack.web.pages import page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"
"""Bot API, setWebhook, `secret_token`."""

MAX_UPDATE_BYTES: Final = 256 * 1024
"""Two messages of 4,096 characters (one may quote another), escaped, with all their entities: well below."""

blueprint = Blueprint("telegram", __name__)


@blueprint.post("/telegram/<int(max=9223372036854775807):connection_id>")
@by_secret
def receive(connection_id: int) -> ResponseReturnValue:
    """Store an update before Telegram hears that it arrived; the same one again is stored once."""
    hook = find_hook(reading(), connection_id) if runtime().settings.telegram_webhook else None
    if hook is None:
        abort(404)
    given = request.headers.get(SECRET_HEADER, "")
    if not hmac.compare_digest(given.encode(), hook.secret.encode()):
        abort(403)
    if len(request.get_data()) > MAX_UPDATE_BYTES:  # never more than any request may have
        abort(413)
    update = request.get_json(force=True, silent=True)
    if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
        abort(400)
    with runtime().transaction() as session:
        store_updates(session, hook.connection_id, [update], now=runtime().now())
    return ""


@blueprint.get("/settings/telegram")
@signed_in
def show() -> str:
    """Say how the bot is doing; without one, how to get one."""
    settings = runtime().settings
    return page(
        "web/telegram.html",
        bot=load_bot_status(reading(), me().workspace_id),
        has_token=settings.telegram_token is not None,
        has_webhook=settings.telegram_webhook,
        mine=load_chat(reading(), me().contact_id),
    )


@blueprint.post("/settings/telegram/test")
@signed_in
def send_me_a_test() -> ResponseReturnValue:
    """Send a test into one's own chat."""
    with runtime().transaction() as session:
        send_chat_test(session, me().contact_id, by=by_me(), now=runtime().now())
    flash("A test is on its way into your chat.", "done")
    return redirect(url_for("telegram.show"), 303)
