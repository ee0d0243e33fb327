"""People typed with a new group: who of them is known already, and what each of them bears."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from substrack.domain.errors import Refused
from substrack.domain.guest_list import Guest, read_guests
from substrack.domain.money import Money
from substrack.domain.shares import Sharer, SplitKind
from substrack.domain.terms import GroupTerms
from substrack.queries.group_form import find_at
from substrack.queries.known_names import find_named
from substrack.queries.people_choices import PersonChoice
from substrack.services.mailboxes import MailboxShared, check_email
from substrack.services.newcomers import GuestRefused, Newcomer, create_group_with
from substrack.services.suppression import AddressErased
from substrack.web.fields import read_amount
from substrack.web.group_forms import GroupForm
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me


class MailboxOfAnother(Refused):
    """A question: somebody is typed with the mailbox of a known person of another name."""

    field = "people"

    def __init__(self, name: str, known: str) -> None:
        super().__init__(
            "%(name)s: %(known)s is already reached at this address. Tick below if both share the mailbox; "
            "if you mean %(known)s, write the address alone.",
            name=name,
            known=known,
        )


class GuestWithoutAddress(Refused):
    """A question: an address is typed for a name by which somebody is known of whom there is none."""

    field = "people"

    def __init__(self, name: str) -> None:
        super().__init__("You know a %(name)s without an address: is this the same person?", name=name)


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


class ListedTwice(Refused):
    """Two entries are the same person."""

    field = "people"

    def __init__(self, name: str) -> None:
        super().__init__("%(name)s is listed twice; keep one of the two.", name=name)


class SeveralThere(Refused):
    """A bare address at which more than one known person is reached."""

    field = "people"

    def __init__(self, email: str) -> None:
        super().__init__(
            "Several people are reached at %(email)s; write the name of the one you mean before it.",
            email=email,
        )


@dataclass(frozen=True)
class SeatedGuest:
    """Somebody typed, and who that is when name and mailbox, or one of them alone, are one known person's."""

    guest: Guest
    known: PersonChoice | None
    weight: int
    fixed: Money | None

    @property
    def shown(self) -> str:
        """The name with the address that was understood."""
        name = self.known.name if self.known else self.guest.name
        return f"{name} ({self.guest.email})" if self.guest.email else name

    @property
    def contact_id(self) -> int | None:
        """The key of the known person."""
        return self.known.id if self.known else None

    def newcomer(self) -> Newcomer:
        """Say who joins, and with what terms."""
        guest = self.guest
        return Newcomer(guest.name, guest.email, self.contact_id, self.weight, self.fixed)

    def sharer(self, key: int) -> Sharer:
        """Give their terms for a forecast."""
        return Sharer(key, self.weight, self.fixed.minor if self.fixed else None)


def read_people(form: GroupForm, terms: GroupTerms) -> list[SeatedGuest]:
    """Read who is typed. A payer who shares anyway may be among them and is left out.

    Raises:
        Refused: an entry can't be read, an address or a part is none, a name says not who is meant, or
            somebody is typed twice; `form` asks whether a known person without an address is meant.
    """
    guests = read_guests(form.people.data or "")
    known = _known(guests)
    known |= _without_address([guest for guest in guests if guest.email and not known[guest]], form)
    seated = [_seat(guest, known.get(guest, []), terms) for guest in guests]
    _check_listed_once(seated)
    payer_id = terms.payer_id or me().contact_id
    return [one for one in seated if not (terms.payer_included and one.contact_id == payer_id)]


def _check_listed_once(seated: Sequence[SeatedGuest]) -> None:
    """Refuse the same known person, or the same new name and mailbox, in two entries.

    Two new people without a mailbox may have one name.
    """
    seen: set[Hashable] = set()
    for one in seated:
        mailbox = one.guest.email and (one.guest.name.casefold(), one.guest.email.casefold())
        who = one.contact_id or mailbox
        if who and who in seen:
            raise ListedTwice(one.known.name if one.known else one.guest.name)
        seen.add(who)


def create_with(
    session: Session, terms: GroupTerms, guests: Sequence[SeatedGuest], form: GroupForm, *, press: str | None
) -> int:
    """Set up a group that those who were typed join, and return its key.

    Raises:
        GuestRefused: one of them can't; `form` asks what may be answered, about a mailbox or an erasure.
        MailboxOfAnother; what `create_group` raises.
    """
    try:
        return create_group_with(
            session,
            me().workspace_id,
            terms,
            [one.newcomer() for one in guests],
            shares_mailbox=form.shares_mailbox.data,
            wanted_again=form.wanted_again.data,
            by=by_me(),
            now=runtime().now(),
            press=press,
        ).id
    except GuestRefused as refused:
        if isinstance(refused.why, MailboxShared):
            form.asks_sharing = True
            raise MailboxOfAnother(refused.name, refused.why.name) from None
        form.asks_again = form.asks_again or isinstance(refused.why, AddressErased)
        raise


def _known(guests: Sequence[Guest]) -> dict[Guest, list[PersonChoice]]:
    """Find who the guests may be: all of a bare name, or the one meant among those at a mailbox."""
    bare = [guest for guest in guests if guest.email is None]
    named = find_named(reading(), me().workspace_id, [guest.name for guest in bare]) if bare else {}
    keys = {guest: _email_key(guest) for guest in guests if guest.email is not None}
    at = find_at(reading(), me().workspace_id, list(keys.values())) if keys else {}
    found = {guest: named.get(guest.name, []) for guest in bare}
    return found | {guest: _meant(guest, at.get(key, [])) for guest, key in keys.items()}


def _without_address(guests: Sequence[Guest], form: GroupForm) -> dict[Guest, list[PersonChoice]]:
    """Find who of whom no address is known may be meant by guests at a mailbox of nobody's.

    Raises:
        GuestWithoutAddress: somebody may be, and `form` has no answer yet; SeveralOfThisName.
    """
    if not guests or form.is_another.data:
        return {}
    names = [guest.name for guest in guests]
    named = find_named(reading(), me().workspace_id, names, without_mailbox=True)
    if named and not form.is_same.data:
        form.asks_namesake = True
        raise GuestWithoutAddress(next(iter(named.values()))[0].name)
    several = next((name for name, found in named.items() if len(found) > 1), None)
    if several is not None:
        raise SeveralOfThisName(several)
    return {guest: named[guest.name] for guest in guests if guest.name in named}


def _meant(guest: Guest, there: list[PersonChoice]) -> list[PersonChoice]:
    """Choose who is meant at a mailbox: whoever has that name, or for a bare address everybody there."""
    of_that_name = [one for one in there if one.name.casefold() == guest.name.casefold()]
    is_bare = guest.name == (guest.email or "").partition("@")[0]
    return of_that_name[:1] or (there if is_bare else [])


def _email_key(guest: Guest) -> str:
    try:
        return check_email(guest.email or "").casefold()
    except Refused as refused:
        raise GuestRefused(guest.name, refused) from None


def _seat(guest: Guest, known: list[PersonChoice], terms: GroupTerms) -> SeatedGuest:
    if len(known) > 1:
        raise SeveralThere(guest.email) if guest.email else SeveralOfThisName(guest.name)
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
