"""Changes to a group in two steps: a page that shows what they do, and the button that applies them.

The page carries what was typed in hidden fields and the mark of what it shows; without both nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from substrack.domain.simulation import GroupChange, Why
from substrack.queries.group_periods import find_open_period
from substrack.queries.groups import GroupRow
from substrack.services.simulating import SeenOtherwise, carry_out, look_ahead, mark_of
from substrack.texts.catalogue import language_of
from substrack.texts.refusals import in_words
from substrack.texts.simulations import Setting, tell_change
from substrack.web.confirming import FIELD as PASSWORD
from substrack.web.pages import my_words, page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

OURS: Final = frozenset({"csrf_token", "press", "seen", "tell", "back", PASSWORD})
"""The fields that belong to the page of the change, not to what was typed."""


@dataclass(frozen=True)
class Proposal:
    """A change somebody typed. `act` makes it in a session, and is told whether people are to hear of it.

    `day` is around when it begins. `why` is what those it touches are told; None where `act` itself tells
    them, on the day that `told_on` says for the first day of a period (None: at once).
    """

    group: GroupRow
    title: str
    act: Callable[[Session, bool], object]
    day: date
    done: str
    why: Why | None
    told_on: Callable[[date], date | None] = lambda _starts_on: None


def is_going_back() -> bool:
    """Tell whether the page of a change was left by “Change something”: the form is shown again."""
    return "back" in request.form


def propose(proposal: Proposal) -> ResponseReturnValue:
    """Show what a change does; apply it when that was seen, or when it touches nobody's share.

    Raises:
        Refused: the change itself is refused.
    """
    seen = request.form.get("seen")
    if seen is None:
        with runtime().transaction() as session:
            change = look_ahead(
                session,
                proposal.group.id,
                _act(proposal, False),
                day=proposal.day,
                by=by_me(),
                now=runtime().now(),
            )
        if change is not None:
            return _show(proposal, change)
    try:
        _apply(proposal, seen)
    except SeenOtherwise as otherwise:
        return _show(proposal, otherwise.change, note=in_words(otherwise, my_words())), 409
    flash(proposal.done, "done")
    return redirect(url_for("groups.show", public_id=proposal.group.public_id), 303)


def _apply(proposal: Proposal, seen: str | None) -> None:
    tells = "tell" in request.form
    with runtime().transaction() as session:
        carry_out(
            session,
            proposal.group.id,
            _act(proposal, tells),
            day=proposal.day,
            seen=seen,
            why=proposal.why if tells else None,
            by=by_me(),
            now=runtime().now(),
        )


def _act(proposal: Proposal, tells: bool) -> Callable[[Session], object]:
    return lambda session: proposal.act(session, tells)


def _show(proposal: Proposal, change: GroupChange, *, note: str = "") -> str:
    group = proposal.group
    told_on = proposal.told_on(change.window.starts_on)
    setting = Setting(group.unit, group.every, group.payer_id == me().contact_id, told_on)
    typed = [pair for pair in request.form.items(multi=True) if pair[0] not in OURS]
    return page(
        "web/simulated.html",
        group=group,
        title=proposal.title,
        open_period=find_open_period(reading(), group.id, day=proposal.day),
        story=tell_change(change, setting, language_of(me().language)),
        typed=typed,
        seen=mark_of(change),
        tells="tell" in request.form or "seen" not in request.form,
        note=note,
    )
