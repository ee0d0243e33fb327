"""What will happen to a group as its form stands: who pays what, when, and when it is first asked for.

Facts for the sentence under the form ("5 people pay 4.00 € on the 5th; your share is 3.99 €"); the words
are `texts`'s. Supposes that everybody is there from the first day, and that nobody can't be reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from substrack.domain.cycles import Cycle, Window
from substrack.domain.money import Money
from substrack.domain.shares import Sharer, Shares, SplitKind, check_terms, split
from substrack.domain.terms import GroupTerms


@dataclass(frozen=True)
class Preview:
    """The first period of a group.

    `people` counts everybody who shares, the payer included if they do, and `others` all but the payer.
    `shares` are the others' amounts by the key of their `Sharer`; `share` is the one amount when all of them
    pay the same. Amounts are None while the price is unknown.
    """

    window: Window
    due_on: date
    opens_on: date
    others: int
    people: int
    price: Money | None
    share: Money | None
    shares: Mapping[int, Money]
    payer_share: Money | None


def preview(
    terms: GroupTerms, sharers: Sequence[Sharer], *, sequence: int = 1, cycle: Cycle | None = None
) -> Preview:
    """Work out a period of a group with these terms and people; the payer is one of them if they share.

    `cycle` is that of a group which has opened periods already; without one the terms begin theirs.

    Raises:
        Refused: the terms, or the people's amounts, make no sense together.
    """
    window = (cycle or terms.cycle).window(sequence)
    due_on = window.starts_on + timedelta(days=terms.due_days)
    opens_on = window.starts_on - timedelta(days=terms.collect_days_before)
    others = sum(not sharer.is_payer for sharer in sharers)
    shares = _shares(terms, sharers, window)
    amounts = _amounts(shares, terms.currency)
    return Preview(
        window=window,
        due_on=due_on,
        opens_on=opens_on,
        others=others,
        people=others + terms.payer_included,
        price=terms.price,
        share=next(iter(amounts.values())) if len(set(amounts.values())) == 1 else None,
        shares=amounts,
        payer_share=Money(shares.payer_minor, terms.currency) if shares else None,
    )


def _shares(terms: GroupTerms, sharers: Sequence[Sharer], window: Window) -> Shares | None:
    if terms.price is None:
        return None
    check_terms(terms.split, sharers)
    people = sharers if terms.split is not SplitKind.EQUAL else [_with_weight_one(one) for one in sharers]
    return split(
        terms.price.minor,
        people,
        sequence=window.sequence,
        period_days=window.days,
        payer_included=terms.payer_included,
    )


def _with_weight_one(sharer: Sharer) -> Sharer:
    return Sharer(sharer.key, 1, sharer.fixed_minor, sharer.days, sharer.is_payer)


def _amounts(shares: Shares | None, currency: str) -> dict[int, Money]:
    if shares is None:
        return {}
    return {key: Money(minor, currency) for key, minor in shares.amounts.items()}
