"""A restore fills an empty host, ends what may have been used since, and sends nothing by itself."""

from __future__ import annotations

import fcntl
import json
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from substrack.bootstrap import Runtime, make_runtime, secret_keys
from substrack.domain.actors import OPERATOR, Actor
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.domain.shares import SplitKind
from substrack.queries.erasures import Remembered
from substrack.queries.held import load_held
from substrack.queries.installation import load_installation
from substrack.services.claims import claim_payments
from substrack.services.erasing import erase_contact
from substrack.services.installation import (
    Waiting,
    WaitingUndecided,
    hold_for_jump,
    release_hold,
    release_steady_hold,
)
from substrack.services.links import issue_link, renew_pay_link
from substrack.services.mailboxes import set_email
from substrack.services.payments import confirm_payment
from substrack.services.people import add_contact
from substrack.services.suppression import AddressErased
from substrack.settings import WrongSetting
from substrack.store import Address, Contact, Event, Link, LinkPurpose, Message, UserSession
from substrack.upkeep.backups import Backup, BackupFailed
from substrack.upkeep.emptiness import NotEmpty
from substrack.upkeep.erasures import LOCK, keep_erasures, read_erasures, try_to_keep_erasures
from substrack.upkeep.manifest import NotABackup
from substrack.upkeep.restoring import WrongKey, restore
from substrack.worker.outbox import deliver_due
from substrack.worker.ticking import tick
from tests.support.cast import Cast
from tests.support.databases import Databases, Kind
from tests.upkeep.scenes import (
    BACKED_UP,
    LATER,
    RESTORED,
    back_up,
    books_add_up,
    empty_host,
    live_a_little,
    opened,
    restore_into,
    settings_of,
)
from tests.upkeep.test_backups import rewrite

HOUR = timedelta(hours=1)


@dataclass
class Move:
    """Books, their backup, and an empty host to restore it into."""

    cast: Cast
    backup: Backup
    url: str
    data_dir: Path

    @property
    def key_file(self) -> Path:
        """The key that signed the links of the books."""
        return self.cast.runtime.settings.data_dir / "secret-key"


@pytest.fixture
def move(cast: Cast, databases: Databases, database_kind: Kind, tmp_path: Path) -> Iterator[Move]:
    members = live_a_little(cast)
    tom = members[2].contact_id
    cast.do(renew_pay_link, tom, workspace_id=cast.workspace_id, now=LATER)
    for purpose in (LinkPurpose.RESET, LinkPurpose.SETUP, LinkPurpose.INVITE, LinkPurpose.CHAT):
        cast.do(issue_link, purpose, user_id=cast.olga.id, now=LATER)
    with empty_host(databases, database_kind) as url:
        yield Move(cast, back_up(cast.runtime, tmp_path / "kept"), url, tmp_path / "new")


def test_the_books_are_as_they_were_and_add_up(move: Move) -> None:
    with running(move) as runtime:
        books_add_up(runtime)
        again = back_up(runtime, move.data_dir / "again").manifest

    before = move.backup.manifest
    assert again.ledger == before.ledger
    changed = {one.shape.table for one in again.tables if one not in before.tables}
    assert changed == {"installation", "user_sessions", "links", "events", "contacts"}
    assert again.rows == before.rows | {"events": before.rows["events"] + 1}


def test_it_goes_on_counting_from_where_it_was(move: Move) -> None:
    with running(move) as runtime:
        tick(runtime, now=RESTORED + timedelta(days=40))
        books_add_up(runtime)


def test_browsers_are_signed_out_links_in_mailboxes_live_and_the_journal_tells_of_it(move: Move) -> None:
    with running(move) as runtime, runtime.reading() as session:
        sessions = session.scalars(select(UserSession)).all()
        links = session.scalars(select(Link)).all()
        last = session.scalars(select(Event).order_by(Event.id.desc())).first()

    assert [one.ended_at for one in sessions] == [RESTORED]
    living = [one for one in links if one.revoked_at is None]
    assert {one.purpose for one in living} == {LinkPurpose.PAY}
    assert {one.expires_at for one in living} == {RESTORED + timedelta(days=14)}
    assert last is not None
    assert (last.verb, last.subject_kind, last.after) == ("restore", "workspace", {"made_on": "2026-03-03"})


