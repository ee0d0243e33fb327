"""What a member is told when their share changes, as it stands when the letter is sent."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from substrack.domain.cycles import Window
from substrack.domain.letters import ShareChanged
from substrack.domain.simulation import Why
from substrack.queries.groups import price_on
from substrack.queries.letter_facts import Facts, Reading, money_in, payer_of
from substrack.queries.member_letters import is_over, share_of, share_until
from substrack.queries.sharing import sharers_of, window_from
from substrack.store import Group, Member


def share_changed(reading: Reading) -> Facts | None:
    """Tell the share that is coming as things stand now; nothing when it is again what it was."""
    payload = reading.message.payload
    group = reading.session.get_one(Group, payload["group_id"])
    window = window_from(group, date.fromisoformat(payload["from_on"]))
    if is_over(group, window.starts_on):
        return None
    total = price_on(reading.session, group.id, window.starts_on)
    before, after = payload["before_minor"], share_of(reading, group, window, total)
    is_in = _shares(reading, group, window)
    if is_in == payload["leaves"] or (is_in and (after is None or after == before)):
        return None
    payer = payer_of(reading, group)
    content = ShareChanged(
        group=group.name,
        payer=payer,
        from_on=window.starts_on,
        before=None if before is None else share_until(reading, group, window),
        after=money_in(after, group) if is_in else None,
        why=Why(payload["why"]),
    )
    return Facts(content, (payer,), (group.name,))


def _shares(reading: Reading, group: Group, window: Window) -> bool:
    """Tell whether the reader shares a period, whatever it costs."""
    sharers = {sharer.key for sharer in sharers_of(reading.session, group, window)}
    mine = select(Member.id).where(
        Member.group_id == group.id, Member.contact_id == reading.message.contact_id
    )
    return not sharers.isdisjoint(reading.session.scalars(mine))
