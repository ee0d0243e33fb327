"""The outbox, emptied: claim, put into words, commit, send, mark.

Nothing is sent inside a transaction, and each message is marked as soon as the other side has accepted it.
What a message says and what a failure means is decided below, what is written is `worker.outbox_steps`'; this
module only keeps the order.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar, TypeVarTuple, Unpack

from substrack.bootstrap import Clock, DatabaseTrouble, Runtime
from substrack.bot.turns import Turns
from substrack.channels.base import MailSender
from substrack.channels.telegram import TelegramChannel
from substrack.channels.telegram_errors import ChatMoved
from substrack.domain.delivery import DeliveryFailed, Fate, MessageState, Scope, channel_of, fate_of
from substrack.domain.notices import Channel
from substrack.services.correlation import effect
from substrack.services.delivery import BuiltMessage
from substrack.services.leases import ClaimedMessage
from substrack.services.letter_batches import ReadLetter, WordedLetter, put_into_words, read_letters
from substrack.services.links import LinkSigner
from substrack.services.outcomes import Accepted, Failed, Outcome
from substrack.worker.leasing import Stop, drain, serve
from substrack.worker.outbox_steps import Steps
from substrack.worker.senders import chat_sender, mail_sender, outgoing_chat, outgoing_mail
from substrack.worker.together import Together

log = logging.getLogger(__name__)
LANE_WORKS = "lane %s works again"
MARK_AGAIN_SECONDS = 1.0
LOOK_SECONDS = 2.0
"""While one lane has much to do, others are looked after as often as by an idle worker."""

LOT: Final = 30
"""At the most so many mails are put into words together: reading for all costs little more than for one."""

PART_TO_SEND: Final = 0.5
"""Of the lease: so much must be left when sending a mail begins; it takes `PART_OF_LEASE` at the most."""

Answer = TypeVar("Answer")
Given = TypeVarTuple("Given")


class LeaseOver(Exception):
    """The time for which a message was held has passed before it was sent."""


@dataclass(frozen=True)
class Ready:
    """A claimed message and its words, if they are written; held at least until an instant of the loop's."""

    claimed: ClaimedMessage
    built: BuiltMessage | None
    leased_until: float


