"""A bot speaks at most so fast, whoever of its workers speaks; on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.services.pacing import (
    CHAT_GAP,
    LOOK_AGAIN,
    MOST_WAITED,
    SEAT_LEASE,
    SEATS,
    Seat,
    Slot,
    leave_seat,
    pace_of_bot,
    pause_bot,
    reserve_send,
    rest_chat,
    use_slot,
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


def test_turns_in_hand_are_not_used_all_at_once_however_late(cast: Cast) -> None:
    """A worker stood still with forty turns: as many as there are seats are used, the others wait."""
    slots = {chat: cast.do(reserve_send, PACE, chat, now=NOW) for chat in map(str, range(40))}
    late = NOW + timedelta(minutes=1)
    answers = [cast.do(use_slot, PACE, chat, slot, now=late) for chat, slot in slots.items()]
    seats = [each for each in answers if isinstance(each, Seat)]
    assert len(set(seats)) == len(seats) == SEATS < 30
    assert {each for each in answers if isinstance(each, Slot)} == {Slot(late + LOOK_AGAIN, is_reserved=True)}


def test_a_seat_is_free_a_second_after_its_answer_and_that_of_a_dead_worker_later(cast: Cast) -> None:
    slots = [cast.do(reserve_send, PACE, str(chat), now=NOW) for chat in range(SEATS + 1)]
    late = NOW + timedelta(minutes=1)
    seats = [cast.do(use_slot, PACE, str(chat), slots[chat], now=late) for chat in range(SEATS)]

    def is_free(at: datetime) -> bool:
        answer = cast.do(use_slot, PACE, str(SEATS), slots[SEATS], now=at)
        if isinstance(answer, Seat):
            cast.do(leave_seat, answer, now=at + SEAT_LEASE)
        return isinstance(answer, Seat)

    assert isinstance(seats[0], Seat)
    answered = late + timedelta(seconds=5)
    cast.do(leave_seat, seats[0], now=answered)
    assert not is_free(answered + timedelta(seconds=0.9))
    assert is_free(answered + timedelta(seconds=1))
    assert not is_free(late + timedelta(seconds=60))
    assert is_free(late + SEAT_LEASE)


def test_a_late_turn_is_lost_when_its_chat_has_heard_something_since(cast: Cast) -> None:
    slot, late = cast.do(reserve_send, PACE, "ben", now=NOW), NOW + 3 * CHAT_GAP
    other = cast.do(reserve_send, PACE, "ben", now=late - timedelta(milliseconds=20))
    assert isinstance(cast.do(use_slot, PACE, "ben", other, now=late), Seat)
    lost = cast.do(use_slot, PACE, "ben", slot, now=late)
    assert lost == Slot(late + CHAT_GAP, is_reserved=False)


def test_a_turn_that_fell_into_a_pause_is_lost(cast: Cast) -> None:
    slot = cast.do(reserve_send, PACE, "ben", now=NOW)
    cast.do(pause_bot, PACE, timedelta(seconds=1), now=NOW)
    lost = cast.do(use_slot, PACE, "ben", slot, now=NOW)
    assert lost == Slot(NOW + timedelta(seconds=1), is_reserved=False)


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
