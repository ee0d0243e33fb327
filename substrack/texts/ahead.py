"""How long somebody has paid ahead, in words; for the member's page and the one admins see."""

from __future__ import annotations

from substrack.domain.cycles import Unit
from substrack.texts.words import Words


def covered_for(unit: Unit, every: int, periods: int, locale: str) -> str:
    """Say for how long credit settles what comes: "covered, 4 months left"."""
    _, n = Words(locale), every * periods
    match unit:
        case Unit.WEEK:
            return _.ngettext("covered, %(n)s week left", "covered, %(n)s weeks left", n)
        case Unit.MONTH:
            return _.ngettext("covered, %(n)s month left", "covered, %(n)s months left", n)
        case Unit.YEAR:
            return _.ngettext("covered, %(n)s year left", "covered, %(n)s years left", n)
