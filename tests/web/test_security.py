"""Claims about what browsers are told and what they may not be tricked into."""

from __future__ import annotations

import re
from contextlib import closing

import pytest
from attrs import evolve
from flask import Flask, request

from substrack.bootstrap import Runtime, make_runtime
from substrack.domain.errors import Refused
from substrack.settings import Settings, WrongSetting
from substrack.store import Installation
from substrack.web.access import public, signed_in
from substrack.web.app import create_app
from tests.web.support import PASSWORD, Browser, form_token, found_home
from tests.web.test_routes import lost_database

pytestmark = pytest.mark.only_sqlite

ANY_PAGE = [
    "/",
    "/sign-in",
    "/reset",
    "/reset/x",
    "/invite/x",
    "/setup/x",
    "/profile",
    "/admins",
    "/nothing",
    "/healthz",
    "/static/css/app.css",
    "/bootstrap/static/css/bootstrap.min.css",
]


class TestHeaders:
    @pytest.mark.parametrize("path", ANY_PAGE)
    def test_every_answer_is_strict(self, olga: Browser, path: str) -> None:
        headers = olga.get(path).headers

        assert "Content-Security-Policy" in headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize("path", ["/", "/sign-in", "/reset/x", "/profile", "/nothing"])
    def test_no_page_is_stored_or_indexed(self, olga: Browser, path: str) -> None:
        headers = olga.get(path).headers

        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Robots-Tag"] == "noindex, nofollow"

    @pytest.mark.parametrize("path", ["/reset/x", "/invite/x", "/setup/x"])
    def test_a_link_page_never_tells_its_address(self, zed: Browser, path: str) -> None:
        assert zed.get(path).headers["Referrer-Policy"] == "no-referrer"

    @pytest.mark.parametrize(
        "path", ["/", "/sign-in", "/reset", "/profile", "/admins", "/nothing", "/reset/x"]
    )
    def test_no_page_has_inline_code(self, olga: Browser, zed: Browser, path: str) -> None:
        for text in (olga.get(path).text, zed.get(path).text):
            assert all(' src="/static/js/' in tag for tag in re.findall(r"<script[^>]*>", text))
            assert not re.search(r"<script[^>]*>[^<]", text)
            assert "<style" not in text
            assert " style=" not in text
            assert " onclick=" not in text


class TestForms:
    def test_a_form_of_the_page_works(self, olga: Browser) -> None:
        assert olga.post("/profile", name="Olga P.", language="en").status_code == 303

    @pytest.mark.parametrize("token", [None, "", "made-up"])
    def test_a_form_without_our_token_changes_nothing(self, olga: Browser, token: str | None) -> None:
        fields = {"name": "Zed", "language": "en"} | ({} if token is None else {"csrf_token": token})

        answer = olga.client.post("/profile", data=fields)

        assert answer.status_code == 400
        assert "out of date" in answer.text
        assert 'value="Olga"' in olga.get("/profile").text

    def test_the_token_of_another_browser_does_not_count(self, app: Flask, olga: Browser) -> None:
        other = app.test_client()
        other.set_cookie("substrack-session", _session_token(olga))
        foreign = form_token(other.get("/profile").text)

        answer = olga.client.post("/profile", data={"name": "Zed", "language": "en", "csrf_token": foreign})

        assert answer.status_code == 400

    @pytest.mark.usefixtures("home")
    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://zed.example"},
            {"Origin": "null"},
            {"Origin": "http://["},
        ],
    )
    def test_another_site_cannot_sign_someone_in(self, zed: Browser, headers: dict[str, str]) -> None:
        fields = {"email": "olga@example.org", "password": PASSWORD}

        assert zed.client.post("/sign-in", data=fields, headers=headers).status_code == 403
        assert not zed.is_signed_in

    @pytest.mark.parametrize("path", ["/setup/x", "/invite/x", "/reset/x"])
    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://zed.example"},
        ],
    )
    def test_nor_by_a_link_of_its_own(self, zed: Browser, path: str, headers: dict[str, str]) -> None:
        assert zed.client.post(path, data={}, headers=headers).status_code == 403

    @pytest.mark.parametrize(
        "headers", [{}, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": "null"}]
    )
    def test_our_page_of_a_link_hides_where_it_is(self, zed: Browser, headers: dict[str, str]) -> None:
        assert zed.client.post("/reset/x", data={}, headers=headers).status_code == 404

    @pytest.mark.usefixtures("home")
    @pytest.mark.parametrize(
        "headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://127.0.0.1:8000"}]
    )
    def test_our_own_form_signs_in(self, zed: Browser, headers: dict[str, str]) -> None:
        fields = {"email": "olga@example.org", "password": PASSWORD}

        assert zed.client.post("/sign-in", data=fields, headers=headers).status_code == 303

    def test_nobody_is_signed_out_by_a_link(self, olga: Browser) -> None:
        assert olga.get("/sign-out").status_code == 405
        assert olga.is_signed_in


