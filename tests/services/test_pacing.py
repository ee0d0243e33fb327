"""A bot speaks at most so fast, whoever of its workers speaks; on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.services import pacing
from substrack.services.pacing import (
    CHAT_GAP,
    LEASE,
    LOOK_AGAIN,
    MOST_WAITED,
    SEAT_REST,
    SEATS,
    Seat,
    Slot,
    leave_seat,
    pace_of_bot,
    pause_bot,
    renew_seat,
    reserve_send,
    use_slot,
)
from tests.support.cast import Cast, at

NOW = at("2026-02-02")
TICK = timedelta(microseconds=1)
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


def take(cast: Cast, chat: str, at: datetime) -> Seat:
    """Get a turn for a chat and use it at once."""
    slot = cast.do(reserve_send, PACE, chat, now=at)
    seat = cast.do(use_slot, PACE, chat, slot, now=max(at, slot.at))
    assert isinstance(seat, Seat)
    return seat


def gets_seat(cast: Cast, chat: str, at: datetime) -> bool:
    """Ask for a turn for a chat, and tell whether it could be used at once."""
    slot = cast.do(reserve_send, PACE, chat, now=at)
    return isinstance(cast.do(use_slot, PACE, chat, slot, now=at), Seat)


def test_a_chat_is_held_until_the_answer_and_then_rests(cast: Cast) -> None:
    seat, answered = take(cast, "ben", NOW), NOW + timedelta(seconds=20)
    assert cast.do(reserve_send, PACE, "ben", now=answered) == Slot(answered + CHAT_GAP, is_reserved=False)
    cast.do(leave_seat, seat, now=answered)
    assert cast.do(reserve_send, PACE, "ben", now=answered).at == answered + CHAT_GAP
    assert not cast.do(reserve_send, PACE, "ben", now=answered + CHAT_GAP - TICK).is_reserved
    assert cast.do(reserve_send, PACE, "ben", now=answered + CHAT_GAP).is_reserved


def test_a_chat_whose_worker_died_is_free_when_the_lease_ends(cast: Cast) -> None:
    take(cast, "ben", NOW)
    assert not cast.do(reserve_send, PACE, "ben", now=NOW + LEASE - TICK).is_reserved
    assert cast.do(reserve_send, PACE, "ben", now=NOW + LEASE).is_reserved


def test_who_renews_holds_chat_and_seat_for_longer(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "SEATS", 1)
    half, end = NOW + LEASE / 2, NOW + LEASE * 3 / 2
    seat = cast.do(renew_seat, take(cast, "ben", NOW), now=half)
    assert not cast.do(reserve_send, PACE, "ben", now=end - TICK).is_reserved
    assert not gets_seat(cast, "mia", end - TICK)
    cast.do(leave_seat, seat, now=end)
    assert cast.do(reserve_send, PACE, "ben", now=end + CHAT_GAP).is_reserved


def test_who_answers_after_the_lease_takes_nothing_from_the_next(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "SEATS", 1)
    late, end = take(cast, "ben", NOW), NOW + LEASE
    take(cast, "ben", end)
    for step in (renew_seat, leave_seat):
        cast.do(step, late, now=end)
        again = end + 2 * CHAT_GAP
        assert not cast.do(reserve_send, PACE, "ben", now=again).is_reserved
        assert not gets_seat(cast, step.__name__, again)
    assert take(cast, "ben", end + LEASE)


def test_turns_in_hand_are_not_used_all_at_once_however_late(cast: Cast) -> None:
    """A worker stood still with forty turns: as many as there are seats are used, the others wait."""
    slots = {chat: cast.do(reserve_send, PACE, chat, now=NOW) for chat in map(str, range(40))}
    late = NOW + timedelta(minutes=1)
    answers = [cast.do(use_slot, PACE, chat, slot, now=late) for chat, slot in slots.items()]
    seats = [each for each in answers if isinstance(each, Seat)]
    assert len(set(seats)) == len(seats) == SEATS < 30
    assert {each for each in answers if isinstance(each, Slot)} == {Slot(late + LOOK_AGAIN, is_reserved=True)}


def test_a_seat_is_free_a_second_after_its_answer_and_that_of_a_dead_worker_later(cast: Cast) -> None:
    slots = [cast.do(reserve_send, PACE, str(chat), now=NOW) for chat in range(SEATS)]
    late = NOW + timedelta(minutes=1)
    seats = [cast.do(use_slot, PACE, str(chat), slots[chat], now=late) for chat in range(SEATS)]

    assert isinstance(seats[0], Seat)
    answered = late + timedelta(seconds=5)
    cast.do(leave_seat, seats[0], now=answered)
    assert not gets_seat(cast, "ben", answered + SEAT_REST - TICK)
    assert gets_seat(cast, "mia", answered + SEAT_REST)
    assert not gets_seat(cast, "zed", late + LEASE - TICK)
    assert gets_seat(cast, "olga", late + LEASE)


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
