"""Claims about the second step at sign-in: nobody is in before it, and each code works once."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher
from attrs import evolve
from flask import Flask
from sqlalchemy import event, func, select, update

from substrack.bootstrap import Runtime, make_runtime
from substrack.domain.actors import Actor
from substrack.domain.one_time_codes import code_at
from substrack.services import passwords, recovery_codes
from substrack.services.founding import Founded
from substrack.services.recovery_codes import make_codes
from substrack.services.sealing import Purpose
from substrack.services.second_factor import (
    WrongCode,
    look_at_code,
    new_secret,
    renew_codes,
    turn_on,
    use_code,
)
from substrack.setting_values import SecretStr
from substrack.settings import Settings
from substrack.store import LinkPurpose, RecoveryCode, SecondFactor, User, UserSession
from substrack.web.access import access_of
from tests.races.crowd import all_at_once
from tests.web.support import PASSWORD, Browser, TurnableClock, browser, form_token
from tests.web.test_auth import link_path

SIGN_IN = {"email": "olga@example.org", "password": PASSWORD}
PAGE = "/profile/second-factor"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hash in no time: how long it takes is no claim here."""
    monkeypatch.setattr(recovery_codes, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64))
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64))
    recovery_codes._nobodys_hash.cache_clear()
    yield
    recovery_codes._nobodys_hash.cache_clear()


