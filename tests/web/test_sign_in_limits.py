"""Claims about guessing: ten tries in five minutes, whoever asks, however many ask at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from argon2 import PasswordHasher
from attrs import evolve
from flask import Flask
from sqlalchemy import event, func, select, update
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime, make_runtime
from substrack.domain.networks import network_of
from substrack.services import passwords
from substrack.services.founding import Founded
from substrack.services.tries import SIGN_IN, TooManyTries, forget_old_tries, reserve_try
from substrack.settings import Settings
from substrack.store import Message, Tries, User, UserSession
from substrack.web.app import create_app
from substrack.web.recovery import ANSWER_SECONDS
from substrack.worker.ticking import tick
from tests.web.admin import cast_of
from tests.web.support import HASH, PASSWORD, Browser, TurnableClock, browser, found_home

OLGA = "olga@example.org"
SLOW_COMMIT = 0.1
ELSEWHERE = "203.0.113.99"


@pytest.fixture(autouse=True)
def cheap_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Compare passwords in no time, but where time is the claim."""
    if "takes_as_long" not in request.node.name:
        monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64))
    passwords._nobodys_hash.cache_clear()
    yield
    passwords._nobodys_hash.cache_clear()


def sign_in(
    app: Flask,
    password: str = "wrong, but long",
    *,
    email: str = OLGA,
    address: str = "198.51.100.1",
    **more: Any,
) -> TestResponse:
    """Try to sign in from an address, with a browser that knows nothing."""
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    return app.test_client().post(
        "/sign-in",
        data={"email": email, "password": password},
        environ_base={"REMOTE_ADDR": address},
        headers=headers,
    )


def attack(app: Flask, *, email: str = OLGA, times: int = 10) -> None:
    """Guess at an account, each time from another address."""
    for number in range(times):
        assert sign_in(app, email=email, address=f"192.0.2.{number}").status_code == 422


class TestAnAccount:
    @pytest.mark.usefixtures("home")
    def test_the_eleventh_try_is_refused_from_anywhere_for_five_minutes(
        self, app: Flask, clock: TurnableClock
    ) -> None:
        attack(app)

        refused = sign_in(app, PASSWORD, address=ELSEWHERE)

        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "300")
        assert "Too many tries" in refused.text
        clock.turn(timedelta(minutes=4, seconds=59))
        assert sign_in(app, PASSWORD, address=ELSEWHERE).status_code == 429
        clock.turn(timedelta(seconds=1))
        assert sign_in(app, PASSWORD, address=ELSEWHERE).status_code == 303

    @pytest.mark.only_sqlite
    @pytest.mark.usefixtures("home")
    def test_no_five_minutes_have_more_than_ten(self, app: Flask, clock: TurnableClock) -> None:
        attack(app, times=1)
        clock.turn(timedelta(minutes=4))
        attack(app, times=9)
        clock.turn(timedelta(minutes=1))
        attack(app, times=1)

        assert sign_in(app, address=ELSEWHERE).status_code == 429

    @pytest.mark.only_sqlite
    @pytest.mark.usefixtures("home")
    def test_other_spellings_of_an_address_are_the_same_account(self, app: Flask) -> None:
        attack(app)

        assert sign_in(app, email=" OLGA@Example.org ", address=ELSEWHERE).status_code == 429

    @pytest.mark.only_sqlite
    @pytest.mark.usefixtures("home")
    def test_one_that_is_not_there_is_answered_alike(self, app: Flask) -> None:
        answers = {}
        for email in (OLGA, "olgb@example.org"):
            tried = [sign_in(app, email=email, address=f"192.0.2.{number}") for number in range(11)]
            answers[email] = [(one.status_code, one.text.replace(email, "?"), _headers(one)) for one in tried]

        assert answers[OLGA] == answers["olgb@example.org"]
        assert [status for status, *_ in answers[OLGA]] == [422] * 10 + [429]

    @pytest.mark.only_sqlite
    def test_one_that_is_not_there_takes_as_long(self, app: Flask, runtime: Runtime, home: Founded) -> None:
        with runtime.transaction() as session:
            session.execute(update(User).values(password_hash=PasswordHasher().hash(PASSWORD)))
        sign_in(app, email="warm@example.org")

        known, unknown = (
            median(_seconds(app, email) for _ in range(4)) for email in (OLGA, "olgb@example.org")
        )

        assert 0.5 < known / unknown < 2

    @pytest.mark.only_sqlite
    def test_who_knows_the_password_uses_no_tries_up(self, app: Flask, home: Founded) -> None:
        assert {sign_in(app, PASSWORD).status_code for _ in range(12)} == {303}


