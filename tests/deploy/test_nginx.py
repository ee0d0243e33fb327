"""Claims about the nginx example, under a path with TLS, before `serve` as its unit runs it."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
from werkzeug.test import encode_multipart

from substrack.channels.mailbox import KeptMail, MailboxChannel
from substrack.services.proofs import MAX_BYTES
from tests.deploy.certificates import Certificate
from tests.deploy.installations import Household, Installation, found_household
from tests.deploy.nginx import Ports, nginx
from tests.deploy.programs import Program, waited_until
from tests.deploy.units import Unit
from tests.deploy.visitors import Reply, Visitor
from tests.fakes.smtp import free_port
from tests.support.databases import Databases
from tests.web.support import PASSWORD

TOKEN = {"Authorization": "Bearer g3Qz8rTn5vKw2xLp"}
MIB = 1024 * 1024
LINK = re.compile(r'\b(?:href|src|action)="([^"]*)"')
URL = re.compile(r"https?://[^\s<>\"]+")


@dataclass
class Front:
    """The house behind nginx, and who comes to it."""

    household: Household
    directory: Path
    ports: Ports
    base_url: str
    certificate: Certificate
    mail_dir: Path

    def visitor(self, address: str = "127.0.0.1") -> Visitor:
        """Let somebody come from an address."""
        return Visitor(self.base_url, self.certificate.trusted(), address)

    def page_of(self, place: int) -> str:
        """Give the link to a member's page."""
        return self.household.page_of(self.household.members[place])

    def mail_to(self, address: str) -> list[KeptMail]:
        """List the mail that somebody got."""
        kept = MailboxChannel(self.mail_dir).newest()
        return [mail for mail in kept if mail.to.strip("<>").endswith(address)]


