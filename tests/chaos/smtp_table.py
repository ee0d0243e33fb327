"""The table of what a mail server can do to us, and what is to come of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from substrack.domain.delivery import BACKOFF, LANE_PROBE, MessageState
from tests.fakes.smtp_script import HANG_UP, SILENCE, Twist, reply


@dataclass(frozen=True)
class Outcome:
    """What became of one mail: how it stood after the first try, when it went out, and what it cost.

    `waits` is None for what goes out at once or never; `copies` are those the server kept in the end.
    """

    state: MessageState
    waits: timedelta | None = None
    attempts: int = 0
    pauses_lane: bool = False
    refuses_address: bool = False
    tells_admin: bool = False
    copies: int = 1


SENT: Final = Outcome(MessageState.SENT)
LANE: Final = Outcome(MessageState.QUEUED, LANE_PROBE, pauses_lane=True)
TWICE: Final = replace(LANE, copies=2)
LATER: Final = Outcome(MessageState.QUEUED, BACKOFF[0], attempts=1)
DEAD: Final = Outcome(MessageState.DEAD, attempts=1, copies=0)
REFUSED: Final = replace(DEAD, refuses_address=True, tells_admin=True)


@dataclass(frozen=True)
class Fault:
    """One fault: twists of the dialogue, or something about the server, its name or the addresses."""

    outcome: Outcome
    twists: Mapping[str, Twist] = field(default_factory=dict)
    url: str | None = None
    relay: Mapping[str, Any] = field(default_factory=dict)
    name: str = "Ben"
    admin: str = "olga@example.org"
    has_login: bool = False

    @property
    def stalls(self) -> bool:
        """Whether an answer is late, or never comes."""
        return "slow" in self.relay or any(twist.is_silent for twist in self.twists.values())


def at(stage: str, twist: Twist | str, outcome: Outcome, **facts: Any) -> Fault:
    """Let one stage go wrong."""
    return Fault(outcome, {stage: reply(twist) if isinstance(twist, str) else twist}, **facts)


NO_LETTERS: Final = {"offers": ("8BITMIME",)}
LATIN: Final = "reçu".encode("latin-1")

FAULTS: Final = {
    "nobody listens": Fault(LANE, url="smtp://127.0.0.1:{closed}"),
    "the name leads nowhere": Fault(LANE, url="smtp://relay.invalid:25?insecure=1"),
    "greets with 421": at("GREETING", "421 4.3.2 too busy", LANE),
    "greets with 554": at("GREETING", "554 5.7.1 no service for you", LANE),
    "greets in another protocol": at("GREETING", "HTTP/1.1 400 Bad Request", LANE),
    "greets with nothing": at("GREETING", SILENCE, LANE),
    "421 at EHLO": at("EHLO", "421 4.3.2 closing", LANE),
    "STARTTLS not now": at("STARTTLS", "454 4.7.0 no TLS now", LANE, relay={"offers": ("STARTTLS",)}),
    "STARTTLS and then no TLS": at(
        "STARTTLS",
        Twist(b"220 go\r\nnot TLS at all\r\n", hangs_up=True),
        LANE,
        relay={"offers": ("STARTTLS",)},
    ),
    "535 at the login": at("AUTH", "535 5.7.8 bad credentials", LANE, has_login=True),
    "454 at the login": at("AUTH", "454 4.7.0 ask me later", LANE, has_login=True),
    "421 at the login": at("AUTH", "421 4.3.2 closing", LANE, has_login=True),
    "421 at MAIL": at("MAIL", "421 4.3.2 closing", LANE),
    "451 at MAIL": at("MAIL", "451 4.3.0 later", LATER),
    "550 for our own address": at("MAIL", "550 5.7.1 not yours", LANE),
    "421 at RCPT": at("RCPT", "421 4.3.2 closing", LANE),
    "450 at RCPT": at("RCPT", "450 4.2.1 busy", LATER),
    "452, mailbox full": at("RCPT", "452 4.2.2 mailbox full", LATER),
    "550, no such user": at("RCPT", "550 5.1.1 no such user", REFUSED),
    "550, no relaying": at("RCPT", "550 5.7.1 relaying denied", LANE),
    "550, daily limit": at("RCPT", "550 5.4.5 daily sending limit exceeded", LANE),
    "hangs up at RCPT": at("RCPT", HANG_UP, LANE),
    "garbage at RCPT": at("RCPT", Twist(b"\x00\xff%$ ??\r\n"), LANE),
    "299 at RCPT": at("RCPT", "299 perhaps", LANE),
    "odd bytes with a refusal": at("RCPT", Twist(b"550 5.1.1 \x00inconnu: " + LATIN + b"\r\n"), REFUSED),
    "421 at DATA": at("DATA", "421 4.3.2 closing", LANE),
    "451 at DATA": at("DATA", "451 4.3.0 later", LATER),
    "cut in the middle of the letter": at("BODY", HANG_UP, LANE),
    "451 after the letter": at("DOT", "451 4.3.0 later", LATER),
    "452 after the letter": at("DOT", "452 4.3.1 no room", LATER),
    "552 after the letter": at("DOT", "552 5.3.4 too big", DEAD),
    "554 after the letter": at("DOT", "554 5.7.1 looks like spam", DEAD),
    "554, we are not verified": at("DOT", "554 Message rejected: Email address is not verified", LANE),
    "421 after the letter": at("DOT", "421 4.3.2 closing", LANE),
    "lost after the letter": at("DOT", HANG_UP, LANE),
    "kept, and cut before saying so": at("DOT", Twist(takes=True, hangs_up=True), TWICE),
    "kept, and never said so": at("DOT", Twist(takes=True, is_silent=True), TWICE),
    "odd bytes with the yes": at("DOT", Twist(b"250 \x00" + LATIN + b"\r\n", takes=True), SENT),
    "answers just in time": Fault(LANE, relay={"slow": 0.25}),
    "no 8BITMIME": Fault(SENT, relay={"offers": ("SIZE 1000000",)}),
    "no SMTPUTF8, a member's letters": Fault(REFUSED, relay=NO_LETTERS, name="Jörg"),
    "no SMTPUTF8, an admin's letters": Fault(SENT, relay=NO_LETTERS, admin="ölga@example.org"),
}
