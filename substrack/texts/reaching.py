"""How what we tell somebody reaches them, in words that stay true for who has only a chat, or nothing."""

from __future__ import annotations

from collections.abc import Collection

from substrack.domain.notices import Channel
from substrack.texts.words import Words

_BOTH = frozenset(Channel)


def answer_comes(channels: Collection[Channel], locale: str) -> str:
    """Say how an answer comes."""
    _ = Words(locale)
    sentences = {
        _BOTH: _("The answer comes by mail and in Telegram."),
        frozenset({Channel.EMAIL}): _("The answer comes by mail."),
        frozenset({Channel.TELEGRAM}): _("The answer comes in Telegram."),
    }
    return sentences.get(frozenset(channels), _("The answer stands on this page then."))


def request_comes(channels: Collection[Channel], locale: str) -> str:
    """Say how somebody hears that a share is due."""
    _ = Words(locale)
    sentences = {
        _BOTH: _("When a share is due, you hear of it by mail and in Telegram."),
        frozenset({Channel.EMAIL}): _("When a share is due, you get a mail."),
        frozenset({Channel.TELEGRAM}): _("When a share is due, you hear of it in Telegram."),
    }
    nowhere = _("No reminder reaches you: look in here now and then.")
    return sentences.get(frozenset(channels), nowhere)


def link_comes(channels: Collection[Channel], locale: str) -> str:
    """Say where a new link is sent."""
    _ = Words(locale)
    sentences = {
        _BOTH: _("Look into your mail or into Telegram: it takes a minute."),
        frozenset({Channel.EMAIL}): _("Look into your mail: it takes a minute."),
    }
    return sentences.get(frozenset(channels), _("Look into Telegram: it takes a minute."))
