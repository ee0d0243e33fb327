"""By which way a notice goes out, and what holds for its kind."""

from datetime import timedelta

import pytest

from substrack.domain.notices import (
    NOTICE_RULES,
    Channel,
    ChannelChoice,
    Notice,
    NoticeRules,
    rules_of,
    ways,
)

MAIL, CHAT = Channel.EMAIL, Channel.TELEGRAM
BOTH = (MAIL, CHAT)


@pytest.mark.parametrize(
    ("choice", "usable", "chosen"),
    [
        (ChannelChoice.EMAIL, BOTH, {MAIL}),
        (ChannelChoice.TELEGRAM, BOTH, {CHAT}),
        (ChannelChoice.TELEGRAM_FIRST, BOTH, {CHAT}),
        (ChannelChoice.BOTH, BOTH, {MAIL, CHAT}),
        (ChannelChoice.EMAIL, (CHAT,), {CHAT}),
        (ChannelChoice.TELEGRAM, (MAIL,), {MAIL}),
        (ChannelChoice.TELEGRAM_FIRST, (MAIL,), {MAIL}),
        (ChannelChoice.BOTH, (MAIL,), {MAIL}),
        (ChannelChoice.BOTH, (), set()),
        (ChannelChoice.EMAIL, (), set()),
    ],
)
def test_a_notice_goes_the_chosen_way_or_the_one_that_works(
    choice: ChannelChoice, usable: tuple[Channel, ...], chosen: set[Channel]
) -> None:
    assert ways(Notice.REQUEST, choice, usable) == chosen


@pytest.mark.parametrize("choice", ChannelChoice)
@pytest.mark.parametrize(
    ("notice", "way", "other"), [(Notice.RESET, MAIL, CHAT), (Notice.CHAT_LINKED, CHAT, MAIL)]
)
def test_a_notice_bound_to_one_way_goes_no_other(
    choice: ChannelChoice, notice: Notice, way: Channel, other: Channel
) -> None:
    assert ways(notice, choice, BOTH) == {way}
    assert ways(notice, choice, (other,)) == set()


@pytest.mark.parametrize(
    ("notice", "keeps"),
    [
        (Notice.REQUEST, timedelta(days=2)),
        (Notice.REMINDER, timedelta(days=2)),
        (Notice.PERIOD_OPENED, timedelta(days=7)),
        (Notice.RECEIVED, timedelta(days=30)),
        (Notice.REJECTED, timedelta(days=30)),
        (Notice.RESET, timedelta(hours=24)),
        (Notice.FRESH_LINK, timedelta(hours=24)),
    ],
)
def test_a_request_goes_stale_in_two_days_and_an_answer_in_thirty(notice: Notice, keeps: timedelta) -> None:
    assert rules_of(notice).keeps == keeps


def test_notices_without_a_rule_of_their_own_follow_the_plain_ones() -> None:
    assert rules_of(Notice.STALE_CODE) == NoticeRules(is_asking=False, carries_pay_link=False)
    assert rules_of(Notice.STALE_CODE).keeps == timedelta(days=7)
    assert {notice: rules_of(notice) for notice in NOTICE_RULES} == NOTICE_RULES
