"""Mail as its reader sees it: what it lists, where its button leads, which headers a mail program obeys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from tests.fakes.smtp import ReceivedMail

_REFERENCE = re.compile(r"\breference ([A-Z0-9]{6})\b")
_ROW = re.compile(r"^  (?P<title>\S.*): (?P<amount>[^:]+)\n    (?P<details>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One line of a bill."""

    title: str
    amount: Decimal
    reference: str
    details: str


@dataclass(frozen=True)
class Letter:
    """One mail, and the instant of the delivery that brought it."""

    mail: ReceivedMail
    at: datetime
    kind: str

    @property
    def to(self) -> str:
        """The mailbox it lies in."""
        return self.mail.to

    @property
    def subject(self) -> str:
        """Its subject."""
        return str(self.mail.message["Subject"])

    @property
    def text(self) -> str:
        """Its text."""
        return self.mail.text

    @cached_property
    def rows(self) -> list[Row]:
        """What it lists."""
        found = []
        for match in _ROW.finditer(self.text):
            code = _REFERENCE.search(match["details"])
            if code is not None:
                found.append(Row(match["title"], read_amount(match["amount"]), code[1], match["details"]))
        return found

    @property
    def references(self) -> set[str]:
        """The reference codes it lists."""
        return {row.reference for row in self.rows}

    @property
    def is_asking(self) -> bool:
        """Tell whether it asks for money: it lists dues and may be unsubscribed from."""
        return bool(self.rows) and self.unsubscribe_url is not None

    @property
    def unsubscribe_url(self) -> str | None:
        """Where a mail program posts to stop such mails (RFC 8058)."""
        header = self.mail.message["List-Unsubscribe"]
        return str(header).strip("<>") if header else None

    def link(self, purpose: str) -> str:
        """Find the link to a page of ours by its first path segment."""
        found = re.search(rf"https?://\S+/{purpose}/\S+", self.text)
        assert found, f"no {purpose} link in “{self.subject}”:\n{self.text}"
        return found[0]

    @property
    def message_id(self) -> str:
        """Its Message-ID."""
        return str(self.mail.message["Message-ID"])

    @property
    def date(self) -> datetime:
        """Its Date."""
        moment: datetime = self.mail.message["Date"].datetime
        return moment


def read_amount(text: str) -> Decimal:
    """Read "1,234.50 €" or "JP¥ 2,000"."""
    found = re.search(r"\d[\d,]*(\.\d+)?", text)
    assert found, text
    return Decimal(found[0].replace(",", ""))