class TestANetwork:
    @pytest.mark.usefixtures("home")
    def test_ten_accounts_are_tried_from_one_and_no_eleventh(self, app: Flask) -> None:
        for number in range(10):
            assert sign_in(app, email=f"a{number}@example.org").status_code == 422

        assert sign_in(app, PASSWORD).status_code == 429
        assert sign_in(app, PASSWORD, address=ELSEWHERE).status_code == 303

    @pytest.mark.only_sqlite
    @pytest.mark.usefixtures("home")
    def test_a_household_is_one_however_many_addresses_it_has(self, app: Flask) -> None:
        for number in range(10):
            sign_in(app, email=f"a{number}@example.org", address=f"2001:db8:1:2::{number:x}")

        assert sign_in(app, PASSWORD, address="2001:db8:1:2:ffff::1").status_code == 429
        assert sign_in(app, PASSWORD, address="2001:db8:1:3::1").status_code == 303

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("198.51.100.7", "198.51.100.7"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("_hidden", "unknown"),
            ("", "unknown"),
            (None, "unknown"),
        ],
    )
    def test_addresses_are_counted_by_who_can_have_them(self, address: str | None, network: str) -> None:
        assert network_of(address) == network

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("proxies", [0, 1, 2])
    def test_a_forged_header_makes_nobody_somebody_else(self, settings: Settings, proxies: int) -> None:
        runtime = make_runtime(evolve(settings, trusted_proxies=proxies))
        app = create_app(runtime)
        found_home(runtime)
        ours = ", ".join(["198.51.100.7", "10.0.0.2"][:proxies])

        for number in range(10):
            sign_in(
                app, email=f"a{number}@example.org", X_Forwarded_For=f"192.0.2.{number}, {ours}".rstrip(", ")
            )

        answers = [
            sign_in(app, PASSWORD, X_Forwarded_For=f"192.0.2.77, {ours}".rstrip(", ")),
            sign_in(app, PASSWORD, X_Forwarded_For=ours.replace("198.51.100.7", ELSEWHERE)),
        ]
        runtime.close()
        assert [one.status_code for one in answers] == [429, 303 if proxies else 429]


class TestAKnownDevice:
    def test_it_gets_in_while_the_account_is_attacked(
        self, app: Flask, runtime: Runtime, home: Founded, zed: Browser
    ) -> None:
        zed.post("/sign-in", email=OLGA, password=PASSWORD)
        zed.post("/sign-out", page="/profile")
        attack(app)

        assert sign_in(app, PASSWORD, address=ELSEWHERE).status_code == 429
        assert zed.post("/sign-in", email=OLGA, password=PASSWORD).status_code == 303

    @pytest.mark.only_sqlite
    @pytest.mark.usefixtures("home")
    def test_nor_does_one_guess_there_for_long(self, zed: Browser) -> None:
        zed.post("/sign-in", email=OLGA, password=PASSWORD)
        zed.post("/sign-out", page="/profile")

        answers = [zed.post("/sign-in", email=OLGA, password="wrong, but long") for _ in range(11)]

        assert [one.status_code for one in answers] == [422] * 10 + [429]

    @pytest.mark.only_sqlite
    def test_it_is_known_for_who_signed_in_there_and_for_nobody_else(
        self, app: Flask, runtime: Runtime, home: Founded, zed: Browser
    ) -> None:
        for _ in range(11):
            answer = zed.post("/sign-in", email=OLGA, password="wrong, but long")
        assert answer.status_code == 429

        for forged in ("x", "nonce 1", device_of_another(app, runtime, home)):
            zed.client.set_cookie("substrack-device", forged)
            assert zed.post("/sign-in", email=OLGA, password=PASSWORD).status_code == 429

    @pytest.mark.only_sqlite
    def test_signing_in_ends_the_session_that_was_there(
        self, app: Flask, runtime: Runtime, olga: Browser
    ) -> None:
        former = olga.client.get_cookie("substrack-session")
        assert former is not None

        assert sign_in_on_top(olga).status_code == 303

        assert olga.is_signed_in
        copied = browser(app, runtime)
        copied.client.set_cookie("substrack-session", former.value)
        assert not copied.is_signed_in
        with runtime.reading() as session:
            live = select(func.count()).select_from(UserSession).where(UserSession.ended_at.is_(None))
            assert session.scalar(live) == 1


