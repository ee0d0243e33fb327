"""The anticipated "no": what a rule refuses, told apart from what is broken.

Every refusal of the domain and the services is a subclass of `Refused` that lives beside the
function that raises it. This module holds only the roots. Its sentences are English; `texts.refusals` puts
them into other languages by the sentence and the facts it carries.
"""

from datetime import date


class Phrase(str):
    """A fact of a refusal that is itself words, to be translated like the sentence around it."""

    __slots__ = ()


class Refused(Exception):
    """A request the rules do not allow; `str(error)` is a clear English sentence that says what to do.

    `sentence` has places such as `%(name)s`, which `facts` fill; without facts it stands as it is. Facts are
    texts, `Phrase`s, whole numbers, dates, money, or other refusals. Subclasses keep those of the case as
    attributes too. `field` names the form field or the command line flag the sentence is about (underscores,
    no dashes), or is None.
    """

    field: str | None = None

    def __init__(self, sentence: str, *, field: str | None = None, **facts: object) -> None:
        plain = {name: _plain(fact) for name, fact in facts.items()}
        super().__init__(sentence % plain if plain else sentence)
        self.sentence, self.facts = sentence, facts
        if field is not None:
            self.field = field


class NotFound(Refused):
    """The thing asked for is not there, or not for the one who asks; both get the same answer."""


class Conflict(Refused):
    """Somebody decided in the meantime; what the caller saw is no longer what is."""


def _plain(fact: object) -> str:
    if isinstance(fact, date):
        return fact.isoformat()
    return f"{fact:,}" if isinstance(fact, int) else str(fact)
