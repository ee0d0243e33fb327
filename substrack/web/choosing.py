"""Choosing a person in a form: from a list, and where there is a crowd by typing a name or an address."""

from __future__ import annotations

from substrack.domain.errors import Phrase, Refused
from substrack.queries.people_choices import (
    FITTING,
    PersonChoice,
    find_fitting,
    find_person,
    load_people_choices,
)
from substrack.web.pages import my_words
from substrack.web.reading import reading
from substrack.web.sessions import me

TYPED_LABEL = Phrase("Somebody who is not in the list: name or address")


class NobodyFits(Refused):
    """What was typed is nobody's name and nobody's address."""

    def __init__(self, typed: str, field: str) -> None:
        super().__init__(
            "Nobody you know is called “%(typed)s” or has this address.", field=field, typed=typed
        )


class SeveralFit(Refused):
    """What was typed fits several people."""

    def __init__(self, typed: str, names: str, field: str) -> None:
        super().__init__(
            "Several people fit “%(typed)s”: %(names)s. Type the address of the one you mean.",
            field=field,
            typed=typed,
            names=names,
        )


def offer_people(*wanted: str | None, not_in: int | None = None) -> tuple[dict[str, str], bool]:
    """List whom a select offers, by public id, those `wanted` among them; and whether there are others.

    Who is in the group `not_in` already is not offered.
    """
    named = [one for one in wanted if one]
    found = load_people_choices(reading(), me().workspace_id, named, not_in=not_in)
    return {one.public_id: one.name for one in found.rows}, found.is_cut


def chosen_person(picked: str | None, typed: str | None, *, field: str) -> PersonChoice | None:
    """Find who was typed, else who was picked from the list; None for nobody.

    Raises:
        NobodyFits, SeveralFit: beside `field`, where it was typed.
    """
    if not (typed or "").strip():
        return find_person(reading(), me().workspace_id, picked) if picked else None
    wanted = (typed or "").strip()
    found = find_fitting(reading(), me().workspace_id, wanted)
    if not found:
        raise NobodyFits(wanted, field)
    if len(found) > 1:
        names = [one.name for one in found[:FITTING]]
        raise SeveralFit(wanted, my_words().listed(names), field)
    return found[0]
