"""The experiment: a town, the program, people and the villain for some time; then quiet, and a verdict."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import exists, or_, select

from substrack.bootstrap import Runtime, make_runtime
from substrack.queries.delivery import is_claimable
from substrack.services.installation import release_hold
from substrack.setting_values import SecretStr
from substrack.settings import Settings
from substrack.store import Inbound
from substrack.worker.outbox import deliver_due
from tests.chaos.processes import forking
from tests.chaos.relay import Relay
from tests.chaos.whole.browser import Browser
from tests.chaos.whole.chats import Chat
from tests.chaos.whole.history import History, Outcome
from tests.chaos.whole.people import Admin, Client, Member
from tests.chaos.whole.program import Orders, Program, make_program
from tests.chaos.whole.town import Town, found_town
from tests.chaos.whole.verdict import Start, begin, judge
from tests.chaos.whole.villain import Pace, Villain
from tests.fakes.bot_api import BotApi
from tests.fakes.smtp import free_port
from tests.support.databases import PostgresqlCluster

LEASE_SECONDS: Final = 5
JOIN_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.1
LONGEST: Final = 2
"""How many times as long as it should be acting may take."""

DRAINS: Final = 5
AFTER_ALL: Final = timedelta(hours=2)
"""By then everything that waits is due: answers, summaries, what was tried again, leases of the dead."""


@dataclass(frozen=True)
class Size:
    """How much of everything; seconds of acting, and seconds in which workers may still empty the outbox.

    Where there have to be more `operations`, acting goes on until there were, at most as long again.
    """

    seconds: float
    settle_seconds: float
    members: int
    weeks: int
    phones: int
    desks: int
    webs: int
    workers: int
    patience_seconds: float
    pace: Pace | None
    kinds: Sequence[str] = ()
    chats: int = 0
    operations: int = 1


@dataclass(frozen=True)
class Findings:
    """What came of it: how acts ended, which troubles there were, what is wrong."""

    outcomes: Counter[Outcome]
    troubles: Counter[str]
    mails: int
    seconds: float
    wrong: Sequence[str]

    @property
    def operations(self) -> int:
        """How many presses and looks reached the program."""
        return operations_of(self.outcomes)

    def __str__(self) -> str:
        done = self.outcomes[Outcome.DONE] + self.outcomes[Outcome.ALREADY]
        refused = self.outcomes[Outcome.REFUSED]
        unknown = self.outcomes[Outcome.UNKNOWN] + self.outcomes[Outcome.BROKEN]
        troubles = ", ".join(f"{count} × {kind}" for kind, count in sorted(self.troubles.items()))
        return (
            f"{self.operations} operations in {self.seconds:.0f} s ({done} acknowledged, {refused} refused, "
            f"{unknown} unknown), {self.mails} mails; {self.troubles.total()} troubles ({troubles}): "
            f"{len(self.wrong)} violations"
        )


@dataclass
class Experiment:
    """Everything that takes part, on one database."""

    size: Size
    runtime: Runtime
    town: Town
    relay: Relay
    program: Program
    skew: Any
    cluster: PostgresqlCluster | None
    api: BotApi | None
    history: History = field(default_factory=History)

    def run(self) -> Findings:
        """Let it all happen, become quiet, and judge."""
        with self.runtime.reading() as session:
            start = begin(session)
        self.program.start()
        began = time.monotonic()
        troubles = self._act(began)
        seconds = time.monotonic() - began
        self._come_to_rest()
        return self._find(start, troubles, seconds)

    def _act(self, began: float) -> Counter[str]:
        """Let people and the villain do what they do until they have done enough."""
        villain, clients = self._villain(), self._clients()
        is_over = threading.Event()
        failures: list[BaseException] = []

        def guarded(work: Callable[[], None]) -> Callable[[], None]:
            def run() -> None:
                try:
                    work()
                except BaseException as error:
                    failures.append(error)
                    is_over.set()

            return run

        def live(client: Client) -> Callable[[], None]:
            def go_on() -> None:
                while not is_over.is_set():
                    client.act()
                client.close()

            return go_on

        jobs = [threading.Thread(target=guarded(live(client)), daemon=True) for client in clients]
        making = threading.Thread(target=guarded(villain.run if villain else _nothing), daemon=True)
        for thread in (*jobs, making):
            thread.start()
        while not self._has_done_enough(began) and not is_over.wait(LOOK_SECONDS):
            pass
        is_over.set()
        if villain:
            villain.stop()
        for thread in (making, *jobs):
            thread.join(JOIN_SECONDS)
            assert not thread.is_alive(), "somebody does not come to an end"
        if failures:
            raise failures[0]
        return villain.made if villain else Counter()

    def _has_done_enough(self, began: float) -> bool:
        passed = time.monotonic() - began
        is_late = passed >= self.size.seconds * LONGEST
        return is_late or (
            passed >= self.size.seconds and operations_of(self.history.count()) >= self.size.operations
        )

    def _villain(self) -> Villain | None:
        pace, kinds = self.size.pace, self.size.kinds
        if pace is None:
            return None
        return Villain(self.program, self.runtime, self.relay, self.skew, pace, kinds, self.cluster, self.api)

    def _clients(self) -> list[Client]:
        """Hand out phones, each for some members, and desks."""
        size, town, ports = self.size, self.town, self.program.ports
        phones: list[Client] = [
            Member(self._browser(), self.history, ("contact", 0), town.residents[place :: size.phones])
            for place in range(size.phones)
        ]
        desks: list[Client] = [
            Admin(
                Browser(ports, cookies=desk.cookies, patience_seconds=size.patience_seconds),
                self.history,
                desk.actor,
                desk=desk,
                residents=town.residents,
            )
            for desk in town.desks
        ]
        chatting = [one for one in town.residents if one.phone is not None]
        chats = [Chat(self.history, chatting, size.patience_seconds)] if chatting else []
        return [*phones, *desks, *chats]

    def _browser(self) -> Browser:
        return Browser(self.program.ports, patience_seconds=self.size.patience_seconds)

    def _come_to_rest(self) -> None:
        """Let workers empty the outbox for a while, end the program, and deliver what will be due."""
        until = time.monotonic() + self.size.settle_seconds
        while time.monotonic() < until and self._has_more_to_do():
            self.program.replace_the_dead()
            time.sleep(0.1)
        self.program.stop()
        with self.runtime.transaction() as session:
            release_hold(session)
        later = self.runtime.now() + AFTER_ALL
        for _ in range(DRAINS):
            if not deliver_due(self.runtime, now=later).queued:
                break
            later += AFTER_ALL

    def _has_more_to_do(self) -> bool:
        """Tell whether messages are due, or presses in Telegram wait."""
        due = exists().where(is_claimable(self.runtime.now()))
        waiting = exists().where(Inbound.processed_at.is_(None))
        with self.runtime.reading() as session:
            return bool(session.scalar(select(or_(due, waiting))))

    def _find(self, start: Start, troubles: Counter[str], seconds: float) -> Findings:
        mails = self.relay.accepted
        with self.runtime.reading() as session:
            wrong = judge(session, start, self.history.acts, mails)
        return Findings(self.history.count(), troubles, len(mails), seconds, [*self.program.broke, *wrong])


def operations_of(outcomes: Counter[Outcome]) -> int:
    """Count the presses and looks that reached the program."""
    return outcomes.total() - outcomes[Outcome.UNSENT]


def _nothing() -> None:
    pass


@contextmanager
def trying(
    size: Size,
    database_url: str,
    place: Path,
    *,
    cluster: PostgresqlCluster | None = None,
    tamper: Callable[[], None] | None = None,
) -> Iterator[Experiment]:
    """Put everything together; it is all gone afterwards."""
    with Relay(place, dialogue=(0.001, 0.01)) as relay, _telegram(size) as api:
        settings = Settings(
            database_url=database_url,
            data_dir=place,
            base_url="http://127.0.0.1:8000",
            smtp_url=relay.url,
            lease_seconds=LEASE_SECONDS,
            backups=False,
            telegram_token=SecretStr(api.token) if api else None,
            telegram_api_url=api.url if api else "",
        )
        runtime = make_runtime(settings)
        skew = forking().RawValue("d", 0.0)
        orders = Orders(settings, place / "log", skew, tamper)
        ports = [free_port() for _ in range(size.webs)]
        program = make_program(orders, ports=ports, workers=size.workers)
        town = found_town(
            runtime, members=size.members, weeks=size.weeks, desks=size.desks, api=api, chats=size.chats
        )
        try:
            yield Experiment(size, runtime, town, relay, program, skew, cluster, api)
        finally:
            program.kill()
            runtime.close()


@contextmanager
def _telegram(size: Size) -> Iterator[BotApi | None]:
    """Have the Bot API's stand-in, if anybody is in Telegram."""
    if not size.chats:
        yield None
        return
    with BotApi() as api:
        yield api
