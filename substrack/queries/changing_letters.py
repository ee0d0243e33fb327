"""What a member is told when their share changes, as it stands when the letter is sent."""

from __future__ import annotations

from datetime import date

from substrack.domain.letters import ShareChanged
from substrack.domain.simulation import Why
from substrack.queries.groups import price_on
from substrack.queries.letter_facts import Facts, Reading, money_in, payer_of
from substrack.queries.shares_told import SharesTold, is_over
from substrack.queries.sharing import period_from
from substrack.store import Group


def share_changed(reading: Reading) -> Facts | None:
    """Tell the share that is coming as things stand now; nothing when it is again what it was.

    It is told of the period that was announced, even once that is open: then of what was billed.
    """
    payload = reading.message.payload
    group = reading.session.get_one(Group, payload["group_id"])
    window = period_from(reading.session, group, date.fromisoformat(payload["from_on"]))
    if is_over(group, window):
        return None
    shares = SharesTold(reading, group)
    is_in = shares.is_in(window)
    after = shares.told(window, price_on(reading.session, group.id, window.starts_on))
    before = payload["before_minor"]
    if is_in == payload["leaves"] or (is_in and (after is None or after == before)):
        return None
    payer = payer_of(reading, group)
    content = ShareChanged(
        group=group.name,
        payer=payer,
        from_on=window.starts_on,
        before=None if before is None else shares.until(window),
        after=money_in(after, group) if is_in else None,
        why=Why(payload["why"]),
        stretch=shares.stretch(window, after),
        left_on=shares.left_on,
        is_own=payload.get("is_own", False),
    )
    return Facts(content, (payer,), (group.name,))
