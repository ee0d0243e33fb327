"""How the member's page begins where something is owed: what is asked for, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from substrack.domain.verdicts import VerdictKind
from substrack.queries.pay_page import PayPage
from substrack.texts.asks import Asking, by_when, headline, promise, who_asks
from substrack.texts.words import Words


@dataclass(frozen=True)
class Head:
    """What the page opens with where something is owed: a title, what stands out below it, and the rest."""

    title: str
    strong: str = ""
    more: str = ""


def head_of(rows: PayPage, today: date, _: Words) -> Head:
    """Say what is asked for, by whom and by when, as it stands; nobody is called late who was never asked."""
    if not rows.asked:
        return Head(_("This is still open"))
    is_asked = any(owing.was_requested or owing.is_overdue for owing in rows.owing if not owing.has_left)
    when = by_when(rows.asked, today, _, is_asked=is_asked)
    if rows.waiting:
        return Head(_("This is still open"), who_asks(rows.asked, _), when)
    title, how = headline(rows.asked, _asking(rows), _), promise(rows.asked, _)
    is_past = any(item.due_on is not None and item.due_on < today for item in rows.asked)
    return Head(title, "", f"{when} {how}") if is_past and not is_asked else Head(title, when, how)


def _asking(rows: PayPage) -> Asking:
    """Say how it stands with all that is asked for; where it stands differently, it is plainly asked for."""
    asked = [owing for owing in rows.owing if not owing.has_left]
    rejected = {
        item.payment_id
        for verdict in rows.verdicts
        if verdict.kind is VerdictKind.REJECTED
        for item in verdict.items
    }
    if all(owing.objection for owing in asked):
        return Asking.OBJECTED
    if all(owing.item.payment_id in rejected for owing in asked):
        return Asking.REJECTED
    return Asking.OVERDUE if all(owing.is_overdue for owing in asked) else Asking.PLAIN
