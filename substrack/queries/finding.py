"""What all searches by public id share: the answer to somebody who asks for what is not there."""

from __future__ import annotations

from typing import Final

from substrack.domain.errors import NotFound, Phrase

_NOUNS: Final = {
    "address": Phrase("address"),
    "claim": Phrase("claim"),
    "file": Phrase("file"),
    "message": Phrase("message"),
    "own share": Phrase("own share"),
    "payment": Phrase("payment"),
    "period": Phrase("period"),
    "person": Phrase("person"),
    "receipt": Phrase("receipt"),
}


class NotListed(NotFound):
    """There is no such period, payment, receipt or message in this workspace."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        super().__init__("There is no such %(noun)s.", noun=_NOUNS[noun])


def must_find(key: int | None, noun: str) -> int:
    """Return the key that a search found.

    Raises:
        NotListed: it found none.
    """
    if key is None:
        raise NotListed(noun)
    return key
