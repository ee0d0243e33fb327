"""A bot speaks at most so fast, whoever of its workers speaks; on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.services.pacing import (
    BOT_GAP,
    MOST_WAITED,
    SLACK,
    is_usable,
    pace_of_bot,
    pause_bot,
    reserve_send,
    rest_chat,
)
from tests.support.cast import Cast, at

NOW = at("2026-02-02")
PACE = pace_of_bot(7)


def busiest_second(instants: list[datetime]) -> int:
    """Count the most sends in any window of one second."""
    window = timedelta(seconds=1)
    return max(sum(start <= each < start + window for each in instants) for start in instants)


def test_no_second_has_more_sends_than_telegram_takes(cast: Cast) -> None:
    chats = [f"chat{number}" for number in range(120)]

    def reserve(chat: str) -> datetime:
        return cast.do(reserve_send, PACE, chat, now=NOW).at

    with ThreadPoolExecutor(6) as workers:
        instants = list(workers.map(reserve, chats))
    assert len(set(instants)) == len(chats)
    assert busiest_second(instants) <= 28


def test_chat_that_just_heard_something_rests_a_second_and_holds_nobody_up(cast: Cast) -> None:
    first = cast.do(reserve_send, PACE, "ben", now=NOW)
    second = cast.do(reserve_send, PACE, "ben", now=NOW)
    other = cast.do(reserve_send, PACE, "mia", now=NOW)
    assert (first.at, first.is_reserved) == (NOW, True)
    assert not second.is_reserved
    assert second.at >= NOW + timedelta(seconds=1)
    assert other.is_reserved
    assert other.at < NOW + timedelta(seconds=1)
    assert cast.do(reserve_send, PACE, "ben", now=second.at).is_reserved


def test_chat_rests_from_when_a_late_message_really_went_out(cast: Cast) -> None:
    cast.do(reserve_send, PACE, "ben", now=NOW)
    late = NOW + timedelta(milliseconds=800)
    cast.do(rest_chat, PACE, "ben", now=late)
    assert cast.do(reserve_send, PACE, "ben", now=late).at >= late + timedelta(seconds=1)


def test_a_turn_that_was_missed_or_fell_into_a_pause_is_not_used(cast: Cast) -> None:
    slot = cast.do(reserve_send, PACE, "ben", now=NOW)

    def may_use(late: timedelta) -> bool:
        return cast.read(lambda session: is_usable(session, PACE, slot, slack=SLACK, now=slot.at + late))

    assert may_use(SLACK)
    assert not may_use(SLACK + timedelta(milliseconds=1))
    cast.do(pause_bot, PACE, timedelta(seconds=1), now=NOW)
    assert not may_use(timedelta(0))


def test_the_slack_of_turns_keeps_the_limit() -> None:
    """The most sends in a second: the slots of that second and those that may be used as late as SLACK."""
    assert (timedelta(seconds=1) + SLACK) // BOT_GAP + 1 <= 30


def test_short_pause_is_waited_for_and_a_longer_one_is_a_failure(cast: Cast) -> None:
    cast.do(pause_bot, PACE, MOST_WAITED, now=NOW)
    slot = cast.do(reserve_send, PACE, "ben", now=NOW)
    assert (slot.at, slot.is_reserved) == (NOW + MOST_WAITED, False)
    assert cast.do(reserve_send, PACE, "ben", now=slot.at).is_reserved

    cast.do(pause_bot, PACE, timedelta(minutes=1), now=NOW)
    with pytest.raises(DeliveryFailed) as paused:
        cast.do(reserve_send, PACE, "mia", now=NOW + timedelta(seconds=20))
    assert paused.value.retry_after == timedelta(seconds=40)
    assert paused.value.scope is Scope.LANE


def test_names_of_paces_fit_their_column_and_are_no_lane_of_messages() -> None:
    longest = f"{pace_of_bot(10**12)}:{-(10**15)}"
    assert len(longest) <= 64
    assert not pace_of_bot(7).removeprefix("telegram:").isdigit()
