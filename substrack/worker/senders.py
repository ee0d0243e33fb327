"""The channels of one event loop: which way out a lane uses, made from the settings when first needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from substrack.bootstrap import Runtime
from substrack.channels.base import MailSender, OutgoingMail
from substrack.channels.chats import Button, Keyboard, OutgoingChat
from substrack.channels.email import TOTAL_SECONDS, EmailChannel
from substrack.channels.mailbox import MailboxChannel
from substrack.channels.smtp_server import SmtpServer
from substrack.channels.telegram import TelegramChannel
from substrack.channels.telegram_account import TelegramAccount
from substrack.services.delivery import BuiltMessage
from substrack.texts.chat_keyboards import Key

PART_OF_LEASE: Final = 0.4
"""A mail that takes longer is given up: when its lease has run out, another worker sends it. It may have
waited for its turn before."""


def mail_sender(runtime: Runtime) -> MailSender:
    """Make the way out for mail: the server of the settings, or the directory it is kept in without one.

    Raises:
        WrongSmtpUrl: the setting names no mail server.
    """
    settings = runtime.settings
    if not settings.smtp_url:
        return MailboxChannel(runtime.mail_dir)
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    return EmailChannel(
        SmtpServer.from_url(settings.smtp_url, password),
        connections=settings.smtp_connections,
        total_seconds=min(TOTAL_SECONDS, PART_OF_LEASE * settings.lease_seconds),
    )


def chat_sender(runtime: Runtime) -> TelegramChannel | None:
    """Make the way out for chats; None without a token.

    Raises:
        WrongTelegramToken, WrongTelegramUrl: the settings name no bot.
    """
    settings = runtime.settings
    if settings.telegram_token is None:
        return None
    account = TelegramAccount.from_settings(
        settings.telegram_token.get_secret_value(), settings.telegram_api_url
    )
    return TelegramChannel(account)


def outgoing_chat(built: BuiltMessage) -> OutgoingChat:
    """Address a chat message that was put into words."""
    if built.chat is None:
        raise ValueError("a mail is no chat message")
    return OutgoingChat(
        chat_id=int(built.to),
        html=built.chat.html,
        keyboard=buttons(built.chat.keys),
        is_silent=built.is_silent,
    )


def buttons(keys: Sequence[Sequence[Key]]) -> Keyboard:
    """Make the buttons a channel shows."""
    return tuple(tuple(Button(key.text, data=key.data, url=key.url) for key in row) for row in keys)


def outgoing_mail(built: BuiltMessage, *, from_address: str) -> OutgoingMail:
    """Address a letter that was put into words."""
    letter = built.letter
    if letter is None:
        raise ValueError("a chat message is no mail")
    return OutgoingMail(
        to=built.to,
        from_name=letter.from_name,
        from_address=from_address,
        reply_to=letter.reply_to,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        message_id=built.message_id,
        references=letter.references,
        date=built.date,
        unsubscribe_url=letter.unsubscribe,
    )