class TestCookies:
    def test_on_plain_http_they_have_plain_names_and_a_banner_says_so(self, settings: Settings) -> None:
        with Site(settings, "http://subs.example.org") as site:
            cookies = site.sign_in()

            assert set(cookies) == {"substrack-session", "substrack-device"}
            assert "Plain http" in site.client.get("/", base_url="http://subs.example.org").text
        for cookie in cookies.values():
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            assert "Secure" not in cookie

    def test_on_https_browsers_hold_them_to_this_host(self, settings: Settings) -> None:
        with Site(settings, "https://subs.example.org") as site:
            cookies = site.sign_in()
            page = site.client.get("/", base_url="https://subs.example.org")

        assert set(cookies) == {"__Host-substrack-session", "__Host-substrack-device"}
        for cookie in [*cookies.values(), page.headers["Set-Cookie"]]:
            assert cookie.startswith("__Host-")
            assert "Secure" in cookie
            assert "HttpOnly" in cookie
            assert "Path=/;" in f"{cookie};"
            assert "Domain" not in cookie
        assert "max-age" in page.headers["Strict-Transport-Security"]
        assert "Plain http" not in page.text

    def test_a_visitor_who_only_looks_gets_none(self, zed: Browser) -> None:
        for path in ("/sign-in", "/reset", "/reset/x", "/healthz", "/nothing", "/"):
            assert "Set-Cookie" not in zed.get(path).headers, path


class TestSubPath:
    @pytest.mark.parametrize("asked", ["/subs/sign-in", "/sign-in"])
    def test_pages_stay_under_the_path_whether_or_not_the_proxy_cuts_it(
        self, settings: Settings, asked: str
    ) -> None:
        with Site(settings, "https://example.org/subs") as site:
            text = site.client.get(asked, base_url="https://example.org").text

        assert 'action="/subs/sign-in"' in text
        assert 'href="/subs/static/css/app.css"' in text

    def test_one_goes_on_to_the_page_under_the_path(self, settings: Settings) -> None:
        with Site(settings, "https://example.org/subs") as site:
            found_home(site.runtime)
            asked = site.client.get("/subs/admins", base_url="https://example.org")
            assert asked.location == "/subs/sign-in?next=/admins"
            signed_in = site.client.post(
                "/subs/sign-in",
                data={"email": "olga@example.org", "password": PASSWORD, "next": "/admins"},
                base_url="https://example.org",
            )

        assert signed_in.location == "/subs/admins"

    def test_a_path_that_only_begins_alike_is_not_ours(self, settings: Settings) -> None:
        with Site(settings, "https://example.org/subs") as site:
            assert site.client.get("/subssign-in", base_url="https://example.org").status_code == 404

    @pytest.mark.parametrize("path", ["/pay", "/static/subs", "/groups"])
    def test_a_base_url_does_not_lie_where_our_pages_do(self, settings: Settings, path: str) -> None:
        runtime = make_runtime(evolve(settings, base_url=f"https://example.org{path}"))
        with closing(runtime), pytest.raises(WrongSetting, match=r"are at /\w+; choose another path"):
            create_app(runtime)


class TestProxies:
    def test_forwarded_headers_count_only_from_trusted_proxies(self, settings: Settings) -> None:
        headers = {"X-Forwarded-Host": "subs.example.org", "X-Forwarded-Proto": "https"}
        seen = {}
        for trusted in (0, 1):
            with Site(evolve(settings, trusted_proxies=trusted), "https://subs.example.org") as site:
                site.app.add_url_rule("/where", "where", _where)
                seen[trusted] = site.client.get("/where", headers=headers).text

        assert seen == {0: "http://localhost/where", 1: "https://subs.example.org/where"}


