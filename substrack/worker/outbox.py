"""The outbox, emptied: claim, put into words, commit, send, mark.

Nothing is sent inside a transaction, and each message is marked as soon as the other side has accepted it.
What a message says and what a failure means is decided below; this module only keeps the order.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar, TypeVarTuple, Unpack

from substrack.bootstrap import Clock, DatabaseTrouble, Runtime, wall_clock
from substrack.channels.base import MailSender
from substrack.channels.telegram import TelegramChannel
from substrack.channels.telegram_errors import ChatMoved
from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.domain.notices import Channel
from substrack.queries.delivery import due_lanes
from substrack.queries.installation import load_installation
from substrack.queries.message_lists import count_due
from substrack.services.delivery import (
    BuiltMessage,
    ClaimedMessage,
    Outcome,
    build_message,
    claim_messages,
    follow_move,
    mark_failed,
    mark_sent,
)
from substrack.services.lanes import resume_lane
from substrack.services.pacing import Slot, pace_of_bot, pause_bot, reserve_send, rest_chat
from substrack.worker.leasing import Stop, drain
from substrack.worker.senders import chat_sender, mail_sender, outgoing_chat, outgoing_mail

log = logging.getLogger(__name__)
LANE_WORKS = "lane %s works again"
MARK_AGAIN_SECONDS = 1.0
Answer = TypeVar("Answer")
Given = TypeVarTuple("Given")


@dataclass(frozen=True)
class DeliverReport:
    """What one run did: sent, to be tried again, failed for good, and still queued although due.

    `held` is the reason when sending is on hold, and then nothing was tried.
    """

    sent: int
    retrying: int
    failed: int
    queued: int
    held: str | None = None


def deliver_due(runtime: Runtime, *, now: datetime) -> DeliverReport:
    """Send every message due at `now` and return; a failing lane is tried once and left for later."""
    return asyncio.run(_deliver_once(runtime, now))


async def _deliver_once(runtime: Runtime, now: datetime) -> DeliverReport:
    sender, chats = mail_sender(runtime), chat_sender(runtime)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="outbox") as database:
            outbox = Outbox(runtime, sender, database, clock=lambda: now, chats=chats)
            await outbox.deliver()
            return await outbox.report()
    finally:
        await sender.close()
        if chats is not None:
            await chats.close()


class Outbox:
    """Delivers what is due, as often as it is asked to; belongs to one event loop.

    `database` is one thread: writers of one process would only wait for each other. Without `chats`, what is
    bound for chats waits.
    """

    def __init__(
        self,
        runtime: Runtime,
        sender: MailSender,
        database: ThreadPoolExecutor,
        *,
        clock: Clock,
        chats: TelegramChannel | None = None,
    ) -> None:
        self._runtime, self._sender, self._database, self._clock = runtime, sender, database, clock
        self._chats = chats
        self._served = (Channel.EMAIL,) if chats is None else (Channel.EMAIL, Channel.TELEGRAM)
        self._lease = timedelta(seconds=runtime.settings.lease_seconds)
        self._counts: Counter[str] = Counter()

    async def deliver(self, stop: Stop = lambda: False) -> None:
        """Send what is due on every open lane, lanes side by side, until there is no more or `stop()`."""
        held, lanes = await self._call(self._due)
        if held is None:
            await asyncio.gather(*(self._deliver_lane(lane, stop) for lane in lanes))

    async def report(self) -> DeliverReport:
        """Say what was done so far, and what waits now."""
        held, queued = await self._call(self._waiting)
        counts = self._counts
        return DeliverReport(counts["sent"], counts["retrying"], counts["dead"], queued, held)

    async def _deliver_lane(self, lane: str, stop: Stop) -> None:
        async def claim(places: int) -> Sequence[ClaimedMessage]:
            return await self._call(self._claim, lane, places)

        await drain(claim, self._handle, width=self._runtime.settings.smtp_connections, stop=stop)

    async def _handle(self, claimed: ClaimedMessage) -> None:
        """Bring one message out and mark it; whatever goes wrong, the others are not held up."""
        sent_to: str | None = None
        is_leased_until = asyncio.get_running_loop().time() + self._lease.total_seconds()
        try:
            built = await self._call(self._build, claimed)
            if built is None:
                return
            sent_to = built.to
            provider_id = await self._send(claimed, built)
        except ChatMoved as moved:
            await self._call(self._follow, claimed, moved.new_chat_id)
        except DeliveryFailed as failure:
            await self._call(self._fail, claimed, failure, sent_to)
        except DatabaseTrouble:
            raise  # the database's fault, not the message's; the lease runs out
        except Exception as error:
            log.exception("message %s could not be made or sent", claimed.public_id)
            bug = DeliveryFailed(f"an error of SubsTrack: {type(error).__name__}", scope=Scope.MESSAGE)
            await self._call(self._fail, claimed, bug, sent_to)
        else:
            await self._mark(claimed, provider_id, is_leased_until)

    async def _mark(self, claimed: ClaimedMessage, provider_id: str, is_leased_until: float) -> None:
        """Mark what was accepted, again and again while the lease lasts: unmarked it would be sent twice."""
        while True:
            try:
                return await self._call(self._accept, claimed, provider_id)
            except DatabaseTrouble:
                if asyncio.get_running_loop().time() > is_leased_until:
                    raise
                await asyncio.sleep(MARK_AGAIN_SECONDS)

    async def _send(self, claimed: ClaimedMessage, built: BuiltMessage) -> str:
        if built.chat is None or self._chats is None:
            return await self._sender.send(
                outgoing_mail(built, from_address=self._runtime.settings.mail_from)
            )
        pace = pace_of_bot(self._chats.account.bot_id)
        await self._take_turn(pace, built.to)
        try:
            number = await self._chats.send(outgoing_chat(built))
        except DeliveryFailed as failure:
            if failure.retry_after is not None:
                await self._call(self._pause, pace, failure.retry_after)
            raise
        await self._call(self._rest, pace, built.to)
        return number

    async def _take_turn(self, pace: str, chat: str) -> None:
        """Wait until the bot may speak, and speak into this chat, again."""
        slot = await self._call(self._reserve, pace, chat)
        while not slot.is_reserved:
            await asyncio.sleep(max(0.0, (slot.at - wall_clock()).total_seconds()))
            slot = await self._call(self._reserve, pace, chat)
        await asyncio.sleep(max(0.0, (slot.at - wall_clock()).total_seconds()))

    def _rest(self, pace: str, chat: str) -> None:
        with self._runtime.transaction() as session:
            rest_chat(session, pace, chat, now=wall_clock())

    def _pause(self, pace: str, rest: timedelta) -> None:
        with self._runtime.transaction() as session:
            pause_bot(session, pace, rest, now=wall_clock())

    def _reserve(self, pace: str, chat: str) -> Slot:
        with self._runtime.transaction() as session:
            return reserve_send(session, pace, chat, now=wall_clock())

    def _follow(self, claimed: ClaimedMessage, new_chat_id: int) -> None:
        with self._runtime.transaction() as session:
            follow_move(session, claimed, new_value=str(new_chat_id), now=self._clock())

    def _due(self) -> tuple[str | None, list[str]]:
        with self._runtime.reading() as session:
            return load_installation(session).hold_reason, due_lanes(session, self._served, now=self._clock())

    def _waiting(self) -> tuple[str | None, int]:
        with self._runtime.reading() as session:
            return load_installation(session).hold_reason, count_due(session, now=self._clock())

    def _claim(self, lane: str, places: int) -> list[ClaimedMessage]:
        with self._runtime.transaction() as session:
            return claim_messages(session, lane, limit=places, lease=self._lease, now=self._clock())

    def _build(self, claimed: ClaimedMessage) -> BuiltMessage | None:
        with self._runtime.transaction() as session:
            return build_message(session, claimed, signer=self._runtime.signer, now=self._clock())

    def _accept(self, claimed: ClaimedMessage, provider_id: str) -> None:
        with self._runtime.transaction() as session:
            is_marked = mark_sent(session, claimed, provider_id=provider_id, now=self._clock())
            has_opened = claimed.is_probe and resume_lane(session, claimed.lane)
        self._counts["sent"] += is_marked
        if has_opened:
            log.info(LANE_WORKS, claimed.lane)

    def _fail(self, claimed: ClaimedMessage, failure: DeliveryFailed, sent_to: str | None) -> None:
        with self._runtime.transaction() as session:
            failed = mark_failed(session, claimed, failure, sent_to=sent_to, now=self._clock())
        self._counts[failed.outcome.value] += 1
        if failed.has_paused_lane:
            reason = _without_addresses(failure.reason)
            log.warning("lane %s is paused, tried again every minute: %s", claimed.lane, reason)
        if failed.has_opened_lane:
            log.info(LANE_WORKS, claimed.lane)
        if failed.outcome is Outcome.DEAD:
            log.warning("message %s failed for good", claimed.public_id)

    async def _call(self, step: Callable[[Unpack[Given]], Answer], *given: *Given) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._database, step, *given)


def _without_addresses(reason: str) -> str:
    """Servers quote addresses in their answers; logs name nobody."""
    return re.sub(r"\S+@\S+", "…", reason)
