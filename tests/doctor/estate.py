"""Books with something of everything in them, and rows of theirs to be spoilt by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.doctor.books import find_faults, put_right, rehearse
from substrack.domain.actors import Actor
from substrack.domain.errors import Refused
from substrack.queries.faults import Fault
from substrack.services.claim_decisions import confirm_claim
from substrack.services.claims import claim_payments
from substrack.services.erasing import erase_contact
from substrack.services.letter_links import links_for
from substrack.services.payments import confirm_payment, waive_payment
from substrack.services.voiding import void_period
from substrack.store import Message, Period
from tests.support.cast import Cast, at, make_cast, money

END = at("2026-04-05")


@dataclass
class Estate:
    """Three months of two groups. Ben's first payment is confirmed, his second part paid; Mia's first waits
    for a check, her second is waived; Zoe has been erased; a period of the second group is void; letters
    wait.
    """

    runtime: Runtime
    keys: dict[str, Any]

    def write(self, statement: str, **more: Any) -> None:
        """Spoil something behind the services' back; names of rows stand as `:ben1`."""
        with self.runtime.transaction() as session:
            session.execute(sa.text(statement), self.keys | more)

    def ask(self, query: str) -> Any:
        """Read one value."""
        with self.runtime.reading() as session:
            return session.scalar(sa.text(query), self.keys)

    def faults(self) -> list[Fault]:
        """Look through the books."""
        return find_faults(self.runtime, lambda _noun, _done: None)

    def kinds(self) -> set[str]:
        """Look through the books, for the kinds of faults alone."""
        return kinds_of(self.faults())

    def mend(self, faults: Sequence[Fault]) -> None:
        """Put right what can be, as `--fix --yes` does."""
        for fault in faults:
            try:
                put_right(self.runtime, fault, rehearse(self.runtime, fault))
            except Refused:
                continue

    def read(self, look: Callable[[Session], Any]) -> Any:
        """Look with one session."""
        with self.runtime.reading() as session:
            return look(session)


def kinds_of(faults: Sequence[Fault]) -> set[str]:
    """Name the kinds of some faults."""
    return {fault.kind.value for fault in faults}


def make_estate(runtime: Runtime) -> Estate:
    """Live through three months."""
    cast = make_cast(runtime)
    films = cast.group("Films", "8.97")
    music = cast.group("Music", "10.00", payer_included=False)
    ben, mia = (cast.join(films, name) for name in ("Ben", "Mia"))
    cast.join(music, "Ben")
    zoe = cast.join(music, "Zoe")
    for day in ("2026-02-01", "2026-02-05", "2026-03-01"):
        cast.tick(at(day))
        cast.send(at(day))
    _decide(cast, ben, mia, at("2026-03-02"))
    _erase(cast, zoe.contact_id, at("2026-03-03"))
    periods = cast.read(lambda session: list(session.scalars(sa.select(Period).filter_by(group_id=music.id))))
    cast.do(void_period, periods[0].id, reason="twice", by=cast.olga, now=at("2026-03-04"))
    cast.tick(at("2026-04-01"))
    cast.tick(END)
    return Estate(runtime, _keys(cast, films, ben, mia, zoe, periods))


def _decide(cast: Cast, ben: Any, mia: Any, now: datetime) -> None:
    first = cast.payment_of(ben, 1)
    (attempt,) = cast.do(
        claim_payments, ben.contact_id, [first.id], by=Actor.contact(ben.contact_id), now=now
    )
    cast.do(confirm_claim, attempt.id, by=cast.olga, now=now)
    second = cast.payment_of(ben, 2)
    cast.do(confirm_payment, second.id, amount=money("1.00"), by=cast.olga, now=now)
    hers = cast.payment_of(mia, 1)
    cast.do(claim_payments, mia.contact_id, [hers.id], by=Actor.contact(mia.contact_id), now=now)
    cast.do(waive_payment, cast.payment_of(mia, 2).id, reason="birthday", by=cast.olga, now=now)


def _erase(cast: Cast, contact_id: int, now: datetime) -> None:
    """Erase somebody who had a link of her own."""
    with cast.runtime.transaction() as session:
        letters = sa.select(Message).filter_by(contact_id=contact_id).limit(1)
        links_for(session, session.scalars(letters).one(), cast.runtime.signer, now=now)
    cast.do(erase_contact, contact_id, anyway=True, by=cast.olga, now=now)


def _keys(
    cast: Cast, films: Any, ben: Any, mia: Any, zoe: Any, music_periods: list[Period]
) -> dict[str, Any]:
    mine = cast.read(lambda session: list(session.scalars(sa.select(Period).filter_by(group_id=films.id))))
    own = next(one for one in cast.payments(period_id=mine[0].id) if one.kind == "own")
    return {
        "ben": ben.contact_id,
        "mia": mia.contact_id,
        "zoe": zoe.contact_id,
        "olga": cast.olga_contact,
        "films": films.id,
        "ben1": cast.payment_of(ben, 1).id,
        "ben2": cast.payment_of(ben, 2).id,
        "ben3": cast.payment_of(ben, 3).id,
        "mia1": cast.payment_of(mia, 1).id,
        "mia2": cast.payment_of(mia, 2).id,
        "own1": own.id,
        "films1": mine[0].id,
        "films3": mine[2].id,
        "void1": music_periods[0].id,
        "workspace": cast.workspace_id,
        "then": END,
    }
