"""The channels of one event loop: which way out a lane uses, made from the settings when first needed."""

from __future__ import annotations

from substrack.bootstrap import Runtime
from substrack.channels.base import MailSender, OutgoingMail
from substrack.channels.email import EmailChannel
from substrack.channels.mailbox import MailboxChannel
from substrack.channels.smtp_server import SmtpServer
from substrack.domain.notices import Channel
from substrack.services.delivery import BuiltMessage

SERVED = (Channel.EMAIL,)
"""The channels this worker has a way out for; messages of others wait."""


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
        SmtpServer.from_url(settings.smtp_url, password), connections=settings.smtp_connections
    )


def outgoing_mail(built: BuiltMessage, *, from_address: str) -> OutgoingMail:
    """Address a letter that was put into words."""
    letter = built.letter
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