class TestErasures:
    """Somebody was erased after the backup was made; it brings them back."""

    def test_who_was_erased_since_is_erased_again(self, move: Move) -> None:
        ben = contact_called(move.cast.runtime, "Ben")
        move.cast.do(erase_contact, ben.id, anyway=True, by=move.cast.olga, now=LATER)
        with move.cast.runtime.reading() as session:
            keep_erasures(session, move.backup.path.parent)
        with running(move) as runtime:
            with runtime.reading() as session:
                again = session.get_one(Contact, ben.id)
                values = session.scalars(select(Address.value).where(Address.contact_id == ben.id)).all()
            here = Cast(runtime, move.cast.workspace_id, move.cast.olga, move.cast.olga_contact)
            typed = {"name": "Ben", "email": "ben@example.org"}
            with pytest.raises(AddressErased):
                here.do(add_contact, here.workspace_id, **typed, by=here.olga, now=RESTORED)
            books_add_up(runtime)
            noted = read_erasures([runtime.settings.backups_go_to])

        assert (again.name, again.erased_at) == (f"Former member {ben.id}", RESTORED)
        assert values == [""]
        assert ben.public_id in {one.person for one in noted}

    @pytest.mark.only_sqlite
    def test_an_address_they_had_since_is_suppressed_too(self, move: Move) -> None:
        cast, since = move.cast, {"name": "Ben", "email": "new@example.org"}
        ben = contact_called(cast.runtime, "Ben")
        cast.do(set_email, ben.id, since["email"], by=cast.olga, now=LATER)
        cast.do(erase_contact, ben.id, anyway=True, by=cast.olga, now=LATER)
        with cast.runtime.reading() as session:
            keep_erasures(session, move.backup.path.parent)
        with running(move) as runtime:
            here = Cast(runtime, cast.workspace_id, cast.olga, cast.olga_contact)
            with pytest.raises(AddressErased):
                here.do(add_contact, here.workspace_id, **since, by=here.olga, now=RESTORED)

    @pytest.mark.only_sqlite
    def test_a_backup_notes_the_erasures_beside_it(self, move: Move, tmp_path: Path) -> None:
        ben = contact_called(move.cast.runtime, "Ben")
        move.cast.do(erase_contact, ben.id, anyway=True, by=move.cast.olga, now=LATER)
        back_up(move.cast.runtime, tmp_path / "kept")
        assert ben.public_id in {one.person for one in read_erasures([tmp_path / "kept"])}

    @pytest.mark.only_sqlite
    def test_who_wants_to_be_written_to_again_is_not_asked_about_after_a_restore(self, move: Move) -> None:
        cast, beside = move.cast, move.backup.path.parent
        ben = contact_called(cast.runtime, "Ben")
        cast.do(erase_contact, ben.id, anyway=True, by=cast.olga, now=LATER)
        stranger = Remembered("elsewhere", address="a1b2")
        (beside / "erasures.jsonl").write_text(json.dumps(asdict(stranger)) + "\n")
        note_erasures(cast.runtime, beside)
        assert len([one for one in read_erasures([beside]) if one.address]) == 2
        typed = {"name": "Ben", "email": "ben@example.org", "by": cast.olga}
        cast.do(add_contact, cast.workspace_id, **typed, wanted_again=True, now=LATER)
        note_erasures(cast.runtime, beside)
        noted = read_erasures([beside])
        assert [one for one in noted if one.address] == [stranger]
        assert ben.public_id in {one.person for one in noted}
        with running(move) as runtime:
            here = Cast(runtime, cast.workspace_id, cast.olga, cast.olga_contact)
            here.do(add_contact, here.workspace_id, **typed, now=RESTORED)

    @pytest.mark.only_sqlite
    def test_with_a_new_key_the_addresses_in_the_backup_still_ask(self, move: Move) -> None:
        cast, settings = move.cast, settings_of(move.url, move.data_dir)
        ben = contact_called(cast.runtime, "Ben")
        cast.do(erase_contact, ben.id, anyway=True, by=cast.olga, now=LATER)
        note_erasures(cast.runtime, move.backup.path.parent)
        restore(settings, move.backup.path, with_new_key=True, by=OPERATOR, now=RESTORED)
        with opened(move.url, move.data_dir) as runtime:
            here = Cast(runtime, cast.workspace_id, cast.olga, cast.olga_contact)
            typed = {"name": "Ben", "email": "ben@example.org", "by": cast.olga}
            with pytest.raises(AddressErased):
                here.do(add_contact, here.workspace_id, **typed, now=RESTORED)

    @pytest.mark.only_sqlite
    def test_who_notes_waits_for_another_who_does_and_loses_nobody(self, move: Move) -> None:
        cast, beside = move.cast, move.backup.path.parent
        ben, line = contact_called(cast.runtime, "Ben"), asdict(Remembered("elsewhere", person="x1y2"))
        (beside / "erasures.jsonl").touch()
        with (beside / LOCK).open("w") as lock, ThreadPoolExecutor(1) as pool:
            fcntl.flock(lock, fcntl.LOCK_EX)
            noting = pool.submit(note_erasures, cast.runtime, beside)
            with pytest.raises(TimeoutError):
                noting.result(timeout=0.3)
            (beside / "erasures.jsonl").write_text(json.dumps(line) + "\n")
            cast.do(erase_contact, ben.id, anyway=True, by=cast.olga, now=LATER)
            fcntl.flock(lock, fcntl.LOCK_UN)
            noting.result(timeout=20)
        noted = read_erasures([beside])
        assert {one.person for one in noted if one.person} == {"x1y2", ben.public_id}
        assert len([one for one in noted if one.address]) == 1

    @pytest.mark.only_sqlite
    def test_a_damaged_note_stops_a_backup_and_no_erasure(self, move: Move) -> None:
        runtime, ben = move.cast.runtime, contact_called(move.cast.runtime, "Ben")
        goes_to = runtime.settings.backups_go_to
        goes_to.mkdir(parents=True)
        (goes_to / "erasures.jsonl").write_text("{]")
        move.cast.do(erase_contact, ben.id, anyway=True, by=move.cast.olga, now=LATER)
        with runtime.reading() as session:
            assert try_to_keep_erasures(session, runtime.settings) is False
        with pytest.raises(BackupFailed, match="erased again"):
            back_up(runtime, goes_to)

    @pytest.mark.only_sqlite
    def test_a_file_that_can_not_be_read_is_a_sentence_and_nothing_is_restored(self, move: Move) -> None:
        (move.backup.path.parent / "erasures.jsonl").write_text("{]")
        with pytest.raises(WrongSetting, match="erased again"):
            restore_into(move.url, move.data_dir, move.backup, key_file=move.key_file)


