"""A home with all its doors, for experiments in which the database refuses: pages, a mailbox, time, Telegram.

What happens comes in an order in which each thing is possible. Every act goes through the edge that people
use, and says what it got: done, refused because the database can't be used, or something wrong.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from substrack.bootstrap import DatabaseTrouble, Runtime
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel
from substrack.services.connections import connection_for, note_connection
from substrack.services.links import renew_pay_link
from substrack.services.passwords import hash_new_password
from substrack.store import Attempt, Event, Member, Message, User
from substrack.web.app import create_app
from substrack.worker.outbox import deliver_due
from substrack.worker.ticking import tick
from tests.web.admin import cast_of
from tests.web.forms import press
from tests.web.scenes import youtube_of
from tests.web.support import PASSWORD, TurnableClock, browser, found_home

SECRET: Final = "a-secret-of-ours"
UNCHANGED: Final = "Nothing was changed"


@dataclass(frozen=True)
class Answer:
    """What somebody got; `wrong` says why it is neither done nor a calm refusal."""

    is_done: bool
    text: str = ""
    wrong: str | None = None


@dataclass
class Doors:
    """Olga at her browser, Ben and Mia with their links, the worker's chores, one act at a time."""

    runtime: Runtime
    clock: TurnableClock
    proof_bytes: int = 30_000
    members: dict[str, Member] = field(init=False)

    def __post_init__(self) -> None:
        home = found_home(self.runtime)
        self.cast = cast_of(self.runtime, home)
        self.members = youtube_of(self.cast, "Ben", "Mia")
        app = create_app(self.runtime)
        self.olga, self.anybody = browser(app, self.runtime), browser(app, self.runtime)
        self.olga.sign_in(self.runtime, home.user_id)
        self.cast.do(self._hash_as_of_today)
        self.hand_out_links()
        self.hook = self._hook()

    def _hash_as_of_today(self, session: Session) -> None:
        """Leave nothing to be renewed at the sign-in, which is a transaction of its own."""
        user = session.scalars(select(User)).one()
        user.password_hash = hash_new_password(PASSWORD, email="olga@example.org", name="Olga")

    def hand_out_links(self) -> None:
        """Give everybody a link to their page that works from now on."""
        self.pages = {name: self._link_of(member.contact_id) for name, member in self.members.items()}

    def acts(self) -> dict[str, Callable[[], Answer]]:
        """Name what happens, in order."""
        return {
            "claim": lambda: self._say("Ben", "claim"),
            "confirm": lambda: self._decide("confirm"),
            "undo": self._undo,
            "reject": lambda: self._decide("reject", reason="It did not come."),
            "claim with proof": lambda: self._say("Mia", "claim", has_proof=True),
            "withdraw": lambda: self._say("Mia", "withdraw"),
            "snooze": lambda: self._say("Ben", "snooze", until="days"),
            "sign in": self._sign_in,
            "settings": lambda: self._web(
                self.olga.post("/settings", name="House", language="en", time_zone="Europe/Berlin")
            ),
            "press in Telegram": self._press_in_telegram,
            "deliver": self._deliver,
            "open periods": lambda: self._tick("2026-04-01"),
            "queue requests": lambda: self._tick("2026-04-05"),
        }

    def _say(self, name: str, act: str, *, has_proof: bool = False, **fields: str) -> Answer:
        keys = [self.cast.payment_of(self.members[name], sequence).public_id for sequence in (1, 2)]
        typed: dict[str, object] = {"payment": keys, "act": act, **fields}
        if has_proof:
            content = b"%PDF-1.7\n" + bytes(self.proof_bytes) + b"\n%%EOF\n"
            typed["proof"] = FileStorage(io.BytesIO(content), "proof.pdf")
        boundary, body = encode_multipart(typed)
        kind = f"multipart/form-data; boundary={boundary}"
        return self._web(self.anybody.client.post(self.pages[name], data=body, content_type=kind))

    def _decide(self, act: str, **fields: str) -> Answer:
        query = select(Attempt.public_id).order_by(Attempt.id.desc()).limit(1)
        claim = self.cast.read(lambda session: session.scalars(query).one())
        return self._web(press(self.olga, "/review", f"/review/{claim}/{act}", **fields))

    def _undo(self) -> Answer:
        query = select(Event.correlation_id).where(Event.verb == "confirm").order_by(Event.id.desc()).limit(1)
        made = self.cast.read(lambda session: session.scalars(query).one())
        return self._web(press(self.olga, "/groups", f"/decisions/{made}/undo"))

    def _sign_in(self) -> Answer:
        shown = self.anybody.post("/sign-in", email="olga@example.org", password=PASSWORD)
        if PASSWORD in shown.text:
            return Answer(is_done=False, wrong="a page repeats a password")
        return self._web(shown)

    def _press_in_telegram(self) -> Answer:
        update = {"update_id": 7, "callback_query": {"id": "900", "data": "x"}}
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        return self._web(self.anybody.client.post(self.hook, json=update, headers=headers))

    def _deliver(self) -> Answer:
        """Send all that is due; what was under way when it failed is taken up when its lease has run out."""
        self.clock.turn(timedelta(minutes=2))
        answer = self._chore(lambda: deliver_due(self.runtime, now=self.clock()))
        left = (MessageState.QUEUED, MessageState.SENDING)
        query = select(Message.id).where(Message.state.in_(left), Message.due_at <= self.clock())
        if answer.is_done and self.cast.read(lambda session: session.scalars(query).all()):
            return Answer(is_done=False)
        return answer

    def _tick(self, day: str) -> Answer:
        self.clock.now = self.clock.now.fromisoformat(f"{day}T09:00:00+00:00")
        return self._chore(lambda: tick(self.runtime, now=self.clock()))

    def _chore(self, work: Callable[[], object]) -> Answer:
        try:
            work()
        except DatabaseTrouble as trouble:
            return Answer(is_done=False, text=str(trouble))
        return Answer(is_done=True)

    def _web(self, answer: TestResponse) -> Answer:
        if answer.status_code in (200, 303):
            return Answer(is_done=True)
        if answer.status_code == 503 and int(answer.headers.get("Retry-After", 0)) > 0:
            return Answer(is_done=False, text=answer.text)
        return Answer(is_done=False, wrong=f"status {answer.status_code}")

    def can_read(self) -> bool:
        """Tell whether pages can be read."""
        return self.olga.get("/settings").status_code == 200

    def _link_of(self, contact_id: int) -> str:
        with self.runtime.transaction() as session:
            link = renew_pay_link(
                session, contact_id, workspace_id=self.cast.workspace_id, now=self.runtime.now()
            )
            return self.runtime.signer.url(link).removeprefix(self.runtime.settings.base_url)

    def _hook(self) -> str:
        with self.runtime.transaction() as session:
            connection = connection_for(session, self.cast.workspace_id, Channel.TELEGRAM)
            note_connection(session, connection.id, {"webhook_secret": SECRET})
            return f"/telegram/{connection.id}"