class TestCounting:
    def test_of_many_at_once_ten_are_let_through_however_slow_the_database(
        self, settings: Settings, home: Founded
    ) -> None:
        processes = [make_runtime(settings) for _ in range(3)]
        for one in processes:
            event.listen(one.write_engine, "commit", lambda _connection: time.sleep(0.01))

        with ThreadPoolExecutor(15) as crowd:
            let_through = list(crowd.map(_reserve, processes * 10))

        for one in processes:
            one.close()
        assert sum(let_through) == 10

    @pytest.mark.only_sqlite
    def test_a_try_is_counted_before_the_password_is_looked_at(self, app: Flask, runtime: Runtime) -> None:
        found_home(runtime)
        with runtime.transaction() as session:
            session.execute(update(User).values(password_hash="no hash at all"))

        for _ in range(10):
            sign_in(app)

        assert sign_in(app, PASSWORD).status_code == 429

    def test_what_says_nothing_any_more_is_forgotten(
        self, app: Flask, runtime: Runtime, home: Founded, clock: TurnableClock
    ) -> None:
        attack(app, times=2)
        clock.turn(timedelta(hours=23))
        attack(app, times=1)
        clock.turn(timedelta(hours=1))
        tick(runtime, now=clock.now)

        with runtime.reading() as session:
            assert session.scalar(select(func.count()).select_from(Tries)) == 2
        with runtime.transaction() as session:
            assert forget_old_tries(session, now=clock.now) == 0

    @pytest.mark.only_sqlite
    def test_the_rows_tell_neither_who_nor_whom(self, app: Flask, runtime: Runtime, home: Founded) -> None:
        attack(app, times=2)

        with runtime.reading() as session:
            subjects = session.scalars(select(Tries.subject)).all()
        assert all(len(one) == 64 and int(one, 16) for one in subjects)

    @pytest.mark.only_sqlite
    def test_a_clock_that_was_wrong_keeps_nobody_out(
        self, app: Flask, home: Founded, clock: TurnableClock
    ) -> None:
        clock.turn(timedelta(days=3))
        attack(app)
        clock.turn(timedelta(days=-3))

        assert sign_in(app, PASSWORD, address=ELSEWHERE).status_code == 303


@pytest.mark.only_sqlite
class TestAskingForANewPassword:
    def test_a_network_asks_twenty_times_an_hour_and_hears_the_same(
        self, app: Flask, runtime: Runtime, home: Founded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("substrack.web.recovery.ANSWER_SECONDS", 0.0)
        for number in range(20):
            asked = ask_reset(app, f"a{number}@example.org")

        assert ask_reset(app, OLGA).text == asked.text
        assert queued(runtime) == 0
        assert ask_reset(app, OLGA, address=ELSEWHERE).text == asked.text
        assert queued(runtime) == 1

    def test_an_account_is_mailed_five_times_a_day(
        self, app: Flask, runtime: Runtime, home: Founded, clock: TurnableClock
    ) -> None:
        for number in range(7):
            ask_reset(app, OLGA, address=f"192.0.2.{number}")
            clock.turn(timedelta(minutes=10))

        assert queued(runtime) == 5

    def test_the_answer_takes_as_long_for_whom_there_is_nothing_to_do(
        self, app: Flask, runtime: Runtime, home: Founded
    ) -> None:
        """However slow the database is, as long as it is done within the time of an answer."""
        event.listen(runtime.write_engine, "commit", lambda _connection: time.sleep(SLOW_COMMIT))
        seconds = {}
        for email in (OLGA, "olgb@example.org"):
            began = time.monotonic()
            ask_reset(app, email)
            seconds[email] = time.monotonic() - began

        assert queued(runtime) == 1
        assert seconds["olgb@example.org"] >= ANSWER_SECONDS
        assert abs(seconds[OLGA] - seconds["olgb@example.org"]) < SLOW_COMMIT


def device_of_another(app: Flask, runtime: Runtime, home: Founded) -> str:
    """Sign in as Ada somewhere, and take the cookie that her browser is known by."""
    ada = cast_of(runtime, home).second_admin("Ada")
    with runtime.transaction() as session:
        session.execute(update(User).where(User.id == ada.id).values(password_hash=HASH))
    hers = app.test_client()
    hers.environ_base["REMOTE_ADDR"] = ELSEWHERE
    hers.post("/sign-in", data={"email": "ada@example.org", "password": PASSWORD})
    cookie = hers.get_cookie("substrack-device")
    assert cookie is not None
    return cookie.value


def sign_in_on_top(who: Browser) -> TestResponse:
    """Sign in where somebody is signed in already, as a form that was left open does."""
    return who.client.post("/sign-in", data={"email": OLGA, "password": PASSWORD})


def ask_reset(app: Flask, email: str, *, address: str = "198.51.100.1") -> TestResponse:
    return app.test_client().post("/reset", data={"email": email}, environ_base={"REMOTE_ADDR": address})


def queued(runtime: Runtime) -> int:
    with runtime.reading() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def _reserve(runtime: Runtime) -> bool:
    try:
        with runtime.transaction() as session:
            reserve_try(session, "one account", SIGN_IN, now=runtime.now())
    except TooManyTries:
        return False
    return True


def _seconds(app: Flask, email: str) -> float:
    began = time.process_time()
    sign_in(app, email=email)
    return time.process_time() - began


DIFFERS = ("Date", "Content-Length", "X-Request-ID")


def _headers(answer: TestResponse) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers if name not in DIFFERS]
