"""What becomes of a message after one try that failed, and what people are told of it."""

from datetime import UTC, datetime, timedelta

import pytest

from substrack.domain.delivery import (
    BACKOFF,
    DeliveryFailed,
    Fate,
    MessageState,
    Scope,
    Verdict,
    after_failure,
    channel_of,
    fate_of,
    lane_name,
)
from substrack.domain.notices import Channel

DUE = datetime(2026, 3, 1, 9, tzinfo=UTC)
NOW = DUE + timedelta(minutes=7)


def after(failure: DeliveryFailed, attempts: int) -> Verdict:
    return after_failure(failure, attempts=attempts, due_at=DUE, now=NOW)


@pytest.mark.parametrize("permanent", [False, True])
def test_a_fault_of_the_lane_costs_no_attempt_and_no_place(permanent: bool) -> None:
    failure = DeliveryFailed("421", scope=Scope.LANE, permanent=permanent, retry_after=timedelta(hours=1))
    assert after(failure, 8) == Verdict(MessageState.QUEUED, DUE, 8)


@pytest.mark.parametrize("scope", [Scope.ADDRESS, Scope.MESSAGE])
def test_each_refusal_waits_longer_and_the_ninth_is_the_end(scope: Scope) -> None:
    failure = DeliveryFailed("450", scope=scope)
    waits = [1, 5, 15, 60, 180, 360, 720, 1440]
    assert [after(failure, attempts) for attempts in range(9)] == [
        *(
            Verdict(MessageState.QUEUED, NOW + timedelta(minutes=wait), tried)
            for tried, wait in enumerate(waits, 1)
        ),
        Verdict(MessageState.DEAD, DUE, 9),
    ]
    assert len(BACKOFF) == len(waits)


@pytest.mark.parametrize("scope", [Scope.ADDRESS, Scope.MESSAGE])
def test_a_refusal_for_good_is_the_end_at_once(scope: Scope) -> None:
    failure = DeliveryFailed("550", scope=scope, permanent=True)
    assert after(failure, 0) == Verdict(MessageState.DEAD, DUE, 1)


@pytest.mark.parametrize(("wish", "wait"), [(30, 60), (3600, 3600)])
def test_a_providers_wish_lengthens_the_wait_and_never_shortens_it(wish: int, wait: int) -> None:
    failure = DeliveryFailed("busy", scope=Scope.MESSAGE, retry_after=timedelta(seconds=wish))
    assert after(failure, 0) == Verdict(MessageState.QUEUED, NOW + timedelta(seconds=wait), 1)


def test_a_failure_says_why() -> None:
    failure = DeliveryFailed("450 busy", scope=Scope.MESSAGE)
    assert (str(failure), failure.reason) == ("450 busy", "450 busy")


@pytest.mark.parametrize(
    ("state", "answer", "fate"),
    [
        (MessageState.SENT, "250 OK", Fate.SENT),
        (MessageState.SENT, None, Fate.SENT),
        (MessageState.SENT, "20260301T090000Z-ab_C-9.eml", Fate.KEPT),
        (MessageState.SENT, "250 20260301T090000Z-ab_C-9.eml", Fate.SENT),
        (MessageState.QUEUED, "20260301T090000Z-ab_C-9.eml", Fate.QUEUED),
        (MessageState.SENDING, None, Fate.SENDING),
        (MessageState.DEAD, None, Fate.DEAD),
        (MessageState.CANCELLED, None, Fate.CANCELLED),
    ],
)
def test_a_mail_that_no_server_took_is_kept_and_never_sent(
    state: MessageState, answer: str | None, fate: Fate
) -> None:
    assert fate_of(state, answer) is fate


@pytest.mark.parametrize("channel", Channel)
def test_a_lane_is_named_by_channel_and_connection(channel: Channel) -> None:
    assert lane_name(channel, 7) == f"{channel.value}:7"
    assert channel_of(lane_name(channel, 7)) is channel
