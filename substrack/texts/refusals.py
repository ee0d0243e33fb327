"""Refusals in the language of who reads them.

The domain and the services refuse in English, with the facts apart; here they become one sentence again.
"""

from __future__ import annotations

from datetime import date

from substrack.domain.errors import Phrase, Refused
from substrack.domain.money import Money
from substrack.texts.words import Words


def in_words(refused: Refused, _: Words) -> str:
    """Say why something was refused; amounts, dates and numbers are written as the language does."""
    return _(refused.sentence, **{name: _fact(fact, _) for name, fact in refused.facts.items()})


def _fact(fact: object, _: Words) -> str:
    match fact:
        case Refused():
            return in_words(fact, _)
        case Phrase():
            return _(str(fact))
        case Money():
            return _.money(fact)
        case date():
            return _.day(fact)
        case int():
            return _.number(fact)
        case _other:
            return str(fact)
