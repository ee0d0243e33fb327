"""Books with something in every corner, and what must be true of a copy of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from substrack.bootstrap import Runtime, make_runtime
from substrack.domain.actors import OPERATOR, Actor
from substrack.services.claims import claim_payments
from substrack.services.payments import confirm_payment, reject_payment, waive_payment
from substrack.services.proofs import SafeProof, claim_with_proof
from substrack.services.receipts import record_receipt
from substrack.services.user_sessions import start_session
from substrack.settings import Settings
from substrack.store import Member
from substrack.upkeep.backups import Backup, make_backup
from substrack.upkeep.restoring import Restored, restore
from tests.support.books import check_books
from tests.support.cast import Cast, at, money
from tests.support.databases import Databases, Kind

OPENED = at("2026-02-02")
LATER = at("2026-03-02")
BACKED_UP = at("2026-03-03")
RESTORED = at("2026-03-09")


def live_a_little(cast: Cast) -> list[Member]:
    """Let two months pass with claims, decisions, credit, requests and a browser that is signed in."""
    group = cast.group("Choir “à cœur joie”", "17.99")
    members = [cast.join(group, name) for name in ("Ben", "Mia", "Tom")]
    cast.tick(OPENED)
    ben, mia, tom = (cast.payment_of(member).id for member in members)
    by_ben = Actor.contact(members[0].contact_id)
    cast.do(claim_payments, members[0].contact_id, [ben], note="said\nso", by=by_ben, now=OPENED)
    cast.do(confirm_payment, ben, by=cast.olga, now=OPENED)
    cast.do(waive_payment, mia, reason="ill", by=cast.olga, now=OPENED)
    proof = SafeProof(bytes(range(256)), "image/jpeg")
    cast.do(claim_with_proof, members[2].contact_id, [tom], proof, by=cast.olga, now=OPENED)
    cast.do(reject_payment, tom, reason="not there", by=cast.olga, now=OPENED)
    cast.do(
        record_receipt,
        cast.workspace_id,
        contact_id=members[1].contact_id,
        payer_id=cast.olga_contact,
        amount=money("20.00"),
        received_on=OPENED.date(),
        by=cast.olga,
        now=OPENED,
    )
    cast.do(start_session, cast.olga.id or 0, agent="Firefox", now=OPENED)
    cast.tick(LATER)
    cast.send(LATER)
    return members


def back_up(runtime: Runtime, directory: Path, *, reason: str = "by-hand") -> Backup:
    """Make a backup as the command does."""
    return make_backup(runtime.read_engine, directory, reason=reason, now=BACKED_UP)


def restore_into(url: str, data_dir: Path, backup: Backup, *, key_file: Path) -> Restored:
    """Restore a backup into an empty host."""
    settings = settings_of(url, data_dir)
    return restore(settings, backup.path, key_file=key_file, by=OPERATOR, now=RESTORED)


def settings_of(url: str, data_dir: Path) -> Settings:
    """Give the settings of another host."""
    return Settings(database_url=url, data_dir=data_dir, base_url="http://127.0.0.1:8000")


@contextmanager
def empty_host(databases: Databases, kind: Kind, *, migrated: bool = False) -> Iterator[str]:
    """Lend a database in which nobody has set anything up."""
    with databases.lend(kind, migrated=migrated) as url:
        yield url


@contextmanager
def opened(url: str, data_dir: Path) -> Iterator[Runtime]:
    """Start a process on a database, as `serve` would."""
    runtime = make_runtime(settings_of(url, data_dir))
    try:
        yield runtime
    finally:
        runtime.close()


def books_add_up(runtime: Runtime) -> None:
    """Fail with what is wrong about the books."""
    with runtime.reading() as session:
        check_books(session)


def rows_of(runtime: Runtime) -> dict[str, int]:
    """Count the rows of each table."""
    with runtime.read_engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        return {
            name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0
            for name in names
        }