@dataclass(frozen=True)
class DeliverReport:
    """What one run did: sent, to be tried again, failed for good, and still queued although due.

    Of what counts as sent, `kept` went into files, for want of a mail server. `held` is the reason when
    sending is on hold, and then nothing was tried.
    """

    sent: int
    retrying: int
    failed: int
    queued: int
    held: str | None = None
    kept: int = 0


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
        served = (Channel.EMAIL,) if chats is None else (Channel.EMAIL, Channel.TELEGRAM)
        self._lease = timedelta(seconds=runtime.settings.lease_seconds)
        self._steps = Steps(runtime, served=served, lease=self._lease, clock=clock)
        self._counts: Counter[str] = Counter()
        self._failing: set[str] = set()
        self._marking = Together[Accepted, bool](self._accept)

    async def deliver(self, stop: Stop = lambda: False) -> None:
        """Send what is due on every open lane, lanes side by side, until there is no more or `stop()`."""

        async def find() -> Sequence[str]:
            return [] if stop() else await self._call(self._steps.due)

        await serve(find, lambda lane: self._deliver_lane(lane, stop), look_seconds=LOOK_SECONDS)

    async def report(self) -> DeliverReport:
        """Say what was done so far, and what waits now."""
        held, queued = await self._call(self._steps.waiting)
        counts = self._counts
        return DeliverReport(
            counts["sent"], counts["retrying"], counts["dead"], queued, held, kept=counts["kept"]
        )

    async def _deliver_lane(self, lane: str, stop: Stop) -> None:
        async def claim(places: int) -> Sequence[Ready]:
            held = await self._call(self._steps.claim, lane, places)
            return await self._make_ready(held) if held else []

        await self._call(self._steps.clear, lane)
        self._failing.discard(lane)
        width = self._width_of(lane)
        await drain(
            claim,
            self._handle,
            width=width,
            most=LOT if channel_of(lane) is Channel.EMAIL else width,
            stop=lambda: stop() or lane in self._failing,
            give_back=self._give_back,
        )

    def _width_of(self, lane: str) -> int:
        """As many as the lane's channel has connections; as many again are made ready meanwhile."""
        if self._chats is not None and channel_of(lane) is Channel.TELEGRAM:
            return self._chats.connections
        return self._runtime.settings.smtp_connections

    async def _make_ready(self, held: Sequence[ClaimedMessage]) -> list[Ready]:
        """Put what was claimed into words, all together and where no lock is held; the rest one by one later.

        In a thread of its own: a message that was sent must not wait for its mark meanwhile.
        """
        leased_until = asyncio.get_running_loop().time() + self._lease.total_seconds()
        worded = await asyncio.to_thread(self._put_into_words, held)
        stored = await self._call(self._steps.store, worded) if worded else []
        built = {claimed.id: one for claimed, one in stored}
        return [Ready(claimed, built.get(claimed.id), leased_until) for claimed in held]

    async def _handle(self, ready: Ready) -> None:
        """Bring one message out and mark it; logs say the id of what it is about."""
        with effect(ready.claimed.correlation_id):
            await self._bring_out(ready)

    async def _bring_out(self, ready: Ready) -> None:
        """Send and mark; whatever goes wrong, the others are not held up."""
        claimed, built = ready.claimed, ready.built
        leased_until = ready.leased_until
        try:
            if built is None:
                leased_until = asyncio.get_running_loop().time() + self._lease.total_seconds()
                built = await self._call(self._steps.build, claimed)
            if built is None:
                return
            provider_id = await self._send(built)
        except LeaseOver:
            log.info("message %s is left to another worker", claimed.public_id)
            is_unsaid = built is not None and not built.is_repeat
            await self._give_back([replace(ready, built=built) if is_unsaid else ready])
        except ChatMoved as moved:
            await self._follow(claimed, moved, built.to if built else "")
        except DeliveryFailed as failure:
            await self._fail(claimed, failure, built)
        except DatabaseTrouble:
            raise  # the database's fault, not the message's; the lease runs out
        except Exception as error:
            log.exception("message %s could not be made or sent", claimed.public_id)
            bug = DeliveryFailed(f"an error of SubsTrack: {type(error).__name__}", scope=Scope.MESSAGE)
            await self._fail(claimed, bug, built)
        else:
            await self._mark(Accepted(claimed, provider_id), leased_until)

    def _put_into_words(self, held: Sequence[ClaimedMessage]) -> list[WordedLetter]:
        now, signer = self._clock(), self._runtime.signer
        with self._runtime.reading() as session:
            read = read_letters(session, held, signer=signer, now=now)
        return [worded for one in read if (worded := _worded(one, signer, now)) is not None]

    async def _mark(self, accepted: Accepted, leased_until: float) -> None:
        """Mark what was accepted, again and again while the lease lasts: unmarked it would be sent twice."""
        while True:
            try:
                is_marked = await self._marking.do(accepted)
                break
            except DatabaseTrouble:
                if asyncio.get_running_loop().time() > leased_until:
                    raise
                await asyncio.sleep(MARK_AGAIN_SECONDS)
        self._counts["sent"] += is_marked
        if is_marked:
            fate = fate_of(MessageState.SENT, accepted.provider_id)
            self._counts["kept"] += fate is Fate.KEPT
            log.info("message %s is %s, by %s", accepted.claimed.public_id, fate, accepted.claimed.lane)

    async def _send(self, built: BuiltMessage) -> str:
        if built.chat is None or self._chats is None:
            self._check_hold(built, needs=PART_TO_SEND * self._lease)
            return await self._sender.send(
                outgoing_mail(built, from_address=self._runtime.settings.mail_from)
            )
        chats, chat = self._chats, outgoing_chat(built)

        async def say() -> str:
            self._check_hold(built)
            return await chats.send(chat)

        turns = Turns(self._runtime, chats.account.bot_id, in_thread=self._call)
        return await turns.speak(built.to, say)

    def _check_hold(self, built: BuiltMessage, *, needs: timedelta = timedelta(0)) -> None:
        """A process that stood still may find, when it goes on, that another has its messages by now.

        What waited until too little of its lease is left to send it in is not begun, either.
        """
        if self._clock() >= built.held_until - needs:
            raise LeaseOver

    async def _give_back(self, ready: Sequence[Ready]) -> None:
        worded = {one.claimed.id for one in ready if one.built is not None}
        await self._call(self._steps.release, [one.claimed for one in ready], worded)

    async def _accept(self, accepted: Sequence[Accepted]) -> list[bool]:
        marked, opened = await self._call(self._steps.accept, accepted)
        for lane in opened:
            log.info(LANE_WORKS, lane)
        return [one.claimed in marked for one in accepted]

    async def _follow(self, claimed: ClaimedMessage, moved: ChatMoved, sent_to: str) -> None:
        self._report(claimed, await self._call(self._steps.follow, claimed, moved, sent_to))

    async def _fail(
        self, claimed: ClaimedMessage, failure: DeliveryFailed, built: BuiltMessage | None
    ) -> None:
        failed = await self._call(self._steps.fail, claimed, failure, built)
        if failure.scope is Scope.LANE:
            self._failing.add(claimed.lane)
        if failed.has_paused_lane:
            reason = _without_addresses(failure.reason)
            log.warning("lane %s is paused, tried again every minute: %s", claimed.lane, reason)
        self._report(claimed, failed)
        if failed.outcome is Outcome.RETRYING and failure.scope is not Scope.LANE:
            log.info("message %s is tried again later", claimed.public_id)

    def _report(self, claimed: ClaimedMessage, failed: Failed) -> None:
        self._counts[failed.outcome.value] += 1
        if failed.has_opened_lane:
            log.info(LANE_WORKS, claimed.lane)
        if failed.outcome is Outcome.DEAD:
            log.warning("message %s failed for good", claimed.public_id)

    async def _call(self, step: Callable[[Unpack[Given]], Answer], *given: *Given) -> Answer:
        within = copy_context()  # threads know no cause but who calls
        return await asyncio.get_running_loop().run_in_executor(self._database, within.run, step, *given)


def _worded(read: ReadLetter, signer: LinkSigner, now: datetime) -> WordedLetter | None:
    """Put one letter into words; one that goes wrong is left to be built, and told of, by itself."""
    try:
        return put_into_words(read, signer=signer, now=now)
    except Exception as error:
        log.warning(
            "message %s is left to be built by itself: %s", read.claimed.public_id, type(error).__name__
        )
        return None


def _without_addresses(reason: str) -> str:
    """Servers quote addresses in their answers; logs name nobody."""
    return re.sub(r"\S+@\S+", "…", reason)