@pytest.fixture(scope="module")
def front(
    databases: Databases,
    nginx_program: str,
    certificate: Certificate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    directory = tmp_path_factory.mktemp("front")
    ports = Ports(free_port(), free_port(), [free_port()])
    base_url = f"https://localhost:{ports.https}/subs"
    with databases.lend("sqlite") as url:
        settings = {"base_url": base_url, "database_url": url, "port": str(ports.behind[0])}
        installed = Installation(
            directory, settings | {"trusted_proxies": "1", "metrics_token": TOKEN["Authorization"].split()[1]}
        )
        served = installed.program(Unit.read("substrack.service"))
        proxy = nginx(nginx_program, directory / "nginx", certificate, ports, under_path=True)
        with installed.opened() as runtime, served, proxy:
            household = found_household(runtime, "Ben", "Mia", "Theo")
            _until_both_answer(served, proxy, ports)
            yield Front(household, directory / "nginx", ports, base_url, certificate, runtime.mail_dir)


def _until_both_answer(served: Program, proxy: Program, ports: Ports) -> None:
    served.until_says("SubsTrack runs on")
    served.until_listening(ports.behind[0])
    proxy.until_listening(ports.https)


def _sign_in(visitor: Visitor, email: str, password: str, **headers: str) -> Reply:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return visitor.send("/sign-in", [("email", email), ("password", password)], given)


def _send_proof(front: Front, size: int) -> Reply:
    proof = b"%PDF-1.4\n".ljust(size - 6, b"\n") + b"%%EOF\n"
    theo = front.household.members[2]
    owed = front.household.cast.payment_of(theo).public_id
    boundary, body = encode_multipart({"act": "claim", "payment": owed})
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="proof"; filename="a.pdf"\r\n\r\n'
    whole = file.encode() + proof + b"\r\n" + body.lstrip()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return front.visitor().ask(front.page_of(2), method="POST", body=whole, headers=kind)


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


def test_a_forged_address_changes_nothing(front: Front) -> None:
    guesser, neighbour = front.visitor("127.0.0.7"), front.visitor("127.0.0.8")
    guesses = [
        _sign_in(guesser, f"nobody{turn}@example.org", "wrong", X_Forwarded_For=f"203.0.113.{turn}")
        for turn in range(11)
    ]
    blamed = {"X_Forwarded_For": "127.0.0.7", "X_Real_IP": "127.0.0.7", "Forwarded": "for=127.0.0.7"}
    other = _sign_in(neighbour, "nobody@example.org", "wrong", **blamed)

    assert [guess.status for guess in guesses] == [422] * 10 + [429]
    assert other.status == 422


def test_a_forged_host_changes_nothing(front: Front) -> None:
    visitor = front.visitor("127.0.0.6")
    forged = {"X_Forwarded_Host": "zed.example", "X_Forwarded_Prefix": "/zed", "X_Forwarded_Proto": "http"}
    from_elsewhere = _sign_in(visitor, "olga@example.org", PASSWORD, Origin="https://zed.example", **forged)
    ours = _sign_in(visitor, "olga@example.org", PASSWORD, **forged)

    assert from_elsewhere.status == 403  # a form of zed's does not become ours by a header
    assert ours.status == 303
    assert "zed" not in ours.headers["Location"]
    assert all(cookie["secure"] for cookie in visitor.cookies.values())


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


@pytest.mark.parametrize(
    ("size", "status", "words"),
    [
        (MAX_BYTES + 1, 422, "send a picture or PDF of up to 10 MB"),
        (MAX_BYTES + MIB, 413, "A picture or PDF may have up to 10 MB"),  # said by SubsTrack
        (MAX_BYTES + 3 * MIB, 413, "A picture or PDF may have up to 10 MB"),  # said by nginx
    ],
)
def test_a_file_that_is_too_large_is_refused_in_clear_words(
    front: Front, size: int, status: int, words: str
) -> None:
    answer = _send_proof(front, size)

    assert answer.status == status
    assert words in answer.text


def test_the_largest_file_gets_through(front: Front) -> None:
    answer = _send_proof(front, MAX_BYTES)
    assert answer.status == 303, answer.page.words


@pytest.mark.parametrize("name", ["readyz", "metrics"])
def test_what_is_for_machines_is_not_public(front: Front, name: str) -> None:
    visitor, host = front.visitor(), front.base_url.removesuffix("/subs")
    spellings = (
        f"/subs/{name}", f"/subs//{name}", f"//subs/{name}", f"/subs/%{ord(name[0]):02x}{name[1:]}",
        f"/subs/static/../{name}", f"/subs/./{name}", f"/subs/{name}?x=1", f"/subs/{name}/", f"/{name}",
        f"/subs/subs/{name}",
    )  # fmt: skip

    assert {visitor.ask(host + spelling, headers=TOKEN).status for spelling in spellings} == {404}
    line = http.client.HTTPConnection("127.0.0.1", front.ports.behind[0])
    line.request("GET", f"/subs/{name}", headers=TOKEN)
    assert line.getresponse().status == 200  # it is there, for who asks on the machine
    line.close()
    assert visitor.ask("/healthz").status == 200


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


def test_the_log_of_nginx_opens_no_page(front: Front) -> None:
    link = front.page_of(1)
    answer = front.visitor().ask(f"{link}?language=de", headers={"X-Request-ID": "a-word-of-zeds"})
    token = link.rpartition("/")[2]
    log = front.directory / "substrack.log"
    waited_until(lambda: "/subs/pay/..." in log.read_text())

    assert token not in log.read_text()
    assert f"{answer.headers['X-Request-ID']}\n" in log.read_text()  # by which the program's lines are found


def test_who_guesses_fast_is_stopped_before_the_door(front: Front) -> None:
    guesser, answers = front.visitor("127.0.0.9"), list[Reply]()

    def is_stopped() -> bool:
        answers.append(_sign_in(guesser, "nobody@example.org", ""))
        return "Wait a minute" in answers[-1].text

    waited_until(is_stopped)

    assert len(answers) > 20
    assert answers[-1].status == 429
    assert guesser.ask("/sign-in").status == 200  # looking is free


def test_a_house_that_is_not_there_is_said_calmly(
    nginx_program: str, certificate: Certificate, tmp_path: Path
) -> None:
    ports = Ports(free_port(), free_port(), [free_port()])
    with nginx(nginx_program, tmp_path / "nginx", certificate, ports, under_path=False) as proxy:
        proxy.until_listening(ports.https)
        answer = Visitor(f"https://localhost:{ports.https}", certificate.trusted()).ask("/")

    assert answer.status == 502
    assert "Back in a moment" in answer.text
