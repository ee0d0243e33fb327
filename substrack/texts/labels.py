"""What states are called and how they look: the one place for pages, mail and bot.

A label has a word, a tone and an icon, so that colour is never the only sign. Icons are named as in Bootstrap
Icons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from substrack.domain.claims import RejectReason
from substrack.domain.cycles import Unit
from substrack.domain.delivery import Fate
from substrack.domain.notices import ChannelChoice, Notice
from substrack.domain.payments import ANOTHER_SUM, ReopenCause, Status
from substrack.domain.shares import SplitKind
from substrack.texts.words import Words


class Tone(StrEnum):
    """How a label feels; style sheets turn it into colours."""

    CALM = "calm"
    WAITING = "waiting"
    GOOD = "good"
    BAD = "bad"
    MUTED = "muted"


@dataclass(frozen=True)
class Label:
    """A state in a word, with its tone and icon."""

    text: str
    tone: Tone
    icon: str


_STATUS_LOOKS: Mapping[Status, tuple[Tone, str]] = MappingProxyType(
    {
        Status.PENDING: (Tone.CALM, "circle"),
        Status.MEMBER_CONFIRMED: (Tone.WAITING, "hourglass-split"),
        Status.CONFIRMED: (Tone.GOOD, "check-circle-fill"),
        Status.OVERDUE: (Tone.BAD, "exclamation-circle-fill"),
        Status.WAIVED: (Tone.MUTED, "slash-circle"),
    }
)

_MESSAGE_LOOKS: Mapping[Fate, tuple[Tone, str]] = MappingProxyType(
    {
        Fate.QUEUED: (Tone.CALM, "clock"),
        Fate.SENDING: (Tone.WAITING, "send"),
        Fate.SENT: (Tone.GOOD, "check-circle-fill"),
        Fate.KEPT: (Tone.WAITING, "file"),
        Fate.DEAD: (Tone.BAD, "x-circle-fill"),
        Fate.CANCELLED: (Tone.MUTED, "slash-circle"),
    }
)


def status_label(status: Status, locale: str) -> Label:
    """Name the status of a payment."""
    _ = Words(locale)
    words = {
        Status.PENDING: _("Open"),
        Status.MEMBER_CONFIRMED: _("To check"),
        Status.CONFIRMED: _("Paid"),
        Status.OVERDUE: _("Overdue"),
        Status.WAIVED: _("Waived"),
    }
    return Label(words[status], *_STATUS_LOOKS[status])


def payment_label(status: Status, is_own: bool, locale: str) -> Label:
    """Name the status of a payment, or say that it is the payer's own share, which nobody has to settle."""
    if is_own:
        return Label(Words(locale)("own share"), Tone.MUTED, "dash")
    return status_label(status, locale)


def message_label(fate: Fate, locale: str) -> Label:
    """Name what became of a message."""
    _ = Words(locale)
    words = {
        Fate.QUEUED: _("Waiting"),
        Fate.SENDING: _("Sending"),
        Fate.SENT: _("Sent"),
        Fate.KEPT: _("Kept here, not sent"),
        Fate.DEAD: _("Failed"),
        Fate.CANCELLED: _("Cancelled"),
    }
    return Label(words[fate], *_MESSAGE_LOOKS[fate])


def notice_name(notice: Notice, locale: str) -> str:
    """Name a kind of notice, for lists of messages."""
    _ = Words(locale)
    names = {
        Notice.WELCOME: _("Welcome"),
        Notice.REQUEST: _("Request"),
        Notice.REMINDER: _("Reminder"),
        Notice.HEADS_UP: _("Heads-up"),
        Notice.PERIOD_OPENED: _("Period opened"),
        Notice.PRICE_CHANGE: _("New price"),
        Notice.SHARE_CHANGED: _("New share"),
        Notice.CLAIM_RECEIVED: _("Payment to check"),
        Notice.CLAIMS_WAITING: _("Payments to check"),
        Notice.RECEIVED: _("Received"),
        Notice.PART_RECEIVED: _("Part received"),
        Notice.REJECTED: _("Rejected"),
        Notice.WAIVED: _("Nothing to pay"),
        Notice.BILL_WANTED: _("Bill wanted"),
        Notice.REQUESTS_EXHAUSTED: _("No answer"),
        Notice.ADDRESS_REFUSED: _("Address refused"),
        Notice.UNSUBSCRIBED: _("Requests stopped"),
        Notice.OBJECTION: _("Something’s off"),
        Notice.OBJECTION_ANSWERED: _("Answer to a note"),
        Notice.INVITE: _("Invitation"),
        Notice.SETUP: _("Set-up"),
        Notice.RESET: _("New password"),
        Notice.FRESH_LINK: _("Fresh link"),
        Notice.TEST: _("Test"),
        Notice.CHAT_LINKED: _("Chat linked"),
        Notice.CHAT_REPLACED: _("Chat replaced"),
        Notice.STALE_CODE: _("Old invitation"),
        Notice.BOT_REFUSED: _("Bot refused"),
        Notice.MAILBOX_REPLACED: _("Mailbox replaced"),
        Notice.PAY_DETAILS_CHANGED: _("How to pay changed"),
        Notice.CHAT_DISPUTED: _("Another chat"),
    }
    return names[notice]


def channel_choice_name(choice: ChannelChoice, locale: str) -> str:
    """Name a way to be reached."""
    _ = Words(locale)
    names = {
        ChannelChoice.BOTH: _("by mail and in Telegram"),
        ChannelChoice.TELEGRAM_FIRST: _("in Telegram, and by mail when that fails"),
        ChannelChoice.TELEGRAM: _("in Telegram only"),
        ChannelChoice.EMAIL: _("by mail only"),
    }
    return names[choice]


def reason_in_words(reason: str, locale: str) -> str:
    """Say why somebody decided so: a picked reason in the reader's language, a typed one as it stands."""
    _ = Words(locale)
    words: dict[str, str] = {
        RejectReason.NOT_RECEIVED: _("The money has not arrived."),
        RejectReason.TOO_LITTLE: _("Less money arrived than was agreed."),
        ReopenCause.NEVER_CAME: _("The money never came"),
        ReopenCause.SOMETHING_ELSE: _("The money was for something else"),
        ANOTHER_SUM: _("Another sum came"),
        "undone": _("undone"),
    }
    return words.get(reason, reason)


def rhythm(unit: Unit, every: int, locale: str) -> str:
    """Say how often a group bills: "every month", "every 3 months"."""
    _ = Words(locale)
    if every == 1:
        return {Unit.WEEK: _("every week"), Unit.MONTH: _("every month"), Unit.YEAR: _("every year")}[unit]
    match unit:
        case Unit.WEEK:
            return _.ngettext("every %(n)s week", "every %(n)s weeks", every)
        case Unit.MONTH:
            return _.ngettext("every %(n)s month", "every %(n)s months", every)
        case Unit.YEAR:
            return _.ngettext("every %(n)s year", "every %(n)s years", every)


def split_name(split: SplitKind, locale: str) -> str:
    """Say how a group divides its price."""
    _ = Words(locale)
    names = {
        SplitKind.EQUAL: _("in equal parts"),
        SplitKind.WEIGHTS: _("by weight"),
        SplitKind.FIXED: _("fixed amounts"),
        SplitKind.VARIABLE: _("by the bill of each period"),
    }
    return names[split]
