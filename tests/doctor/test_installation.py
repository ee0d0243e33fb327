"""Claims about `doctor`: a healthy installation is well, and each fault turns its check and no other."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.orm import Session

from substrack.bootstrap import DatabaseTrouble, Trouble, fingerprint_of, make_runtime
from substrack.channels.dns import TextRecords
from substrack.cli import substrack
from substrack.doctor.database import durability_of, trouble_of
from substrack.doctor.examining import CHECKS, Check, examine
from substrack.doctor.patient import Patient
from substrack.doctor.verdicts import State, Verdict, ok
from substrack.queries.soundness import ledger_differences, load_waiting
from substrack.settings import load_settings
from tests.doctor.estate import END, Estate
from tests.doctor.world import PASSWORD, World, a_world, furnish, patient_outside
from tests.fakes.bot_api import TOKEN
from tests.fakes.smtp import FakeRelay, free_port, make_certificate
from tests.fakes.telegram_faults import refused
from tests.fakes.telegram_updates import Webhook
from tests.support.databases import Databases

WELL = {check.name: "ok" for check in CHECKS} | {"address": "warning"}
"""On one machine alone, only that machine can open the address."""

NEEDING_TABLES = {check.name for check in CHECKS if check.needs.name == "TABLES"}
NEEDING_DATABASE = {check.name for check in CHECKS if check.needs.name != "SETTINGS"}
UNKNOWN = "not looked at"


@pytest.fixture(scope="module")
def furnished(databases: Databases) -> Iterator[tuple[Path, Path]]:
    """Give a furnished SQLite file and the secret key that goes with it."""
    with ExitStack() as stack:
        url = stack.enter_context(databases.lend("sqlite"))
        path = Path(url.removeprefix("sqlite:///"))
        home = path.with_suffix(".home")
        home.mkdir()
        stack.callback(shutil.rmtree, home)
        furnish(url, home)
        yield path, home / "secret-key"


@pytest.fixture
def world(furnished: tuple[Path, Path], tmp_path: Path) -> Iterator[World]:
    """Give a world in which all is well."""
    for source, name in zip(furnished, ("substrack.db", "secret-key"), strict=True):
        shutil.copyfile(source, tmp_path / name)
        (tmp_path / name).chmod(0o600)
    with a_world(f"sqlite:///{tmp_path / 'substrack.db'}", tmp_path) as made:
        yield made


Change = Callable[[World], object]


@dataclass(frozen=True)
class Broken:
    """What is broken, how, and what the check says then: its state and words of the sentence."""

    name: str
    change: Change
    check: str
    state: str
    says: str


def env(**values: str) -> Change:
    return lambda world: world.env.update({f"SUBSTRACK_{name}": value for name, value in values.items()})


def sql(statement: str) -> Change:
    def change(world: World) -> None:
        long_ago, ahead = world.now - timedelta(days=5), world.now + timedelta(days=2)
        given = {"long_ago": long_ago.replace(tzinfo=None), "ahead": ahead.replace(tzinfo=None)}
        world.write(statement, **{name: value for name, value in given.items() if f":{name}" in statement})

    return change


def dns(name: str, *texts: str) -> Change:
    return lambda world: world.names.texts.update({name: list(texts)})


def no_dns(name: str) -> Change:
    return lambda world: world.names.texts.pop(name)


def hook(url: str, error: str | None = None) -> Change:
    def change(world: World) -> None:
        at = int(world.now.timestamp())
        where = url.format(base=world.env["SUBSTRACK_BASE_URL"], key=world.connection_id)
        world.api.updates.webhook = Webhook(
            where, None, last_error=error, last_error_at=at if error else None
        )

    return change


def both(*changes: Change) -> Change:
    return lambda world: [change(world) for change in changes]


def mode(name: str, bits: int) -> Change:
    return lambda world: (world.data_dir / name).chmod(bits)


def other_key(world: World) -> None:
    (world.data_dir / "secret-key").write_text("quite-another-key-of-enough-characters-4711")


def no_backup(world: World) -> None:
    sql("UPDATE installation SET backup_at = NULL")(world)
    shutil.rmtree(world.data_dir / "backups")


def no_password(world: World) -> None:
    del world.env["SUBSTRACK_SMTP_PASSWORD"]


def many_includes() -> dict[str, list[str]]:
    return {f"n{number}.example": [f"v=spf1 include:n{number + 1}.example -all"] for number in range(11)}


A_MESSAGE = (
    "INSERT INTO messages (public_id, workspace_id, channel, lane, notice, payload, dedupe_key, state, "
    "due_at, attempts, edits, created_at, lease_until) "
    "VALUES ('x', 1, 'email', 'email:1', 'test', '{}', 'x', "
)
LATE = f"{A_MESSAGE}'queued', :long_ago, 0, 0, :long_ago, NULL)"
DEAD = f"{A_MESSAGE}'dead', :long_ago, 8, 0, :long_ago, NULL)"
LOST = f"{A_MESSAGE}'sending', :long_ago, 0, 0, :long_ago, :long_ago)"
UNOPENED = (
    "INSERT INTO events (workspace_id, group_id, subject_kind, subject_id, verb, actor_kind, via, at, "
    "reason, correlation_id) SELECT workspace_id, id, 'group', id, 'opening_refused', 'time', 'worker', "
    ":ahead, 'lower them', 'x' FROM groups"
)
WEBHOOK = env(TELEGRAM_WEBHOOK="on")
OURS = "{base}/telegram/{key}"

BROKEN = (
    Broken("key others read", mode("secret-key", 0o644), "files", "wrong", "chmod 600"),
    Broken("open directory", mode(".", 0o755), "files", "warning", "chmod 700"),
    Broken("books others read", mode("substrack.db", 0o640), "files", "wrong", "substrack.db"),
    Broken(
        "books closed to us",
        lambda world: patient_outside(world, can_write=lambda path: path.suffix != ".db"),
        "files",
        "wrong",
        "This user can't write",
    ),
    Broken("another key", other_key, "secret key", "wrong", "new,old"),
    Broken("no key", lambda w: (w.data_dir / "secret-key").unlink(), "secret key", "wrong", "is missing"),
    Broken(
        "zone unheard of",
        sql("UPDATE groups SET time_zone = 'Mars/Base'"),
        "zones in use",
        "wrong",
        "Mars/Base",
    ),
    Broken("beat to come", sql("UPDATE installation SET last_tick_at = :ahead"), "clock", "wrong", "future"),
    Broken(
        "nobody keeps the clock",
        lambda world: patient_outside(world, clock_is_kept=lambda: False),
        "clock",
        "warning",
        "timedatectl",
    ),
    Broken(
        "never a worker", sql("UPDATE installation SET last_tick_at = NULL"), "worker", "wrong", "ever run"
    ),
    Broken(
        "dead worker",
        sql("UPDATE installation SET last_tick_at = :long_ago"),
        "worker",
        "wrong",
        "5 days ago",
    ),
    Broken(
        "hold", sql("UPDATE installation SET hold_reason = 'the clock jumped'"), "hold", "warning", "release"
    ),
    Broken("late message", sql(LATE), "messages", "wrong", "message list --state queued"),
    Broken("dead message", sql(DEAD), "messages", "warning", "message retry"),
    Broken("lost lease", sql(LOST), "messages", "warning", "1 message was left by a worker that died"),
    Broken(
        "failing lane",
        sql("INSERT INTO lanes (name, failing_since, last_error) VALUES ('email:1', :long_ago, 'no route')"),
        "messages",
        "wrong",
        "The mail server has failed since",
    ),
    Broken("a period that can't open", sql(UNOPENED), "openings", "wrong", "lower them"),
    Broken("no backup", no_backup, "backup", "wrong", "There is none"),
    Broken(
        "failed backup",
        sql("UPDATE installation SET backup_error = 'no room'"),
        "backup",
        "wrong",
        "no room",
    ),
    Broken("no daily backups", env(BACKUPS="false"), "backup", "warning", "turned off"),
    Broken(
        "sums apart",
        sql("UPDATE payments SET received_minor = 1 WHERE status = 'pending'"),
        "ledger",
        "wrong",
        "doctor --data",
    ),
    Broken("no page", env(BASE_URL=f"http://127.0.0.1:{free_port()}"), "address", "wrong", "Start `serve`"),
    Broken(
        "something else answers",
        lambda w: w.env.update(SUBSTRACK_BASE_URL=w.env["SUBSTRACK_BASE_URL"] + "/subs"),
        "address",
        "wrong",
        "status 404",
    ),
    Broken(
        "another one answers",
        lambda w: setattr(w.page, "keys", ["of-somebody-else-" * 3]),
        "address",
        "wrong",
        "with the same keys",
    ),
    Broken(
        "one that proves nothing answers",
        lambda w: setattr(w.page, "keys", []),
        "address",
        "wrong",
        "start again what answers there",
    ),
    Broken("wrong password", env(SMTP_PASSWORD="wrong"), "mail", "wrong", "Correct user and password"),
    Broken("no password", no_password, "mail", "wrong", "set SUBSTRACK_SMTP_PASSWORD"),
    Broken(
        "no mail server", env(SMTP_URL=f"smtp://127.0.0.1:{free_port()}"), "mail", "wrong", "587 for smtp"
    ),
    Broken(
        "sender refused",
        lambda w: w.relay.fail_next("MAIL", "550 5.7.1 sender not allowed"),
        "mail",
        "wrong",
        "SUBSTRACK_MAIL_FROM",
    ),
    Broken("server closes", lambda w: w.relay.fail_next("EHLO", "421 closing", 2), "mail", "wrong", "421"),
    Broken("silent mail server", lambda w: w.relay.fail_next("MAIL", "silence"), "mail", "wrong", "firewall"),
    Broken("no SPF", dns("example.org"), "SPF", "warning", "has no SPF"),
    Broken("two SPF", dns("example.org", "v=spf1 -all", "v=spf1 a -all"), "SPF", "wrong", "2 SPF records"),
    Broken("SPF of nobody", dns("example.org", "v=spf1 -all"), "SPF", "wrong", "no mail at all"),
    Broken("SPF of anybody", dns("example.org", "v=spf1 a +all"), "SPF", "warning", "anybody"),
    Broken("broken include", no_dns("relay.example"), "SPF", "wrong", "includes relay.example"),
    Broken(
        "too many includes",
        both(
            dns("example.org", "v=spf1 include:n0.example -all"),
            lambda w: w.names.texts.update(many_includes()),
        ),
        "SPF",
        "wrong",
        "more than 10 lookups",
    ),
    Broken(
        "SPF that includes itself",
        dns("example.org", "v=spf1 include:example.org ~all"),
        "SPF",
        "wrong",
        "more than 10",
    ),
    Broken("no DKIM", no_dns("default._domainkey.example.org"), "DKIM", UNKNOWN, "--dkim-selector"),
    Broken("revoked DKIM", dns("default._domainkey.example.org", "v=DKIM1; p="), "DKIM", "wrong", "revoked"),
    Broken("other selector", lambda w: setattr(w, "selector", "key7"), "DKIM", "wrong", "key7._domainkey"),
    Broken("no DMARC", no_dns("_dmarc.example.org"), "DMARC", "warning", "has no DMARC"),
    Broken(
        "DMARC without policy", dns("_dmarc.example.org", "v=DMARC1; rua=x"), "DMARC", "wrong", "no policy"
    ),
    Broken(
        "two DMARC",
        dns("_dmarc.example.org", "v=DMARC1; p=none", "v=DMARC1; p=reject"),
        "DMARC",
        "wrong",
        "2 DMARC",
    ),
    Broken(
        "token refused",
        lambda w: w.api.fail_next("getMe", refused(401, "Unauthorized")),
        "Telegram",
        "wrong",
        "BotFather",
    ),
    Broken("hooked by another", hook("https://elsewhere.example/x"), "webhook", "wrong", "elsewhere.example"),
    Broken("hook unset", WEBHOOK, "webhook", "wrong", "nowhere"),
    Broken(
        "hook elsewhere", both(WEBHOOK, hook("https://other.example/")), "webhook", "wrong", "other.example"
    ),
    Broken("hook fails", both(WEBHOOK, hook(OURS, "502 Bad Gateway")), "webhook", "wrong", "502"),
)


def test_nothing_is_wrong_with_a_healthy_installation(world: World) -> None:
    assert world.states() == WELL
    assert world.relay.received == []
    assert "DATA" not in world.relay.dialogue


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_a_fault_turns_its_check_and_no_other(world: World, case: Broken) -> None:
    case.change(world)

    found = world.examine()

    said = found[case.check].verdict
    assert said.state.value == case.state, said
    assert case.says in f"{said.found} {said.advice}"
    assert said.advice
    others = {name: one.verdict.state.value for name, one in found.items() if name != case.check}
    assert others == {name: state for name, state in WELL.items() if name != case.check}


def test_what_only_looks_like_an_include_is_not_followed(world: World) -> None:
    both(
        dns("example.org", "v=spf1 include:relay.example xinclude:loop.example -all"),
        dns("loop.example", "v=spf1 xinclude:loop.example -all"),
    )(world)
    assert world.states() == WELL


def test_a_check_that_takes_too_long_is_not_called_wrong(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(patient: Patient) -> Verdict:
        with patient.reading() as session:
            session.execute(
                sa.text(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"
                )
            )
        return ok("Counted to the end of all numbers.")

    monkeypatch.setattr("substrack.doctor.patient.QUERY_SECONDS", 0.01)
    monkeypatch.setattr("substrack.doctor.examining.CHECKS", (Check("count", count),))
    said = world.examine()["count"].verdict
    assert said.state is State.UNKNOWN
    assert "no answer in time" in said.found


def test_what_was_sent_is_not_read_to_see_what_waits(furnished: tuple[Path, Path]) -> None:
    plans: list[str] = []

    def explain(
        connection: sa.Connection, _cursor: object, statement: str, given: Any, *_more: object
    ) -> None:
        if statement.startswith("SELECT") and "FROM messages" in statement:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
            plans.extend(row[-1] for row in rows)

    engine = sa.create_engine(f"sqlite:///{furnished[0]}")
    sa.event.listen(engine, "before_cursor_execute", explain)
    with Session(engine) as session:
        load_waiting(session, late=END, lost=END)
    engine.dispose()
    assert len(plans) == 2
    assert "ix_messages_waiting" in plans[0]
    assert "ix_messages_dead" in plans[1]


def test_a_webhook_of_ours_is_well(world: World) -> None:
    both(WEBHOOK, hook(OURS))(world)
    assert world.states() == WELL


def test_a_webhook_whose_trouble_is_over_is_well(world: World) -> None:
    both(WEBHOOK, hook(OURS, "502 Bad Gateway"))(world)
    assert world.api.updates.webhook is not None
    world.api.updates.webhook.last_error_at = int(world.now.timestamp()) - 7200
    assert world.states() == WELL


def test_without_a_mail_server_nothing_of_a_domain_is_asked(world: World) -> None:
    del world.env["SUBSTRACK_SMTP_URL"]
    unasked = {"mail": "warning", "SPF": UNKNOWN, "DKIM": UNKNOWN, "DMARC": UNKNOWN}
    assert world.states() == WELL | unasked


def test_without_a_bot_telegram_is_not_asked(world: World) -> None:
    del world.env["SUBSTRACK_TELEGRAM_TOKEN"]
    assert world.states() == WELL | {"Telegram": UNKNOWN, "webhook": UNKNOWN}
    assert world.api.requests == []


def test_a_silent_name_server_says_nothing_about_a_domain(world: World) -> None:
    world.names.is_silent = True
    patient_outside(world, texts=TextRecords(("127.0.0.1",), world.names.port, seconds=0.2))
    assert world.states() == WELL | dict.fromkeys(("SPF", "DKIM", "DMARC"), UNKNOWN)


def test_a_domain_that_does_not_exist_is_told(world: World) -> None:
    world.names.texts.clear()
    found = world.examine()
    says = {name: found[name].verdict for name in ("SPF", "DKIM", "DMARC")}
    assert [one.state.value for one in says.values()] == ["wrong", UNKNOWN, UNKNOWN]
    assert all("example.org does not exist" in one.found for one in says.values())


@pytest.mark.parametrize("is_smtps", [True, False], ids=["smtps", "STARTTLS"])
def test_a_certificate_nobody_vouches_for_is_told(world: World, tmp_path: Path, is_smtps: bool) -> None:
    server, _client = make_certificate(tmp_path)
    with FakeRelay(tls=server, is_smtps=is_smtps) as relay:
        world.env["SUBSTRACK_SMTP_URL"] = relay.url
        said = world.examine()["mail"].verdict
    assert said.state is State.WRONG
    assert "certificate is for" in said.advice


def test_a_relay_with_tls_is_well(world: World, tmp_path: Path) -> None:
    server, client = make_certificate(tmp_path)
    with FakeRelay(user="olga", password=PASSWORD, tls=server) as relay:
        world.env["SUBSTRACK_SMTP_URL"] = relay.url
        patient_outside(world, tls_context=client)
        said = world.examine()["mail"].verdict
    assert said.state is State.OK
    assert "over TLS" in said.found


def test_a_server_without_a_login_is_no_server_out_of_reach(world: World) -> None:
    with FakeRelay(offers_login=False) as relay:
        world.env["SUBSTRACK_SMTP_URL"] = relay.url.replace("smtp://", "smtp://olga@")
        said = world.examine()["mail"].verdict
    assert said.state is State.WRONG
    assert "takes no login on this connection: remove `user@`" in said.found
    assert "reached" not in said.found


def test_something_else_than_telegram_is_one_line_and_no_traceback(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.env["SUBSTRACK_TELEGRAM_API_URL"] = world.env["SUBSTRACK_BASE_URL"]
    said = world.examine()["Telegram"].verdict
    assert said.state is State.WRONG
    assert not [one for one in caplog.records if one.name.startswith("telegram")]


def test_a_key_that_is_taken_out_too_early_is_missed(world: World) -> None:
    [old] = world.page.keys
    new = "another-quiet-key-" * 2
    world.env["SUBSTRACK_SECRET_KEYS"] = f"{new},{old}"
    make_runtime(load_settings(world.env)).close()
    assert world.states()["secret key"] == "ok"

    world.env["SUBSTRACK_SECRET_KEYS"] = new
    said = world.examine()["secret key"].verdict
    assert said.state is State.WRONG
    assert fingerprint_of(old) in said.found
    world.now += timedelta(days=15)
    assert world.states()["secret key"] == "warning"
    world.now += timedelta(days=351)
    assert world.states()["secret key"] == "ok"


def test_a_page_that_an_older_key_of_ours_was_given_is_ours(world: World) -> None:
    [old] = world.page.keys
    world.env["SUBSTRACK_SECRET_KEYS"] = f"{'another-quiet-key-' * 2},{old}"
    assert world.examine()["address"].verdict.found.startswith("A SubsTrack with our keys answers")


def test_a_certificate_of_our_own_page_is_looked_at(world: World) -> None:
    world.env["SUBSTRACK_BASE_URL"] = world.env["SUBSTRACK_BASE_URL"].replace("http:", "https:")
    said = world.examine()["address"].verdict
    assert said.state is State.WRONG
    assert "certificate" in said.advice


def test_wrong_settings_are_one_fault_and_nothing_else_is_looked_at(world: World) -> None:
    world.env["SUBSTRACK_PORT"] = "many"
    assert world.states() == {"settings": "wrong", "all else": UNKNOWN}


def test_a_wrong_setting_is_a_sentence_of_its_own(world: World) -> None:
    world.env["SUBSTRACK_BASE_URL"] = "substrack"
    said = world.examine()["settings"].verdict
    assert said.found.endswith(".")
    assert "in the environment" in said.advice


def test_a_clock_that_stands_still_is_told(world: World) -> None:
    world.env["SUBSTRACK_NOW"] = world.now.isoformat()
    assert world.states() == WELL | {"settings": "warning"}


@pytest.mark.parametrize(("revision", "says"), [("0001", "older"), ("9999", "newer")])
def test_tables_of_another_version_are_looked_at_no_further(world: World, revision: str, says: str) -> None:
    world.write(f"UPDATE alembic_version SET version_num = '{revision}'")
    found = world.examine()
    assert says in found["migrations"].verdict.found
    states = {name: one.verdict.state.value for name, one in found.items()}
    assert states == WELL | dict.fromkeys(NEEDING_TABLES, UNKNOWN) | {"migrations": "wrong"}


def test_books_that_were_moved_away_are_told(world: World) -> None:
    world.write("CREATE TABLE moved_away (place TEXT, moved_at TEXT)")
    world.write("INSERT INTO moved_away VALUES ('postgresql://db/books', '2026-03-03 11:00 UTC')")
    verdict = world.examine()["migrations"].verdict
    assert (verdict.state, "moved to postgresql://db/books" in verdict.found) == (State.WRONG, True)


def test_a_missing_database_is_told_and_not_made(world: World) -> None:
    path = world.data_dir / "substrack.db"
    path.unlink()
    assert world.states() == WELL | dict.fromkeys(NEEDING_DATABASE, UNKNOWN) | {"database": "wrong"}
    assert not path.exists()


def test_what_is_no_database_is_told(world: World) -> None:
    (world.data_dir / "substrack.db").write_bytes(b"not a database at all, " * 100)
    assert world.states() == WELL | dict.fromkeys(NEEDING_DATABASE, UNKNOWN) | {"database": "wrong"}


def test_a_damaged_file_is_told(world: World) -> None:
    engine = sa.create_engine(f"sqlite:///{world.data_dir / 'substrack.db'}")
    with engine.connect() as connection:
        index = sa.text("SELECT rootpage FROM sqlite_master WHERE name = 'ix_payments_member_id'")
        page = connection.scalar(index)
    engine.dispose()
    with (world.data_dir / "substrack.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    assert world.states()["integrity"] == "wrong"


def test_rows_that_refer_to_nothing_are_told(world: World) -> None:
    world.write("UPDATE payments SET payer_id = 4711")
    said = world.examine()["integrity"].verdict
    assert said.state is State.WRONG
    assert "payments" in said.found


@pytest.mark.parametrize("name", ["SQLITE_READONLY_DIRECTORY", "SQLITE_CANTOPEN", "SQLITE_READONLY"])
def test_a_database_that_is_closed_to_us_is_not_called_broken(name: str) -> None:
    error = sqlite3.OperationalError("attempt to write a readonly database")
    error.sqlite_errorcode = getattr(sqlite3, name)
    said = trouble_of(DatabaseTrouble(Trouble.BROKEN, error))
    assert "can't be written" in said.found
    assert "restore" not in said.advice


def test_a_locked_database_is_told(world: World) -> None:
    holder = sqlite3.connect(world.data_dir / "substrack.db", isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    said = world.examine()["database"].verdict
    holder.close()
    assert said.state is State.WRONG
    assert "locked" in said.found


@pytest.mark.only_postgresql
def test_postgresql_is_well_but_for_what_tests_turn_off(database_url: str, tmp_path: Path) -> None:
    furnish(database_url, tmp_path)
    with a_world(database_url, tmp_path) as world:
        assert world.states() == WELL | {"durability": "wrong", "integrity": UNKNOWN}
        assert "fsync=off" in world.examine()["durability"].verdict.found


def test_a_database_server_that_is_away_is_told_without_its_password(world: World) -> None:
    world.env["SUBSTRACK_DATABASE_URL"] = f"postgresql://olga:{PASSWORD}@127.0.0.1:{free_port()}/substrack"
    found = world.examine()
    assert found["database"].verdict.state is State.WRONG
    assert PASSWORD not in str(found)


def test_durability_is_judged_by_what_is_read_back() -> None:
    good = {"synchronous_commit": "on", "fsync": "on", "full_page_writes": "on"}
    assert durability_of(good, is_sqlite=False).state is State.OK
    for name in good:
        said = durability_of(good | {name: "off"}, is_sqlite=False)
        assert said.state is State.WRONG
        assert name in said.advice
    lax = {"journal_mode": "delete", "synchronous": "1", "foreign_keys": "1"}
    assert durability_of(lax, is_sqlite=True).state is State.WRONG


def test_no_secret_is_ever_told(world: World) -> None:
    key = (world.data_dir / "secret-key").read_text()
    world.env["SUBSTRACK_SMTP_PASSWORD"] = "wrong-and-secret"
    world.api.fail_next("getMe", refused(401, "Unauthorized"))
    told = str(world.examine())
    for secret in ("wrong-and-secret", TOKEN, TOKEN.partition(":")[2], key):
        assert secret not in told


def test_a_visit_ends_in_time_whoever_keeps_silent(world: World) -> None:
    world.relay.fail_next("MAIL", "silence")
    patient_outside(world, seconds=60.0)
    found = examine(world.env, now=world.now, outside=world.outside, total_seconds=5)
    said = {one.check: one.verdict for one in found}
    assert said["mail"].state is State.UNKNOWN
    assert "no time left" in said["mail"].found
    assert said["settings"].state is State.OK


def test_the_command_ends_in_one_when_something_is_wrong_and_in_zero_when_not(world: World) -> None:
    for name in ("SMTP_URL", "TELEGRAM_TOKEN"):
        del world.env[f"SUBSTRACK_{name}"]
    well = CliRunner().invoke(substrack, ["doctor", "--json"], env=world.env)
    assert well.exit_code == 0, well.output
    told = json.loads(well.stdout)
    assert [one["check"] for one in told] == [check.name for check in CHECKS]
    assert set(told[0]) == {"check", "state", "found", "advice"}
    other_key(world)
    ill = CliRunner().invoke(substrack, ["doctor"], env=world.env)
    assert ill.exit_code == 1
    assert "1 thing is wrong." in ill.stderr
    assert len(ill.stdout.splitlines()) == len(CHECKS)


def test_sums_of_the_ledger_are_compared_on_each_database(estate: Estate) -> None:
    assert estate.read(ledger_differences) == []
    estate.write(
        "UPDATE payments SET received_minor = received_minor - 1, status = 'pending' WHERE id = :ben1"
    )
    estate.write("UPDATE periods SET total_minor = total_minor + 2 WHERE id = :films1")
    assert [(what, theirs - ours) for what, _currency, ours, theirs in estate.read(ledger_differences)] == [
        ("received and allocated", 1),
        ("periods and payments", -2),
    ]
