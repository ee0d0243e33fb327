"""The notices SubsTrack sends, and what each kind is entitled to.

Requests may be unsubscribed from; answers to somebody's act and account mails never are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType


class Channel(StrEnum):
    """The ways a notice can reach a person."""

    EMAIL = "email"
    TELEGRAM = "telegram"


class ChannelChoice(StrEnum):
    """How a person wants to be reached: one way, both, or a chat with mail when the chat fails."""

    EMAIL = "email"
    TELEGRAM = "telegram"
    BOTH = "both"
    TELEGRAM_FIRST = "telegram_first"


class Notice(StrEnum):
    """Every kind of notice."""

    WELCOME = "welcome"
    REQUEST = "request"
    REMINDER = "reminder"
    HEADS_UP = "heads_up"
    PERIOD_OPENED = "period_opened"
    PRICE_CHANGE = "price_change"
    SHARE_CHANGED = "share_changed"
    CLAIM_RECEIVED = "claim_received"
    CLAIMS_WAITING = "claims_waiting"
    RECEIVED = "received"
    PART_RECEIVED = "part_received"
    REJECTED = "rejected"
    WAIVED = "waived"
    BILL_WANTED = "bill_wanted"
    REQUESTS_EXHAUSTED = "requests_exhausted"
    ADDRESS_REFUSED = "address_refused"
    UNSUBSCRIBED = "unsubscribed"
    OBJECTION = "objection"
    OBJECTION_ANSWERED = "objection_answered"
    INVITE = "invite"
    SETUP = "setup"
    RESET = "reset"
    FRESH_LINK = "fresh_link"
    TEST = "test"
    CHAT_LINKED = "chat_linked"
    CHAT_REPLACED = "chat_replaced"
    STALE_CODE = "stale_code"
    BOT_REFUSED = "bot_refused"
    MAILBOX_REPLACED = "mailbox_replaced"
    PAY_DETAILS_CHANGED = "pay_details_changed"
    CHAT_DISPUTED = "chat_disputed"


@dataclass(frozen=True)
class NoticeRules:
    """What holds for one kind of notice.

    `is_asking`: it asks for money or announces it, so unsubscribing stops it; `carries_pay_link`: it renews
    the member's link; `keeps`: after this long undelivered it is stale and is cancelled instead of sent.
    """

    is_asking: bool = False
    carries_pay_link: bool = False
    keeps: timedelta = timedelta(days=7)


_ASKING = NoticeRules(is_asking=True, carries_pay_link=True, keeps=timedelta(days=2))
_ANNOUNCING = NoticeRules(is_asking=True, carries_pay_link=True)
_ANSWER = NoticeRules(carries_pay_link=True, keeps=timedelta(days=30))
_ACCOUNT = NoticeRules(keeps=timedelta(hours=24))

NOTICE_RULES: Mapping[Notice, NoticeRules] = MappingProxyType(
    {
        Notice.REQUEST: _ASKING,
        Notice.REMINDER: _ASKING,
        Notice.WELCOME: _ANNOUNCING,
        Notice.HEADS_UP: _ANNOUNCING,
        Notice.PERIOD_OPENED: _ANNOUNCING,
        Notice.PRICE_CHANGE: _ANNOUNCING,
        Notice.SHARE_CHANGED: _ANNOUNCING,
        Notice.RECEIVED: _ANSWER,
        Notice.PART_RECEIVED: _ANSWER,
        Notice.REJECTED: _ANSWER,
        Notice.WAIVED: _ANSWER,
        Notice.OBJECTION_ANSWERED: _ANSWER,
        Notice.FRESH_LINK: NoticeRules(carries_pay_link=True, keeps=timedelta(hours=24)),
        Notice.RESET: _ACCOUNT,
        Notice.TEST: _ACCOUNT,
        Notice.CHAT_LINKED: NoticeRules(carries_pay_link=True),
    }
)


def rules_of(notice: Notice) -> NoticeRules:
    """Look up what holds for a notice; notices to admins follow the plain rules."""
    return NOTICE_RULES.get(notice, NoticeRules())


MAIL_ONLY = frozenset(
    {Notice.INVITE, Notice.SETUP, Notice.RESET, Notice.BOT_REFUSED, Notice.MAILBOX_REPLACED}
)
"""What opens an account goes to the mailbox it belongs to, never to a chat; nor does news of a mute bot, or
of another mailbox."""

CHAT_ONLY = frozenset({Notice.CHAT_LINKED, Notice.CHAT_REPLACED})

TO_ADMINS = frozenset(
    {
        Notice.CLAIM_RECEIVED,
        Notice.CLAIMS_WAITING,
        Notice.BILL_WANTED,
        Notice.REQUESTS_EXHAUSTED,
        Notice.ADDRESS_REFUSED,
        Notice.UNSUBSCRIBED,
        Notice.OBJECTION,
        Notice.STALE_CODE,
        Notice.BOT_REFUSED,
        Notice.PAY_DETAILS_CHANGED,
        Notice.CHAT_DISPUTED,
    }
)
"""What tells of other people, for those who administer, and only while they do."""

TO_THE_FORMER = frozenset({Notice.CHAT_REPLACED, Notice.MAILBOX_REPLACED})
"""Told to where an address led before; the message itself names that place."""


def ways(notice: Notice, choice: ChannelChoice, usable: Collection[Channel]) -> frozenset[Channel]:
    """Choose the channels a notice goes out by, among those that reach the person.

    Somebody whose chosen way does not work is told by the other one; a notice bound to one way goes no other.
    """
    if notice in MAIL_ONLY or notice in CHAT_ONLY:
        return frozenset(usable) & {Channel.EMAIL if notice in MAIL_ONLY else Channel.TELEGRAM}
    if choice is ChannelChoice.BOTH:
        return frozenset(usable)
    wanted = Channel.EMAIL if choice is ChannelChoice.EMAIL else Channel.TELEGRAM
    return frozenset({wanted}) if wanted in usable else frozenset(usable)


REQUESTS = frozenset({Notice.REQUEST, Notice.REMINDER})

OPENS_AN_ACCOUNT = frozenset({Notice.RESET, Notice.SETUP, Notice.INVITE})
"""Never sent on to another mailbox: admins edit each other's contacts, but may not take their accounts."""

TOLD_BY_TIME = frozenset(
    {
        Notice.PERIOD_OPENED,
        Notice.HEADS_UP,
        Notice.BILL_WANTED,
        Notice.REQUESTS_EXHAUSTED,
        Notice.CLAIMS_WAITING,
    }
)
"""What nobody's act causes, besides requests: when time is caught up, it may have been told before."""
