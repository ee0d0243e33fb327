"""What became of a message, for people: which way it went, and why it did not arrive."""

from __future__ import annotations

import re
from typing import Final

from substrack.domain.notices import Channel
from substrack.texts.words import Words

_NO_SUCH_BOX: Final = re.compile(
    r"\b(5\.1\.[0-36]|550|551|553)\b|no such|unknown (user|recipient)", re.IGNORECASE
)
_FULL: Final = re.compile(r"\b([45]\.2\.2|552)\b|quota|mailbox (is )?full", re.IGNORECASE)
_SPAM: Final = re.compile(
    r"spam|blocklist|blacklist|policy|dmarc|spf|dkim|reputation|\b5\.7\.\d", re.IGNORECASE
)
_BLOCKED: Final = re.compile(r"bot was blocked|user is deactivated|chat not found|kicked", re.IGNORECASE)
_NO_ANSWER: Final = re.compile(
    r"did not answer|can.t be reached|timed? ?out|connect|refused the connection", re.IGNORECASE
)
_LATER: Final = re.compile(r"\b(4\d\d|4\.\d\.\d)\b|try again|greylist|asks for a pause", re.IGNORECASE)


def channel_name(channel: Channel, _: Words) -> str:
    """Name a way a message goes."""
    return {Channel.EMAIL: _("Mail"), Channel.TELEGRAM: _("Telegram")}[channel]


def what_happened(error: str, _: Words) -> str:
    """Say in plain words why a message did not arrive, or was not sent."""
    ours = {
        "stale": _("It had waited too long to be of use."),
        "undone before it was sent": _("It was taken back before it was sent."),
        "cancelled by an admin": _("An admin stopped it."),
        "nothing left to say": _("There was nothing left to say when its turn came."),
        "the address is gone": _("The address was taken out before its turn came."),
        "the address refuses mail": _("The address had refused messages before."),
        "the address was changed since": _("The address was changed, and this was meant for the former one."),
        "unsubscribed": _("They want no requests."),
        "no longer an admin": _("They are no admin any more."),
        "sent by mail instead": _("It was sent by mail instead."),
        "may have gone out before the restore": _("It may have gone out before the books were restored."),
        "the price changed again": _("The price changed again before it was sent."),
        "it comes on another day now": _("What it tells of comes on another day now."),
        "the period before was voided": _(
            "The period before was voided; it is told anew when that one opens."
        ),
    }
    return ours.get(error) or _by_signs(error, _)


def is_a_servers(error: str) -> bool:
    """Tell whether the words of an error are worth showing as they came."""
    return any(sign.isdigit() for sign in error) or ":" in error


def _by_signs(error: str, _: Words) -> str:
    signs = (
        (_BLOCKED, _("The chat takes no messages from the bot any more.")),
        (_FULL, _("The mailbox is full.")),
        (_SPAM, _("The mail server of the address turned it away as unwanted.")),
        (_NO_SUCH_BOX, _("There is no such mailbox, or it takes no mail.")),
        (_LATER, _("The server asked to try again later.")),
        (_NO_ANSWER, _("The server did not answer.")),
    )
    return next((words for sign, words in signs if sign.search(error)), _("It could not be delivered."))
