"""One address, for the person who holds its unsubscribe link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.queries.finding import NotListed
from substrack.store import Address, Contact, Workspace


@dataclass(frozen=True)
class AddressRow:
    """Where mail goes, whose it is, and since when requests no longer go there."""

    id: int
    contact_id: int
    value: str
    name: str
    language: str | None
    home_language: str
    unsubscribed_at: datetime | None


def load_address(session: Session, address_id: int) -> AddressRow:
    """Load one address; raises NotListed when it is gone."""
    row = session.execute(
        select(
            Address.id,
            Address.contact_id,
            Address.value,
            Contact.name,
            Contact.language,
            Workspace.language,
            Address.unsubscribed_at,
        )
        .join(Contact, Contact.id == Address.contact_id)
        .join(Workspace, Workspace.id == Contact.workspace_id)
        .where(Address.id == address_id, Address.value != "")
    ).first()
    if row is None:
        raise NotListed("address")
    return AddressRow(*row)
