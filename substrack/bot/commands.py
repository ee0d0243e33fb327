"""The bot's commands for Telegram's menu, by language; registering them is the worker's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from substrack.texts.catalogue import DEFAULT, LANGUAGES
from substrack.texts.chat_screens import commands


def _by_language() -> dict[str, tuple[tuple[str, str], ...]]:
    """Take one list per two-letter language, which is all Telegram tells apart; "" is for all others."""
    listed = {"": commands(DEFAULT)}
    for language in LANGUAGES:
        listed.setdefault(language.partition("_")[0], commands(language))
    return listed


COMMANDS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = MappingProxyType(_by_language())
"""Language → (name, what it does)."""
