"""Who is known by a name, as somebody types it: capitals tell nobody apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from substrack.domain.notices import Channel
from substrack.queries.people_choices import PersonChoice
from substrack.store import Address, Contact


def find_named(
    session: Session, workspace_id: int, names: Iterable[str], *, without_mailbox: bool = False
) -> dict[str, list[PersonChoice]]:
    """Find who is known by each of these names, whatever their capitals; one statement.

    `without_mailbox`: only those of whom no address for mail is known.
    """
    wanted = {name: name.casefold() for name in names}
    query = select(Contact.id, Contact.public_id, Contact.name).where(
        Contact.workspace_id == workspace_id,
        Contact.erased_at.is_(None),
        func.lower(Contact.name).in_(sorted(_lowered(wanted))),
    )
    if without_mailbox:
        mailbox = (Address.contact_id == Contact.id, Address.channel == Channel.EMAIL, Address.value != "")
        query = query.where(~exists().where(*mailbox))
    known: dict[str, list[PersonChoice]] = defaultdict(list)
    for row in session.execute(query.order_by(Contact.id)):
        known[row.name.casefold()].append(PersonChoice(*row))
    return {name: known[key] for name, key in wanted.items() if key in known}


def _lowered(names: Iterable[str]) -> set[str]:
    """Spell names as the lower() of a database may: that of SQLite lowers the letters of ASCII alone."""
    found = set()
    for name in names:
        for spelled in (name, name.lower(), name.upper(), name.title(), name.capitalize()):
            found |= {spelled.lower(), "".join(one.lower() if one.isascii() else one for one in spelled)}
    return found
