"""For how long somebody's credit settles what comes, on the page that admins see of them."""

from __future__ import annotations

from dataclasses import dataclass

from substrack.domain.cycles import local_date
from substrack.queries.pay_ahead import Coming, load_coming
from substrack.queries.pay_credit import load_credits
from substrack.queries.people_page import PersonPage
from substrack.texts.ahead import after_bills, covered_for
from substrack.texts.catalogue import language_of
from substrack.web.reading import reading, runtime
from substrack.web.sessions import me


@dataclass(frozen=True)
class PaidAhead:
    """One group of theirs, and for how long it is covered."""

    group_public_id: str
    group: str
    words: str


def paid_ahead(person: PersonPage) -> tuple[PaidAhead, ...]:
    """List the groups that a person has paid ahead for; who has no credit costs no statement."""
    if not any(balance.credit.minor for balance in person.balances):
        return ()
    contact_id = person.contact.id
    today = local_date(runtime().now(), me().time_zone)
    found = load_coming(reading(), contact_id, load_credits(reading(), contact_id), today=today)
    language = language_of(me().language)
    return tuple(
        PaidAhead(row.group_public_id, row.group, _covered(row, language))
        for row in found.coming
        if row.covered or row.unless
    )


def _covered(row: Coming, language: str) -> str:
    covered = covered_for(row.unit, row.every, row.covered, language) if row.covered else ""
    rest = after_bills(row.unless, is_covered=bool(covered), locale=language)
    return "; ".join(part for part in (covered, rest) if part)
