"""Claims about signing in at an identity provider: what is believed of what it says, and who gets in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from attrs import evolve
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime, make_runtime
from substrack.services.identities import recognise
from substrack.setting_values import SecretStr
from substrack.settings import Settings, WrongSetting, load_settings
from substrack.store import Identity, User, UserSession
from substrack.web import provider as web_provider
from substrack.web.app import create_app
from tests.fakes.oidc import CLIENT, SECRET, FakeProvider, open_provider, signing_key
from tests.web.support import PASSWORD, Browser, TurnableClock, browser, found_home
from tests.web.test_second_factor import Phone

pytestmark = pytest.mark.only_sqlite
OPEN = "/sign-in/provider"


@pytest.fixture
def provider(clock: TurnableClock) -> Iterator[FakeProvider]:
    with open_provider(clock) as opened:
        yield opened


@pytest.fixture
def settings(settings: Settings, provider: FakeProvider) -> Settings:
    return evolve(
        settings,
        oidc_issuer=provider.url,
        oidc_client_id=CLIENT,
        oidc_client_secret=SecretStr(SECRET),
        oidc_label="Our house",
    )


@pytest.fixture
def zed(runtime: Runtime, zed: Browser) -> Browser:
    found_home(runtime)
    return zed


def go_there(who: Browser, path: str = OPEN) -> str:
    """Follow the browser to the provider; return the address it comes back to."""
    asked = who.get(path)
    assert asked.status_code == 303, asked.text
    back = httpx.get(asked.location, timeout=20).headers["location"]
    parts = urlsplit(back)
    return f"{parts.path}?{parts.query}"


def come_in(who: Browser, path: str = OPEN) -> TestResponse:
    return who.get(go_there(who, path))


def sessions(runtime: Runtime) -> int:
    with runtime.reading() as session:
        return session.scalar(select(func.count()).select_from(UserSession)) or 0


class TestGettingIn:
    def test_a_verified_address_of_a_user_opens_the_page_that_was_wanted(
        self, zed: Browser, provider: FakeProvider
    ) -> None:
        assert "Sign in with Our house" in zed.get("/sign-in").text

        answer = come_in(zed, f"{OPEN}?next=/groups")

        assert (answer.status_code, answer.location) == (303, "/groups")
        assert zed.is_signed_in

    def test_the_question_carries_pkce_state_and_nonce(self, zed: Browser) -> None:
        asked = dict(parse_qsl(urlsplit(zed.get(OPEN).location).query))

        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert asked["redirect_uri"] == "http://127.0.0.1:8000/sign-in/provider/callback"
        assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
        assert all(len(asked[name]) >= 43 for name in ("state", "nonce", "code_challenge"))

    def test_an_address_that_only_userinfo_tells_counts_as_well(
        self, zed: Browser, provider: FakeProvider
    ) -> None:
        provider.in_token = False

        assert come_in(zed).status_code == 303
        assert zed.is_signed_in

    def test_a_key_that_was_replaced_is_fetched(
        self, app: Any, runtime: Runtime, zed: Browser, provider: FakeProvider
    ) -> None:
        assert come_in(zed).status_code == 303
        provider.rotate()

        assert come_in(browser(app, runtime)).status_code == 303
        assert provider.asked.count("/jwks") == 2

    def test_whoever_has_a_second_step_takes_it_here_too(self, runtime: Runtime, zed: Browser) -> None:
        with runtime.reading() as session:
            phone = Phone(runtime, session.scalars(select(User.id)).one())

        assert come_in(zed, f"{OPEN}?next=/groups").location == "/sign-in/code"
        assert not zed.is_signed_in
        assert zed.post("/sign-in/code", code=phone.code).location == "/groups"


def forge(provider: FakeProvider, key: bytes) -> None:
    provider.algorithm, provider.forger = "HS256", key


LIES: dict[str, Callable[[FakeProvider, TurnableClock], Any]] = {
    "wrong nonce": lambda provider, _clock: provider.says.update(nonce="another"),
    "no nonce": lambda provider, _clock: provider.says.update(nonce=None),
    "wrong issuer": lambda provider, _clock: provider.says.update(iss="https://id.example.net"),
    "wrong audience": lambda provider, _clock: provider.says.update(aud="another-client"),
    "for another party": lambda provider, _clock: provider.says.update(aud=[CLIENT, "x"], azp="x"),
    "expired": lambda provider, clock: provider.says.update(exp=int(clock.now.timestamp()) - 61),
    "no expiry": lambda provider, _clock: provider.says.update(exp=None),
    "not yet issued": lambda provider, clock: provider.says.update(iat=int(clock.now.timestamp()) + 3600),
    "no subject": lambda provider, _clock: provider.says.update(sub=None),
    "alg none": lambda provider, _clock: setattr(provider, "algorithm", "none"),
    "signed with the public key": lambda provider, _clock: forge(provider, provider.public_pem()),
    "signed with the client's secret": lambda provider, _clock: forge(provider, SECRET.encode()),
    "another key": lambda provider, _clock: setattr(provider, "signs_with", signing_key(9)),
    "calls itself otherwise": lambda provider, _clock: provider.itself.update(
        issuer="https://id.example.net"
    ),
    "down": lambda provider, _clock: setattr(provider, "is_down", True),
}


class TestWhatIsNotBelieved:
    @pytest.mark.parametrize("lie", LIES)
    def test_nobody_gets_in_by(
        self, runtime: Runtime, zed: Browser, provider: FakeProvider, clock: TurnableClock, lie: str
    ) -> None:
        LIES[lie](provider, clock)
        asked = zed.get(OPEN)

        answer = asked if asked.status_code == 422 else come_in(zed)

        assert answer.status_code == 422
        assert "did not work" in answer.text
        assert sessions(runtime) == 0

    @pytest.mark.parametrize(
        "forged",
        [
            lambda back: back.replace("state=", "state=x"),
            lambda back: back.replace("iss=http", "iss=https"),
            lambda back: back.replace("code=", "no_code="),
            lambda back: back.replace("code=", "code=x"),
            lambda _back: "/sign-in/provider/callback?error=access_denied",
        ],
    )
    def test_an_answer_that_does_not_fit_the_question(
        self, runtime: Runtime, zed: Browser, forged: Callable[[str], str]
    ) -> None:
        assert zed.get(forged(go_there(zed))).status_code == 422
        assert sessions(runtime) == 0

    def test_an_answer_in_another_browser_twice_or_too_late(
        self, app: Any, runtime: Runtime, zed: Browser, clock: TurnableClock
    ) -> None:
        back = go_there(zed)
        assert browser(app, runtime).get(back).status_code == 422
        clock.turn(timedelta(minutes=16))
        assert zed.get(back).status_code == 422
        back = go_there(zed)
        assert zed.get(back).status_code == 303
        assert zed.get(back).status_code == 422

    def test_peeking_at_the_answer_does_nothing(self, runtime: Runtime, zed: Browser) -> None:
        back = go_there(zed)
        assert zed.client.head(back).status_code == 405
        assert sessions(runtime) == 0
        assert zed.get(back).status_code == 303


class TestWhoIsWho:
    @pytest.mark.parametrize("verified", [False, None, "true", 1])
    def test_an_address_that_is_not_verified_is_nobodys(
        self, runtime: Runtime, zed: Browser, provider: FakeProvider, verified: object
    ) -> None:
        provider.person["email_verified"] = verified

        answer = come_in(zed)

        assert "not verified there" in answer.text
        assert sessions(runtime) == 0

    def test_a_sign_in_that_does_not_look_whether_it_is_verified_is_found_out(
        self, runtime: Runtime, zed: Browser, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def believe(session: Session, **who: Any) -> int:
            return recognise(session, **(who | {"is_verified": True}))

        monkeypatch.setattr(web_provider, "recognise", believe)
        with pytest.raises(AssertionError):
            self.test_an_address_that_is_not_verified_is_nobodys(runtime, zed, provider, verified=False)

    @pytest.mark.parametrize("email", ["eve@example.org", "", None])
    def test_nobody_becomes_a_user_by_it(
        self, runtime: Runtime, zed: Browser, provider: FakeProvider, email: str | None
    ) -> None:
        provider.person["email"] = email

        assert come_in(zed).status_code == 422
        with runtime.reading() as session:
            assert session.scalar(select(func.count()).select_from(User)) == 1

    def test_an_address_that_has_passed_to_another_person_there_is_not_believed(
        self, app: Any, runtime: Runtime, zed: Browser, provider: FakeProvider
    ) -> None:
        assert come_in(zed).status_code == 303
        provider.person["sub"] = "somebody-else"

        assert come_in(browser(app, runtime)).status_code == 422
        with runtime.reading() as session:
            assert session.scalars(select(Identity.subject)).all() == ["olga-1"]

    def test_userinfo_about_another_person_is_not_believed(
        self, runtime: Runtime, zed: Browser, provider: FakeProvider
    ) -> None:
        provider.in_token = False
        provider.says["sub"] = "somebody-else"

        assert come_in(zed).status_code == 422


class TestFreshness:
    ACT = "/admins"
    FIELDS = {"name": "Eve", "email": "eve@example.org"}

    def test_a_sign_in_that_may_be_old_is_not_fresh(self, zed: Browser, provider: FakeProvider) -> None:
        come_in(zed)

        asked = zed.post(self.ACT, **self.FIELDS)

        assert asked.status_code == 422
        assert "Sign in with Our house" in asked.text

    def test_showing_again_there_who_one_is_counts(self, zed: Browser, provider: FakeProvider) -> None:
        come_in(zed)

        come_in(zed, f"{OPEN}?anew=1&next=/admins")

        assert zed.post(self.ACT, **self.FIELDS).status_code == 303

    @pytest.mark.parametrize("minutes", [None, 10])
    def test_being_waved_through_there_does_not(
        self, zed: Browser, provider: FakeProvider, clock: TurnableClock, minutes: int | None
    ) -> None:
        come_in(zed)
        shown_at = clock.now - timedelta(minutes=minutes) if minutes else None
        provider.says["auth_time"] = int(shown_at.timestamp()) if shown_at else None

        assert come_in(zed, f"{OPEN}?anew=1").status_code == 422

    @pytest.mark.parametrize("said", [10**30, -(10**30), float("nan"), float("inf"), "soon"])
    def test_nor_does_a_time_that_is_none(
        self, zed: Browser, provider: FakeProvider, said: float | str
    ) -> None:
        come_in(zed)
        provider.says["auth_time"] = said

        assert come_in(zed, f"{OPEN}?anew=1").status_code == 422


class TestWithoutPasswords:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return evolve(settings, local_sign_in=False)

    def test_only_the_provider_signs_in(self, zed: Browser, provider: FakeProvider) -> None:
        page = zed.get("/sign-in").text
        assert ("Our house" in page, "password" in page) == (True, False)
        assert zed.post("/sign-in", email="olga@example.org", password=PASSWORD).status_code == 404
        assert [zed.get("/reset").status_code, zed.post("/reset", page="/", email="x").status_code] == [
            404,
            404,
        ]

        assert come_in(zed).status_code == 303
        assert "current_password" not in zed.get("/profile").text


def test_without_a_provider_there_is_no_such_page(runtime: Runtime, clock: TurnableClock) -> None:
    plain = evolve(runtime.settings, oidc_issuer="", oidc_client_id="")
    bare = replace(make_runtime(plain), clock=clock)
    app = create_app(bare)
    app.testing = True
    for path in (OPEN, f"{OPEN}/callback?code=x&state=x"):
        assert browser(app, bare).get(path).status_code == 404
    bare.close()


@pytest.mark.parametrize(
    "environ",
    [
        {"SUBSTRACK_LOCAL_SIGN_IN": "off"},
        {"SUBSTRACK_OIDC_ISSUER": "https://id.example.org"},
        {"SUBSTRACK_OIDC_CLIENT_ID": "substrack"},
        {"SUBSTRACK_OIDC_ISSUER": "http://id.example.org", "SUBSTRACK_OIDC_CLIENT_ID": "x"},
        {"SUBSTRACK_OIDC_ISSUER": "id.example.org", "SUBSTRACK_OIDC_CLIENT_ID": "x"},
        {"SUBSTRACK_OIDC_ISSUER": "https://id.example.org/?a=b", "SUBSTRACK_OIDC_CLIENT_ID": "x"},
    ],
)
def test_settings_that_let_nobody_or_anybody_in_do_not_start(environ: dict[str, str]) -> None:
    with pytest.raises(WrongSetting):
        load_settings(environ)


def test_off_and_on_are_words_for_it() -> None:
    environ = {"SUBSTRACK_OIDC_ISSUER": "https://id.example.org", "SUBSTRACK_OIDC_CLIENT_ID": "x"}
    assert load_settings(environ | {"SUBSTRACK_LOCAL_SIGN_IN": "off"}).local_sign_in is False
    assert load_settings(environ | {"SUBSTRACK_LOCAL_SIGN_IN": "on"}).local_sign_in is True
