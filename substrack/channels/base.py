"""What all mail channels share: the mail they are given and the shape they have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class OutgoingMail:
    """One mail, ready to be sent, and sent again with the same words after a crash.

    `message_id` is the public id of the message and `references` are thread ids (`payment-<public id>`), both
    without a host: the host of `from_address` is added. `date` is aware. `unsubscribe_url` takes a POST
    (RFC 8058).
    """

    to: str
    from_name: str
    from_address: str
    subject: str
    text: str
    html: str
    message_id: str
    date: datetime
    reply_to: str | None = None
    references: tuple[str, ...] = ()
    unsubscribe_url: str | None = None


class MailSender(Protocol):
    """A way out for mail."""

    async def send(self, mail: OutgoingMail) -> str:
        """Hand one mail over and return what the other side calls it.

        Raises:
            DeliveryFailed: it was not accepted; says for whom that holds and whether to try again.
        """
        ...

    async def close(self) -> None:
        """Give back every connection."""
        ...
