"""People: the contacts of a workspace, one row for a person however many groups they are in.

Where they are reached is `services.mailboxes`; what stopped reaching them is `services.addresses`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.cycles import check_zone
from substrack.domain.errors import Refused
from substrack.domain.wording import clean_line, clean_text
from substrack.queries.known_names import find_named
from substrack.services.access import check_admin, check_owner
from substrack.services.contact_rows import UnknownContact, hold_contact, record_contact
from substrack.services.group_rows import is_admin
from substrack.services.locks import lock_mailbox
from substrack.services.mailboxes import ask_about_sharing, check_email, contacts_at, write_mailbox
from substrack.services.suppression import ask_about_erased
from substrack.store import Contact

MAX_NOTE: Final = 2000

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}([_-][A-Za-z]{4})?([_-]([A-Z]{2}|[0-9]{3}))?")


class WrongLanguage(Refused):
    """What was given is no language code."""

    field = "language"

    def __init__(self) -> None:
        super().__init__("Give the language as a code, such as en, de or pt-BR.")


class NameKnown(Refused):
    """A question, not a wall: somebody of this name is known (`public_id`), and no address is given."""

    field = "name"

    def __init__(self, public_id: str, name: str) -> None:
        self.public_id, self.name = public_id, name
        super().__init__("You know %(name)s already. Is this another person of that name?", name=name)


class KnownWithoutAddress(Refused):
    """A question: an address is given, and somebody of this name (`public_id`) is known without one."""

    field = "name"

    def __init__(self, public_id: str, name: str) -> None:
        self.public_id, self.name = public_id, name
        super().__init__(
            "You know %(name)s already, without an address. Is this another person of that name?", name=name
        )


def ask_about_namesake(session: Session, workspace_id: int, *, name: str | None, email: str | None) -> None:
    """Ask whether somebody new is who is known by that name, where no address tells.

    Raises:
        NameKnown: with the first of those who are called so, whatever the capitals.
        KnownWithoutAddress: with the first of those without one, where an address of nobody's is given.
    """
    if not (name or "").strip():
        return
    wanted, has_address = clean_line(name or "", field="name"), bool((email or "").strip())
    if has_address and contacts_at(session, workspace_id, check_email(email or "")):
        return
    called = find_named(session, workspace_id, [wanted], without_mailbox=has_address)
    for known in called.get(wanted, ()):
        asks = KnownWithoutAddress if has_address else NameKnown
        raise asks(known.public_id, known.name)


def check_language(text: str | None) -> str | None:
    """Return a language code; None when there is none.

    Raises:
        WrongLanguage.
    """
    code = (text or "").strip()
    if code and _LANGUAGE.fullmatch(code) is None:
        raise WrongLanguage
    return code or None


def contact_by_email(session: Session, workspace_id: int, email: str) -> Contact | None:
    """Find the person reached at an address; of several who share the mailbox, the one known longest.

    Raises:
        WrongEmail: it is no address.
    """
    return next(iter(contacts_at(session, workspace_id, check_email(email))), None)


def add_contact(
    session: Session,
    workspace_id: int,
    *,
    name: str,
    email: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
    shares_mailbox: bool = False,
    wanted_again: bool = False,
    by: Actor,
    now: datetime,
    press: str | None = None,
) -> Contact:
    """Write a new person, with a mailbox if one is given; `presses.find_made` will know it by `press`.

    Raises:
        MailboxShared: somebody is reached there already; ask, then come back with `shares_mailbox`.
        AddressErased: whoever was reached there was erased; ask, then come back with `wanted_again`.
        WrongEmail, WrongLanguage, UnknownZone, TextRefused: a value can't be kept.
    """
    check_admin(session, by, workspace_id)
    contact = Contact(
        workspace_id=workspace_id,
        name=clean_line(name, field="name"),
        language=check_language(language),
        time_zone=check_zone(time_zone) if time_zone else None,
        created_at=now,
    )
    address = check_email(email) if email and email.strip() else None
    if address:
        lock_mailbox(session, workspace_id, address)
        if not shares_mailbox:
            ask_about_sharing(contacts_at(session, workspace_id, address))
        ask_about_erased(session, workspace_id, address, wanted_again=wanted_again)
    session.add(contact)
    session.flush()
    if address:
        write_mailbox(session, contact, address, now)
    facts = {"has_email": address is not None}
    record_contact(session, "add", contact, by=by, now=now, after=facts, correlation_id=press)
    session.flush()
    return contact


def find_or_add_contact(
    session: Session,
    workspace_id: int,
    *,
    name: str,
    email: str | None = None,
    shares_mailbox: bool = False,
    wanted_again: bool = False,
    by: Actor,
    now: datetime,
) -> Contact:
    """Return the person of this name at this address, or write a new one.

    Raises:
        MailboxShared: the address is another person's, and nobody said that the two share it.
        AddressErased: it was that of somebody who was erased, and nobody said that they want that again.
    """
    if email and email.strip():
        address, wanted = check_email(email), clean_line(name, field="name").casefold()
        known = _named_at(session, workspace_id, address, wanted)
        if known is None:
            lock_mailbox(session, workspace_id, address)
            known = _named_at(session, workspace_id, address, wanted)
        if known is not None:
            return known
    return add_contact(
        session,
        workspace_id,
        name=name,
        email=email,
        shares_mailbox=shares_mailbox,
        wanted_again=wanted_again,
        by=by,
        now=now,
    )


def _named_at(session: Session, workspace_id: int, address: str, wanted: str) -> Contact | None:
    named = (
        known for known in contacts_at(session, workspace_id, address) if known.name.casefold() == wanted
    )
    return next(named, None)


def edit_contact(
    session: Session,
    contact_id: int,
    *,
    name: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
    by: Actor,
    now: datetime,
) -> Contact:
    """Change what is known of a person. None leaves a value; "" clears language or time zone.

    Raises:
        UnknownContact, TextRefused, WrongLanguage, UnknownZone.
    """
    check_owner(session, by, contact_id)
    contact = hold_contact(session, contact_id)
    before, former_name = _kept(contact), contact.name
    if name is not None:
        contact.name = clean_line(name, field="name")
    if language is not None:
        contact.language = check_language(language)
    if time_zone is not None:
        contact.time_zone = check_zone(time_zone) if time_zone.strip() else None
    after, renamed = _kept(contact), contact.name != former_name
    if renamed or before != after:
        record_contact(
            session, "edit", contact, by=by, now=now, before=before, after=after | {"renamed": renamed}
        )
    session.flush()
    return contact


def write_note(session: Session, contact_id: int, note: str, *, by: Actor, now: datetime) -> None:
    """Write what admins want to remember about a person; empty for nothing.

    They alone read it, and the journal only says that it changed.

    Raises:
        UnknownContact: not there, or not this actor's to know; TextRefused.
    """
    contact = hold_contact(session, contact_id)
    if not is_admin(session, by, contact.workspace_id):
        raise UnknownContact
    cleaned = clean_text(note, field="note", maximum=MAX_NOTE)
    if cleaned != contact.note:
        contact.note = cleaned
        record_contact(session, "note", contact, by=by, now=now)
    session.flush()


def _kept(contact: Contact) -> dict[str, Any]:
    return {"language": contact.language, "time_zone": contact.time_zone}