def note_erasures(runtime: Runtime, directory: Path) -> None:
    with runtime.reading() as session:
        keep_erasures(session, directory)


def contact_called(runtime: Runtime, name: str) -> Contact:
    with runtime.reading() as session:
        return session.scalars(select(Contact).where(Contact.name == name)).one()


@pytest.mark.only_sqlite
class TestKeys:
    def test_the_key_is_put_in_place_for_its_owner_only(self, move: Move) -> None:
        with running(move) as runtime:
            path = runtime.settings.data_dir / "secret-key"

            assert secret_keys(runtime.settings) == secret_keys(move.cast.runtime.settings)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_another_key_is_refused_and_nothing_is_written(self, move: Move, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.write_text("x1y2z3" * 10)

        with pytest.raises(WrongKey, match=str(move.backup.manifest.key_fingerprint)):
            restore_into(move.url, move.data_dir, move.backup, key_file=other)
        with running(move):
            pass

    def test_without_any_key_it_says_which_is_missing(self, move: Move) -> None:
        with pytest.raises(WrongKey, match="there is none here"):
            restore(settings_of(move.url, move.data_dir), move.backup.path, by=OPERATOR, now=RESTORED)

    def test_the_key_of_a_first_start_is_put_aside(self, move: Move) -> None:
        move.data_dir.mkdir()
        (move.data_dir / "secret-key").write_text("k1e2y3" * 10)
        with running(move):
            pass

        (aside,) = move.data_dir.glob("secret-key.*.old")
        assert aside.read_text() == "k1e2y3" * 10

    def test_who_has_lost_the_key_may_begin_with_a_new_one(self, move: Move) -> None:
        settings = settings_of(move.url, move.data_dir)
        restore(settings, move.backup.path, with_new_key=True, by=OPERATOR, now=RESTORED)
        with opened(move.url, move.data_dir) as runtime:
            assert secret_keys(runtime.settings) != secret_keys(move.cast.runtime.settings)
            books_add_up(runtime)


class TestRefusals:
    @pytest.mark.only_sqlite
    def test_a_host_with_books_is_left_alone(self, move: Move) -> None:
        with running(move):
            pass

        with pytest.raises(NotEmpty):
            restore_into(move.url, move.data_dir, move.backup, key_file=move.key_file)
        with opened(move.url, move.data_dir) as runtime:
            books_add_up(runtime)

    def test_bare_tables_of_a_first_start_are_no_books(
        self, move: Move, databases: Databases, database_kind: Kind
    ) -> None:
        with empty_host(databases, database_kind, migrated=True) as url:
            with opened(url, move.data_dir):
                pass
            move.url = url
            with running(move) as runtime:
                books_add_up(runtime)

    def test_a_damaged_one_leaves_the_host_empty(self, move: Move) -> None:
        rewrite(move.backup.path, "tables/payments.jsonl", b'"EUR"', b'"USD"')

        with pytest.raises(NotABackup):
            restore_into(move.url, move.data_dir, move.backup, key_file=move.key_file)
        with pytest.raises(WrongSetting, match="no tables yet"):
            make_runtime(settings_of(move.url, move.data_dir))

    @pytest.mark.only_sqlite
    def test_one_of_a_newer_version_is_a_sentence(self, move: Move) -> None:
        revision = f'"revision": "{move.backup.manifest.revision}"'.encode()
        rewrite(move.backup.path, "manifest.json", revision, b'"revision": "9999"')

        with pytest.raises(WrongSetting, match="newer SubsTrack"):
            restore_into(move.url, move.data_dir, move.backup, key_file=move.key_file)

    @pytest.mark.only_sqlite
    def test_trying_it_out_writes_nothing(self, move: Move) -> None:
        settings = settings_of(move.url, move.data_dir)
        tried = restore(
            settings, move.backup.path, key_file=move.key_file, dry_run=True, by=OPERATOR, now=RESTORED
        )

        assert tried.settled is None
        assert not (move.data_dir / "secret-key").exists()
        with running(move) as runtime:
            books_add_up(runtime)


class TestHold:
    def test_nothing_is_sent_and_the_reason_is_told(self, move: Move) -> None:
        with running(move) as runtime:
            report = deliver_due(runtime, now=RESTORED + HOUR)

        assert (report.sent, report.held) == (0, "restored from the backup of 2026-03-03 11:00 UTC")

    def test_a_jump_of_the_clock_does_not_end_it(self, move: Move) -> None:
        with running(move) as runtime:
            with runtime.transaction() as session:
                hold_for_jump(session, 2 * HOUR, now=RESTORED)
            with runtime.transaction() as session:
                assert not release_steady_hold(session, RESTORED)
            with runtime.reading() as session:
                row = load_installation(session)

        assert row.hold_reason == "restored from the backup of 2026-03-03 11:00 UTC"
        assert row.steady_since is None

    def test_what_was_sent_before_the_backup_is_not_sent_again(self, move: Move) -> None:
        sent = {one.public_id for one in move.cast.messages(state=MessageState.SENT)}
        with running(move) as runtime:
            with runtime.transaction() as session:
                assert release_hold(session)
            report = deliver_due(runtime, now=RESTORED + HOUR)
            kept = {one.name.split("-")[1].removesuffix(".eml") for one in runtime.mail_dir.glob("*.eml")}

        assert sent
        assert report.sent == len(kept)
        assert not kept & sent

    def test_nobody_who_may_have_been_asked_since_is_asked_at_once(self, move: Move) -> None:
        with running(move) as runtime:
            tick(runtime, now=RESTORED)
            asked_at_once = requests(runtime)
            tick(runtime, now=RESTORED + timedelta(days=2))
            asked_soon = requests(runtime)
            tick(runtime, now=RESTORED + timedelta(days=3))
            asked_then = requests(runtime)

        assert asked_at_once == asked_soon
        assert len(asked_then) > len(asked_soon)


class TestWaiting:
    """Messages were queued when the backup was made; they may have gone out before the restore."""

    @pytest.fixture
    def waiting(
        self, cast: Cast, databases: Databases, database_kind: Kind, tmp_path: Path
    ) -> Iterator[Move]:
        live_a_little(cast)
        terms: dict[str, Any] = {"split": SplitKind.VARIABLE, "billing_day": 7, "starts_on": date(2026, 3, 7)}
        cast.join(cast.group("Electricity", **terms), "Ben")
        cast.tick(BACKED_UP + timedelta(days=2))
        with empty_host(databases, database_kind) as url:
            yield Move(cast, back_up(cast.runtime, tmp_path / "kept"), url, tmp_path / "new")

    def test_they_are_counted_and_a_release_asks_what_becomes_of_them(self, waiting: Move) -> None:
        expected = len(waiting.cast.messages(state=MessageState.QUEUED))
        with running(waiting) as runtime:
            with runtime.reading() as session:
                held = load_held(session)
            with pytest.raises(WaitingUndecided), runtime.transaction() as session:
                release_hold(session)
            assert deliver_due(runtime, now=RESTORED).sent == 0

        assert held is not None
        assert held.total == expected > 0
        assert Notice.REQUEST in held.kinds

    def test_cancelled_ones_are_not_sent_and_count_as_asked(self, waiting: Move) -> None:
        with running(waiting) as runtime:
            before = asked(runtime)
            with runtime.transaction() as session:
                release_hold(session, waiting=Waiting.CANCEL)
            sent = deliver_due(runtime, now=RESTORED).sent
            states = {one.state for one in messages(runtime) if one.due_at <= RESTORED}
            tick(runtime, now=RESTORED)
            after = asked(runtime)

        assert sent == 0
        assert MessageState.QUEUED not in states
        assert after == before

    def test_sent_ones_go_out_once(self, waiting: Move) -> None:
        expected = len(waiting.cast.messages(state=MessageState.QUEUED))
        soon = BACKED_UP + timedelta(days=2, hours=1)
        with running(waiting) as runtime:
            with runtime.transaction() as session:
                release_hold(session, waiting=Waiting.SEND)
            assert deliver_due(runtime, now=soon).sent == expected
            assert deliver_due(runtime, now=soon).sent == 0

    def test_an_answer_to_what_somebody_did_since_is_sent_in_any_case(self, waiting: Move) -> None:
        with running(waiting) as runtime:
            here = Cast(runtime, waiting.cast.workspace_id, waiting.cast.olga, waiting.cast.olga_contact)
            (owed, *_rest) = here.payments(status="pending")
            by = Actor.contact(owed.contact_id)
            here.do(claim_payments, owed.contact_id, [owed.id], by=by, now=RESTORED)
            here.do(confirm_payment, owed.id, by=here.olga, now=RESTORED)
            here.do(release_hold, waiting=Waiting.CANCEL)
            deliver_due(runtime, now=RESTORED + HOUR)
            sent = [one for one in here.messages(state=MessageState.SENT) if one.sent_at == RESTORED + HOUR]

        assert [one.notice for one in sent] == [Notice.RECEIVED]

    def test_what_time_catches_up_with_may_have_been_told_before(self, waiting: Move) -> None:
        with running(waiting) as runtime:
            tick(runtime, now=RESTORED + timedelta(hours=2))
            with runtime.reading() as session:
                held = load_held(session)

        assert held is not None
        assert held.kinds[Notice.BILL_WANTED] == 1


def running(move: Move) -> AbstractContextManager[Runtime]:
    restore_into(move.url, move.data_dir, move.backup, key_file=move.key_file)
    return opened(move.url, move.data_dir)


def requests(runtime: Runtime) -> set[str]:
    return {one.dedupe_key for one in messages(runtime) if one.notice in (Notice.REQUEST, Notice.REMINDER)}


def messages(runtime: Runtime) -> list[Message]:
    with runtime.reading() as session:
        return list(session.scalars(select(Message).order_by(Message.id)))


def asked(runtime: Runtime) -> list[tuple[int, object]]:
    with runtime.reading() as session:
        return sorted((one.id, one.requested_on) for one in session.scalars(select(Contact)))
