"""Claims about what the nginx example lets through, under a path with TLS, to `serve` as its unit runs it."""

from __future__ import annotations

import http.client
import re
from html import unescape
from pathlib import Path

from tests.deploy.certificates import Certificate
from tests.deploy.front import Front
from tests.deploy.nginx import Ports, nginx
from tests.deploy.programs import waited_until
from tests.deploy.visitors import Visitor
from tests.fakes.smtp import free_port
from tests.web.support import PASSWORD

LINK = re.compile(r'\b(?:href|src|action)="([^"]*)"')
URL = re.compile(r"https?://[^\s<>\"]+")


def test_links_in_pages_and_mails_carry_the_path_and_https(front: Front) -> None:
    ben = front.visitor()
    shown = ben.ask(front.page_of(0))
    claimed = ben.follow(ben.press(shown, "I’ve paid"))

    waited_until(lambda: bool(front.mail_to("olga@example.org")))
    (mail,) = front.mail_to("olga@example.org")
    decision = ben.ask(next(url for url in URL.findall(mail.text) if "/decide/" in url))

    assert {url for url in URL.findall(mail.text) if not url.startswith(f"{front.base_url}/")} == set()
    assert all(where.startswith((f"{front.base_url}/", "mailto:")) for where in LINK.findall(mail.html))
    assert decision.status == 200
    for page in (shown, claimed, decision, ben.ask("/sign-in")):
        places = [unescape(place) for place in LINK.findall(page.text)]
        assert places
        assert all(
            place.startswith(("/subs/", f"{front.base_url}/", "#", "mailto:")) for place in places if place
        )


def test_signing_in_works_and_its_cookies_are_locked(front: Front) -> None:
    olga = front.visitor()
    asked = olga.ask("/sign-in")

    entered = olga.press(asked, "Sign in", email="olga@example.org", password=PASSWORD)
    home = olga.follow(entered)

    assert (entered.status, home.status) == (303, 200)
    assert entered.headers["Location"].removeprefix(front.base_url.removesuffix("/subs")) == "/subs/"
    assert "Home" in home.text
    assert len(olga.cookies) >= 2
    for name, cookie in olga.cookies.items():
        # By the prefix browsers insist on Path=/ (RFC 6265bis, 4.1.3.2): no neighbour's page can plant one.
        assert name.startswith("__Host-")
        assert (cookie["secure"], cookie["httponly"], cookie["path"]) == (True, True, "/")
        assert cookie["samesite"] == "Lax"


def test_browsers_are_told_once_to_stay_with_https(front: Front) -> None:
    visitor = front.visitor()
    answers = [visitor.ask(where) for where in ("/sign-in", "/nothing", "/static/mark.svg", front.page_of(1))]

    assert [answer.all("Strict-Transport-Security") for answer in answers] == [["max-age=31536000"]] * 4
    assert all(len(answer.all("Content-Security-Policy")) == 1 for answer in answers)


def test_without_tls_one_is_led_to_https(front: Front) -> None:
    line = http.client.HTTPConnection("127.0.0.1", front.ports.http)
    line.request("GET", "/subs/sign-in?next=/", headers={"Host": "localhost"})
    answer = line.getresponse()
    line.close()

    assert (answer.status, answer.headers["Location"]) == (301, "https://localhost/subs/sign-in?next=/")


def test_files_may_be_kept_and_peoples_pages_may_not(front: Front) -> None:
    visitor = front.visitor()
    page = visitor.ask(front.page_of(1))
    style = next(place for place in LINK.findall(page.text) if ".css" in place)
    file = visitor.ask(front.base_url.removesuffix("/subs") + style, headers={"Accept-Encoding": "gzip"})

    assert "max-age=3600" in file.headers["Cache-Control"]
    assert file.headers["Content-Encoding"] == "gzip"
    assert page.all("Cache-Control") == ["no-store"]
    assert page.all("Referrer-Policy") == ["no-referrer"]
    assert page.all("X-Robots-Tag") == ["noindex, nofollow"]
    assert page.headers["Content-Encoding"] is None  # pages hold secrets, and their length would tell


def test_a_house_that_is_not_there_is_said_calmly(
    nginx_program: str, certificate: Certificate, tmp_path: Path
) -> None:
    ports = Ports(free_port(), free_port(), [free_port()])
    with nginx(nginx_program, tmp_path / "nginx", certificate, ports, under_path=False) as proxy:
        proxy.until_listening(ports.https)
        answer = Visitor(f"https://localhost:{ports.https}", certificate.trusted()).ask("/")

    assert answer.status == 502
    assert "Back in a moment" in answer.text
