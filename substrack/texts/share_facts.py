"""A share in a letter, with how far it holds where it does not last."""

from __future__ import annotations

from substrack.domain.letters import Stretch
from substrack.domain.money import Money
from substrack.texts.words import Words


def share_facts(share: Money, stretch: Stretch | None, plain: str, _: Words) -> list[tuple[str, str]]:
    """Name a share: by the words `plain` while it lasts, else for its period, and what it is from then on."""
    if stretch is None:
        return [(plain, _.money(share))]
    period = _.dates(stretch.first_on, stretch.last_on) if stretch.is_part else _.span(stretch.span)
    facts = [(_("Your share for %(period)s", period=period), _.money(share))]
    if stretch.then is not None and stretch.then_on is not None:
        facts.append((_("Your share from %(day)s", day=_.day(stretch.then_on)), _.money(stretch.then)))
    return facts
