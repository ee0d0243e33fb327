"""What all searches by public id share: the answer to somebody who asks for what is not there."""

from __future__ import annotations

from typing import Final

from substrack.domain.errors import NotFound, Phrase

_SENTENCES: Final = {
    "address": Phrase("There is no such address."),
    "claim": Phrase("There is no such claim."),
    "file": Phrase("There is no such file."),
    "note": Phrase("There is no such note."),
    "message": Phrase("There is no such message."),
    "own share": Phrase("There is no such own share."),
    "payment": Phrase("There is no such payment."),
    "period": Phrase("There is no such period."),
    "person": Phrase("There is no such person."),
    "receipt": Phrase("There is no such receipt."),
}


class NotListed(NotFound):
    """There is no such period, payment, receipt or message in this workspace."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        super().__init__(_SENTENCES[noun])


def must_find(key: int | None, noun: str) -> int:
    """Return the key that a search found.

    Raises:
        NotListed: it found none.
    """
    if key is None:
        raise NotListed(noun)
    return key
