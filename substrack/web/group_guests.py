"""People typed with a new group: who of them is known already, and what each of them bears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from substrack.domain.errors import Refused
from substrack.domain.guest_list import Guest, read_guests
from substrack.domain.money import Money
from substrack.domain.shares import Sharer, SplitKind
from substrack.domain.terms import GroupTerms
from substrack.queries.group_form import find_at, find_named
from substrack.services.mailboxes import MailboxShared, check_email
from substrack.services.members import add_member
from substrack.web.fields import read_amount
from substrack.web.group_forms import GroupForm
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me


class GuestRefused(Refused):
    """One of the people typed with a new group can't be added; says who and why."""

    field = "people"

    def __init__(self, name: str, why: Refused) -> None:
        super().__init__("%(name)s: %(why)s", name=name, why=why)


class PartNotWhole(Refused):
    """A weight that is no whole number."""

    def __init__(self) -> None:
        super().__init__("Write the weight as a whole number, such as “Ann = 2”.")


class SeveralOfThisName(Refused):
    """A bare name that more than one known person has."""

    field = "people"

    def __init__(self, name: str) -> None:
        super().__init__(
            "You know several people called %(name)s; write the address of the one you mean.", name=name
        )


@dataclass(frozen=True)
class SeatedGuest:
    """Somebody typed; `contact_id` when name and mailbox, or a bare name, are those of one known person."""

    guest: Guest
    contact_id: int | None
    weight: int
    fixed: Money | None

    @property
    def shown(self) -> str:
        """The name with the address that was understood."""
        return f"{self.guest.name} ({self.guest.email})" if self.guest.email else self.guest.name

    def sharer(self, key: int) -> Sharer:
        """Give their terms for a forecast."""
        return Sharer(key, self.weight, self.fixed.minor if self.fixed else None)


def read_people(form: GroupForm, terms: GroupTerms) -> list[SeatedGuest]:
    """Read who is typed. A payer who shares anyway may be among them and is left out.

    Raises:
        Refused: an entry can't be read, an address or a part is none, or a name says not who is meant.
    """
    guests = read_guests(form.people.data or "")
    known = _known(guests)
    seated = [_seat(guest, known.get(guest, []), terms) for guest in guests]
    payer_id = terms.payer_id or me().contact_id
    return [one for one in seated if not (terms.payer_included and one.contact_id == payer_id)]


def add_guests(session: Session, group_id: int, guests: Sequence[SeatedGuest], form: GroupForm) -> None:
    """Let those who were typed join a group.

    Raises:
        GuestRefused: one of them can't; `form` asks about a shared mailbox then.
    """
    for one in guests:
        try:
            _add(session, group_id, one, shares_mailbox=form.shares_mailbox.data)
        except MailboxShared as question:
            form.asks_sharing = True
            raise GuestRefused(one.guest.name, question) from None
        except Refused as refused:
            raise GuestRefused(one.guest.name, refused) from None


def _add(session: Session, group_id: int, one: SeatedGuest, *, shares_mailbox: bool) -> None:
    add_member(
        session,
        group_id,
        contact_id=one.contact_id,
        name=one.guest.name,
        email=one.guest.email,
        weight=one.weight,
        fixed=one.fixed,
        shares_mailbox=shares_mailbox,
        by=by_me(),
        now=runtime().now(),
    )


def _known(guests: Sequence[Guest]) -> dict[Guest, list[int]]:
    """Find who the guests may be: those of a bare name, or the one of that name at that mailbox."""
    bare = [guest for guest in guests if guest.email is None]
    named = find_named(reading(), me().workspace_id, [guest.name for guest in bare]) if bare else {}
    keys = {guest: _email_key(guest) for guest in guests if guest.email is not None}
    at = find_at(reading(), me().workspace_id, list(keys.values())) if keys else {}
    found = {guest: named.get(guest.name, []) for guest in bare}
    for guest, key in keys.items():
        found[guest] = [at[key, guest.name.casefold()]] if (key, guest.name.casefold()) in at else []
    return found


def _email_key(guest: Guest) -> str:
    try:
        return check_email(guest.email or "").casefold()
    except Refused as refused:
        raise GuestRefused(guest.name, refused) from None


def _seat(guest: Guest, known: list[int], terms: GroupTerms) -> SeatedGuest:
    if len(known) > 1:
        raise SeveralOfThisName(guest.name)
    try:
        seated = SeatedGuest(guest, known[0] if known else None, _weight(guest, terms), _fixed(guest, terms))
        seated.sharer(1)
        return seated
    except Refused as refused:
        raise GuestRefused(guest.name, refused) from None


def _weight(guest: Guest, terms: GroupTerms) -> int:
    if guest.part is None or terms.split not in (SplitKind.WEIGHTS, SplitKind.VARIABLE):
        return 1
    if not guest.part.isdecimal() or len(guest.part) > 9:
        raise PartNotWhole
    return int(guest.part)


def _fixed(guest: Guest, terms: GroupTerms) -> Money | None:
    if guest.part is None or terms.split in (SplitKind.WEIGHTS, SplitKind.VARIABLE):
        return None
    return read_amount(guest.part, terms.currency, field="people")
