"""Claims about the bot's own requests: whatever Telegram answers to them, an act counts once and is seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from substrack.bot import turns
from substrack.channels.telegram_updates import TelegramUpdates
from substrack.domain.delivery import DeliveryFailed
from substrack.domain.notices import Notice
from substrack.domain.payments import Status
from substrack.services.inbound import store_updates
from substrack.services.shown import claim_edits
from substrack.store import Connection, Inbound, Message
from substrack.worker.telegram_asking import Asker
from substrack.worker.telegram_life import BotLife
from substrack.worker.telegram_working import BotHands
from tests.bot.house import LEASE_SHORT, Home, runtime_of
from tests.fakes import telegram_faults as faults
from tests.fakes.bot_api import BotApi
from tests.fakes.telegram_faults import Fault, refused, too_many

pytestmark = pytest.mark.only_sqlite

TOO_OLD = refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
NOT_MODIFIED = refused(400, "Bad Request: message is not modified: exactly the same as a current content")
GONE = refused(400, "Bad Request: message to edit not found")

LANE: dict[str, tuple[Fault, timedelta]] = {
    "429, a second": (too_many(1), timedelta(seconds=30)),
    "429, an hour": (too_many(3600), timedelta(hours=1)),
    "401": (faults.UNAUTHORIZED, timedelta(seconds=30)),
    "409": (faults.CONFLICT, timedelta(seconds=30)),
    "502 in HTML": (faults.BAD_GATEWAY, timedelta(seconds=30)),
    "taken, and cut": (faults.ACCEPTED_THEN_HANG_UP, timedelta(seconds=30)),
}
"""What holds for everything, and when an update is worked on again."""


@pytest.fixture
def life(home: Home) -> Iterator[BotLife]:
    life = BotLife(runtime_of(home.house))
    yield life
    life.close()


def work(home: Home, life: BotLife) -> None:
    """Work on the updates that may be worked on now."""
    hands = BotHands(life, home.house.bot)
    for claimed in hands._claim(8):
        home.house.run(hands._handle(claimed))


def pressed(home: Home) -> int:
    """Let Ben press "I've paid"; store it as a worker that hears would, and return its row."""
    home.ben_phone.presses(home.ben_phone.last, "I’ve paid")
    house = home.house
    with house.bot.runtime.transaction() as session:
        store_updates(session, house.bot.connection_id, house.take_updates(), now=house.now)
    return house.cast.read(lambda session: session.scalars(select(Inbound.id)).all()[-1])


def row(home: Home, key: int) -> Inbound:
    return home.house.cast.read(lambda session: session.get_one(Inbound, key))


class TestPresses:
    def test_one_too_old_to_be_answered_counts_and_is_done_with(
        self, home: Home, api: BotApi, life: BotLife
    ) -> None:
        key = pressed(home)
        api.fail_next("answerCallbackQuery", TOO_OLD)
        work(home, life)
        done = row(home, key)
        assert (done.processed_at is not None, done.attempts) == (True, 0)
        assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED

    @pytest.mark.parametrize(("fault", "wait"), LANE.values(), ids=LANE)
    def test_an_outage_costs_no_try_and_the_act_counts_once(
        self, home: Home, api: BotApi, life: BotLife, fault: Fault, wait: timedelta
    ) -> None:
        key = pressed(home)
        api.fail_next("answerCallbackQuery", fault)
        work(home, life)
        waiting = row(home, key)
        assert (waiting.processed_at, waiting.attempts) == (None, 0)
        home.house.now += wait - timedelta(seconds=1)
        work(home, life)
        assert row(home, key).processed_at is None, "too early"
        home.house.now += timedelta(seconds=1)
        work(home, life)
        assert row(home, key).processed_at is not None
        assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED
        assert (
            len(
                home.house.cast.messages(
                    notice=Notice.CLAIM_RECEIVED, contact_id=home.house.cast.olga_contact
                )
            )
            == 2
        )


class TestEdits:
    @pytest.fixture(autouse=True)
    def _one_clock(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        """A pause that Telegram asks for ends by the clock of the test."""
        monkeypatch.setattr(turns, "wall_clock", lambda: home.house.now)

    @pytest.mark.parametrize("fault", [NOT_MODIFIED, GONE, faults.BLOCKED], ids=["same", "gone", "blocked"])
    def test_one_that_can_change_nothing_is_done_with(
        self, home: Home, api: BotApi, life: BotLife, fault: Fault
    ) -> None:
        assert edit(home, life, api, fault) == 0

    @pytest.mark.parametrize("fault", [fault for fault, _wait in LANE.values()], ids=LANE)
    def test_one_that_fails_for_everybody_is_tried_again(
        self, home: Home, api: BotApi, life: BotLife, fault: Fault
    ) -> None:
        assert edit(home, life, api, fault) == 1
        home.house.now += LEASE_SHORT + timedelta(hours=1)
        assert edit(home, life, api) == 0
        assert home.ben_phone.last.labels[0] == ["Oops, not yet"]


def edit(home: Home, life: BotLife, api: BotApi, fault: Fault | None = None) -> int:
    """Claim and confirm once, edit what phones show of it, and count what is still to be edited."""
    house = home.house
    if fault is not None:
        pressed(home)
        work(home, life)
        api.fail_next("editMessageText", fault)
    hands = BotHands(life, house.bot)
    with house.bot.runtime.transaction() as session:
        due = claim_edits(session, limit=10, lease=LEASE_SHORT, now=house.now)
    for one in due:
        house.run(hands._refresh(one))
    soon = house.now + LEASE_SHORT
    waiting = select(Message.id).where(Message.edit_at <= soon)
    return len(house.cast.read(lambda session: session.scalars(waiting).all()))


class TestHearing:
    @pytest.mark.parametrize(("fault", "_wait"), LANE.values(), ids=LANE)
    def test_what_was_pressed_meanwhile_is_heard_once_and_who_must_know_is_told(
        self, home: Home, api: BotApi, life: BotLife, fault: Fault, _wait: timedelta
    ) -> None:
        asker = Asker(life, home.house.bot.connection_id)
        updates = TelegramUpdates(home.house.bot.channel.account, poll_seconds=0)
        home.ben_phone.presses(home.ben_phone.last, "I’ve paid")
        api.fail_next("getUpdates", fault, times=2)
        for _ in range(2):
            with pytest.raises(DeliveryFailed):
                home.house.run(asker.ask(lambda: updates.fetch(None)))
        failing = connection(home)
        is_refused = fault is faults.UNAUTHORIZED
        assert (failing.refused_since is not None, bool(failing.settings["last_error"])) == (is_refused, True)
        assert len(home.house.cast.messages(notice=Notice.BOT_REFUSED)) == 2 * is_refused, "two admins, once"
        heard = home.house.run(asker.ask(lambda: updates.fetch(None)))
        home.house.run(updates.close())
        assert len(heard) == 1
        assert (connection(home).refused_since, connection(home).settings["last_error"]) == (None, None)


def connection(home: Home) -> Connection:
    key = home.house.bot.connection_id
    return home.house.cast.read(lambda session: session.get_one(Connection, key))