class TestBreaking:
    def test_a_bug_gets_a_calm_page_and_keeps_its_traceback_to_the_log(
        self, app: Flask, zed: Browser, caplog: pytest.LogCaptureFixture
    ) -> None:
        app.testing = False
        app.add_url_rule("/broken", "broken", _broken)

        answer = zed.get("/broken")

        assert answer.status_code == 500
        assert "Something broke" in answer.text
        assert "secret detail" not in answer.text
        assert "secret detail" in caplog.text

    def test_a_button_that_is_refused_takes_one_back_with_the_sentence(
        self, app: Flask, olga: Browser
    ) -> None:
        app.add_url_rule("/refused", "refused", _refused, methods=["POST"])
        token = form_token(olga.get("/profile").text)
        answer = olga.client.post(
            "/refused", data={"csrf_token": token}, headers={"Referer": "http://localhost/profile"}
        )

        assert (answer.status_code, answer.location) == (303, "/profile")
        assert "Not like this." in olga.get("/profile").text
        assert "Not like this." not in olga.get("/profile").text

    @pytest.mark.only_sqlite
    def test_nobody_is_taken_back_to_a_page_that_only_takes_forms(self, app: Flask, olga: Browser) -> None:
        app.add_url_rule("/refused", "refused", _refused, methods=["POST"])
        token = form_token(olga.get("/profile").text)
        answer = olga.client.post(
            "/refused", data={"csrf_token": token}, headers={"Referer": "http://localhost/money-in/all"}
        )

        assert answer.status_code == 422
        assert "Not like this." in answer.text

    def test_a_flood_of_text_is_refused(self, zed: Browser) -> None:
        answer = zed.client.post("/sign-in", data={"email": "x" * 1_000_000})

        assert answer.status_code == 413

    def test_whoever_is_signed_in_hears_that_the_database_is_gone(
        self, runtime: Runtime, olga: Browser
    ) -> None:
        with lost_database(runtime):
            answers = [olga.get(path) for path in ("/", "/sign-in", "/readyz", "/healthz", "/nothing")]

        assert [answer.status_code for answer in answers] == [503, 503, 503, 200, 404]
        assert answers[0].headers["Retry-After"]


class TestBanners:
    def test_what_the_settings_keep_from_people_is_told_on_home(self, olga: Browser) -> None:
        text = olga.get("/").text

        assert "Mail is kept here" in text
        assert "this machine only" in text

    def test_a_hold_is_shown_with_its_reason(self, runtime: Runtime, olga: Browser) -> None:
        with runtime.transaction() as session:
            row = session.get(Installation, 1)
            assert row is not None
            row.hold_reason = "the clock jumped by 3 hours"

        assert "the clock jumped by 3 hours" in olga.get("/").text
        assert (olga.get("/readyz").json or {})["hold"] == "the clock jumped by 3 hours"


class Site:
    """An app of its own at a base URL."""

    def __init__(self, settings: Settings, base_url: str) -> None:
        self.runtime = make_runtime(evolve(settings, base_url=base_url))
        self.app = create_app(self.runtime)
        self.app.testing = True
        self.client = self.app.test_client()

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_error: object) -> None:
        self.runtime.close()

    def sign_in(self) -> dict[str, str]:
        """Sign in as olga and return the cookies that were set, by name."""
        found_home(self.runtime)
        answer = self.client.post(
            "/sign-in",
            data={"email": "olga@example.org", "password": PASSWORD},
            base_url=self.runtime.settings.base_url,
        )
        return {cookie.partition("=")[0]: cookie for cookie in answer.headers.getlist("Set-Cookie")}


def _session_token(who: Browser) -> str:
    cookie = who.client.get_cookie("substrack-session")
    assert cookie is not None
    return cookie.value


@public
def _where() -> str:
    return request.url


@public
def _broken() -> str:
    raise RuntimeError("secret detail")


@signed_in
def _refused() -> str:
    raise Refused("Not like this.")