class Phone:
    """Olga's phone with its app, and the paper in her drawer."""

    def __init__(self, runtime: Runtime, user_id: int) -> None:
        self._runtime, self.secret, made = runtime, new_secret(), make_codes()
        self.paper = [each.text for each in made]
        with runtime.transaction() as session:
            turn_on(
                session,
                runtime.sealer,
                user_id,
                secret=self.secret,
                step=0,
                codes=made,
                by=Actor.user(user_id),
                now=runtime.now(),
            )

    @property
    def code(self) -> str:
        """What the app shows now."""
        return code_at(self.secret, int(self._runtime.now().timestamp()) // 30)


@pytest.fixture
def phone(runtime: Runtime, home: Founded) -> Phone:
    return Phone(runtime, home.user_id)


def use(runtime: Runtime, user_id: int, code: str, *, now: datetime) -> None:
    """Look at a code and use it up."""
    with runtime.transaction() as session:
        right = look_at_code(session, runtime.sealer, user_id, code, now=now)
        use_code(session, user_id, right, now=now)


def wrong(phone: Phone) -> str:
    return "000000" if phone.code != "000000" else "000001"


class TestSettingItUp:
    def test_it_is_on_after_the_first_code_and_the_paper_is_shown_once(
        self, runtime: Runtime, olga: Browser
    ) -> None:
        page = olga.post(f"{PAGE}/set-up", page=PAGE)
        secret = "".join(re.findall(r"<code>([A-Z2-7]{4})</code>", page.text))
        assert "<svg viewBox" in page.text
        assert f"secret={secret}" in page.text
        sealed = re.findall(r'name="sealed"[^>]* value="([^"]+)"', page.text)[0]
        refused = olga.post(PAGE, code="000000", sealed=sealed)
        assert (refused.status_code, secret in refused.text.replace("</code> <code>", "")) == (422, True)

        done = olga.post(PAGE, code=code_at(secret, int(runtime.now().timestamp()) // 30), sealed=sealed)

        codes = re.findall(r"<code>([0-9a-z-]{14})</code>", done.text)
        assert len(codes) == 10
        assert "10 recovery codes are left" in olga.get(PAGE).text
        assert not any(code in olga.get(PAGE).text for code in codes)
        with runtime.reading() as session:
            kept = session.scalars(select(SecondFactor.sealed_secret)).one()
            hashes = session.scalars(select(RecoveryCode.code_hash)).all()
        assert secret not in kept
        assert all(one.startswith("$argon2id$") for one in hashes)

    @pytest.mark.only_sqlite
    def test_the_first_code_signs_nobody_in_again(
        self, runtime: Runtime, olga: Browser, zed: Browser
    ) -> None:
        page = olga.post(f"{PAGE}/set-up", page=PAGE)
        secret = "".join(re.findall(r"<code>([A-Z2-7]{4})</code>", page.text))
        sealed = re.findall(r'name="sealed"[^>]* value="([^"]+)"', page.text)[0]
        code = code_at(secret, int(runtime.now().timestamp()) // 30)
        olga.post(PAGE, code=code, sealed=sealed)

        zed.post("/sign-in", **SIGN_IN)

        assert zed.post("/sign-in/code", code=code).status_code == 422

    @pytest.mark.only_sqlite
    def test_a_secret_of_ones_own_making_or_of_another_session_is_not_taken(
        self, app: Flask, runtime: Runtime, home: Founded, olga: Browser
    ) -> None:
        other = browser(app, runtime)
        other.sign_in(runtime, home.user_id)
        page = other.post(f"{PAGE}/set-up", page=PAGE)
        foreign = re.findall(r'name="sealed"[^>]* value="([^"]+)"', page.text)[0]
        secret = "".join(re.findall(r"<code>([A-Z2-7]{4})</code>", page.text))
        code = code_at(secret, int(runtime.now().timestamp()) // 30)

        for sealed in (
            "",
            "x",
            runtime.sealer.seal(Purpose.SECOND_STEP, f"1 1 {secret}", now=runtime.now()),
            foreign,
        ):
            olga.post(PAGE, code=code, sealed=sealed)

        assert "It is off" in olga.get(PAGE).text


class TestSigningIn:
    def test_the_password_alone_opens_nothing(self, runtime: Runtime, phone: Phone, zed: Browser) -> None:
        answer = zed.post("/sign-in", **SIGN_IN)

        assert (answer.status_code, answer.location) == (303, "/sign-in/code")
        assert not zed.is_signed_in
        with runtime.reading() as session:
            assert session.scalar(select(func.count()).select_from(UserSession)) == 0

    def test_the_code_opens_the_page_that_was_wanted(self, phone: Phone, zed: Browser) -> None:
        zed.post("/sign-in", **SIGN_IN, next="/groups")

        answer = zed.post("/sign-in/code", code=f" {phone.code[:3]} {phone.code[3:]} ")

        assert (answer.status_code, answer.location) == (303, "/groups")
        assert zed.is_signed_in

    @pytest.mark.only_sqlite
    def test_a_code_works_once(self, app: Flask, runtime: Runtime, phone: Phone, zed: Browser) -> None:
        for who in (zed, browser(app, runtime)):
            who.post("/sign-in", **SIGN_IN)
            answer = who.post("/sign-in/code", code=phone.code)

        assert answer.status_code == 422
        assert "used before" in answer.text

    def test_of_many_who_use_a_code_at_once_one_gets_in(
        self, runtime: Runtime, home: Founded, phone: Phone
    ) -> None:
        for code in (phone.code, phone.paper[0]):
            with runtime.reading() as session:
                right = look_at_code(session, runtime.sealer, home.user_id, code, now=runtime.now())

            def use(_number: int, right: object = right) -> bool:
                try:
                    with runtime.transaction() as session:
                        use_code(session, home.user_id, right, now=runtime.now())  # type: ignore[arg-type]
                except WrongCode:
                    return False
                return True

            with ThreadPoolExecutor(6) as crowd:
                assert sum(crowd.map(use, range(6))) == 1

    @pytest.mark.only_sqlite
    def test_each_code_on_paper_works_once(
        self, app: Flask, runtime: Runtime, phone: Phone, zed: Browser
    ) -> None:
        for code in (phone.paper[3].upper(), phone.paper[4].replace("-", " ")):
            who = browser(app, runtime)
            who.post("/sign-in", **SIGN_IN)
            assert who.post("/sign-in/code", code=code).status_code == 303
        zed.post("/sign-in", **SIGN_IN)

        assert zed.post("/sign-in/code", code=phone.paper[3]).status_code == 422
        assert "8 recovery codes are left" in who.get(PAGE).text

    @pytest.mark.only_sqlite
    def test_without_the_password_there_is_nothing_to_type_a_code_into(
        self, phone: Phone, zed: Browser
    ) -> None:
        assert zed.get("/sign-in/code").location == "/sign-in"
        zed.client.set_cookie("substrack-step", "made-up")
        assert zed.post("/sign-in/code", page="/sign-in", code=phone.code).location == "/sign-in"
        assert not zed.is_signed_in

    @pytest.mark.only_sqlite
    def test_the_second_step_waits_ten_minutes(
        self, phone: Phone, zed: Browser, clock: TurnableClock
    ) -> None:
        zed.post("/sign-in", **SIGN_IN)
        clock.turn(timedelta(minutes=11))

        assert zed.post("/sign-in/code", page="/sign-in", code=phone.code).location == "/sign-in"

    @pytest.mark.only_sqlite
    def test_it_dies_with_the_password_it_began_with(
        self, runtime: Runtime, phone: Phone, zed: Browser, clock: TurnableClock
    ) -> None:
        zed.post("/sign-in", **SIGN_IN)
        with runtime.transaction() as session:
            session.execute(update(User).values(password_changed_at=clock.now + timedelta(seconds=1)))

        assert zed.post("/sign-in/code", page="/sign-in", code=phone.code).location == "/sign-in"

    @pytest.mark.only_sqlite
    def test_a_link_to_a_new_password_does_not_go_round_it(
        self, runtime: Runtime, phone: Phone, zed: Browser
    ) -> None:
        zed.post("/reset", email="olga@example.org")

        answer = zed.post(link_path(runtime, LinkPurpose.RESET), password="another seven otters")

        assert answer.location == "/sign-in/code"
        assert not zed.is_signed_in
        assert zed.post("/sign-in/code", code=phone.code).status_code == 303

    @pytest.mark.only_sqlite
    def test_codes_are_not_guessed_for_long(
        self, app: Flask, runtime: Runtime, phone: Phone, clock: TurnableClock
    ) -> None:
        refused = 0
        for round_ in range(6):
            for number in range(10):
                who = browser(app, runtime)
                who.client.environ_base["REMOTE_ADDR"] = f"192.0.{round_}.{number}"
                who.post("/sign-in", **SIGN_IN)
                refused += who.post("/sign-in/code", code=wrong(phone)).status_code == 429
            assert who.post("/sign-in/code", code=phone.code).status_code == 429
            clock.turn(timedelta(minutes=5))
        assert refused == 10  # after fifty in a day

    def test_a_code_of_a_time_to_come_keeps_nobody_out_once_the_clock_is_right(
        self, runtime: Runtime, home: Founded, phone: Phone
    ) -> None:
        right, ahead = runtime.now(), runtime.now() + timedelta(days=30)
        early = code_at(phone.secret, int(ahead.timestamp()) // 30)
        use(runtime, home.user_id, early, now=ahead)

        use(runtime, home.user_id, phone.code, now=right)

        with pytest.raises(WrongCode):
            use(runtime, home.user_id, phone.code, now=right)

    @pytest.mark.only_postgresql
    def test_of_two_who_renew_the_paper_at_once_one_leaves_codes(
        self, runtime: Runtime, home: Founded, phone: Phone
    ) -> None:
        event.listen(runtime.write_engine, "commit", lambda _connection: time.sleep(0.2))
        by = Actor.user(home.user_id)

        def renew() -> None:
            made = make_codes()
            with runtime.transaction() as session:
                renew_codes(session, home.user_id, made, by=by, now=runtime.now())

        all_at_once([renew, renew])

        with runtime.reading() as session:
            assert session.scalar(select(func.count()).select_from(RecoveryCode)) == 10


class TestShowingAgainWhoOneIs:
    @pytest.mark.only_sqlite
    def test_turning_it_off_needs_password_and_code(
        self, phone: Phone, olga: Browser, clock: TurnableClock
    ) -> None:
        clock.turn(timedelta(minutes=11))
        off = f"{PAGE}/off"
        tries = [
            {},
            {"your_password": PASSWORD},
            {"your_password": PASSWORD, "your_code": wrong(phone)},
            {"your_password": "wrong, but long", "your_code": phone.code},
        ]

        assert [olga.post(off, page=PAGE, **one).status_code for one in tries] == [422] * 4
        assert "It is on" in olga.get(PAGE).text
        assert olga.post(off, page=PAGE, your_password=PASSWORD, your_code=phone.code).status_code == 303
        assert "It is off" in olga.get(PAGE).text

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("act", ["set-up", "codes", "off"])
    def test_an_open_browser_is_not_enough(
        self, runtime: Runtime, home: Founded, olga: Browser, clock: TurnableClock, act: str
    ) -> None:
        if act != "set-up":
            Phone(runtime, home.user_id)
        clock.turn(timedelta(minutes=11))

        answer = olga.post(f"{PAGE}/{act}", page=PAGE)

        assert (answer.status_code, "your_password" in answer.text) == (422, True)

    @pytest.mark.only_sqlite
    def test_another_password_needs_a_code_as_well(
        self, phone: Phone, olga: Browser, clock: TurnableClock
    ) -> None:
        change = {"current_password": PASSWORD, "password": "another seven otters"}

        assert olga.post("/profile/password", page="/profile", **change).status_code == 422
        answer = olga.post("/profile/password", page="/profile", **change, code=phone.code)
        assert answer.status_code == 303

    @pytest.mark.only_sqlite
    def test_the_session_goes_on_under_another_token(
        self, app: Flask, runtime: Runtime, olga: Browser, clock: TurnableClock
    ) -> None:
        former = olga.client.get_cookie("substrack-session")
        assert former is not None
        clock.turn(timedelta(minutes=11))

        olga.post(f"{PAGE}/set-up", page=PAGE, your_password=PASSWORD)

        assert olga.is_signed_in
        copied = browser(app, runtime)
        copied.client.set_cookie("substrack-session", former.value)
        assert not copied.is_signed_in


@pytest.mark.only_sqlite
class TestWhereItIsRequired:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return evolve(settings, require_second_factor=True)

    def test_everything_else_is_closed_until_it_is_set_up(self, app: Flask, olga: Browser) -> None:
        for rule in app.url_map.iter_rules():
            is_open = rule.endpoint.startswith("second_factor.") or rule.endpoint == "auth.sign_out"
            if access_of(app, rule.endpoint) == "signed_in" and not is_open and not rule.arguments:
                token = form_token(olga.get(PAGE).text) or ""
                method = "POST" if "POST" in (rule.methods or ()) else "GET"
                answer = olga.client.open(rule.rule, method=method, data={"csrf_token": token})
                assert (answer.status_code, answer.location) == (303, PAGE), rule.rule

    def test_it_opens_with_the_second_step(
        self, runtime: Runtime, home: Founded, olga: Browser, zed: Browser
    ) -> None:
        assert "Everybody here has a second step" in olga.get(PAGE).text
        phone = Phone(runtime, home.user_id)
        zed.post("/sign-in", **SIGN_IN)
        zed.post("/sign-in/code", code=phone.code)

        assert zed.get("/").status_code == olga.get("/").status_code == 200


class TestKeys:
    @pytest.mark.only_sqlite
    def test_the_secret_moves_to_the_newest_key_and_the_old_one_may_go(
        self, settings: Settings, runtime: Runtime, home: Founded, phone: Phone
    ) -> None:
        old = (settings.data_dir / "secret-key").read_text()
        new = "n3wer-k3y-for-a-drill-0123456789-abcdef"
        for keys in ([new, old], [new]):
            changed = evolve(settings, secret_keys=tuple(SecretStr(key) for key in keys))
            later = make_runtime(changed, now=runtime.now())
            with later.reading() as session:
                assert look_at_code(session, later.sealer, home.user_id, phone.code, now=runtime.now())
            later.close()

    @pytest.mark.only_sqlite
    def test_a_secret_that_no_key_opens_lets_nobody_in_but_by_paper(
        self, runtime: Runtime, home: Founded, phone: Phone
    ) -> None:
        with runtime.transaction() as session:
            session.execute(update(SecondFactor).values(sealed_secret="lost"))
        with runtime.reading() as session:
            with pytest.raises(WrongCode):
                look_at_code(session, runtime.sealer, home.user_id, phone.code, now=runtime.now())
            assert look_at_code(session, runtime.sealer, home.user_id, phone.paper[0], now=runtime.now())
