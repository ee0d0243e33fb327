"""Bad input ends in one clear sentence, by command and by page; afterwards everything is as it was."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from tests.fakes.smtp import free_port
from tests.journeys.browser import Browser, Page
from tests.journeys.house import BASE_URL, House, berlin, mailbox, sign_in
from tests.journeys.letters import Letter

LONG = "x" * 10_000


@dataclass
class Scene:
    """One group between Olga and Ben, who has been asked for his share."""

    house: House
    names: dict[str, str]
    request: Letter

    def refuse(self, *arguments: str) -> Result:
        """Run a command that must be refused and must leave everything as it was."""
        before = self.house.dump()
        result = self.house.run(*(one.format(**self.names) for one in arguments))
        assert self.house.dump() == before
        assert result.exit_code == 1, result.output
        assert isinstance(result.exception, SystemExit)
        assert result.stdout == ""
        assert len(result.stderr.splitlines()) == 1
        return result


@pytest.fixture
def scene(house: House) -> Scene:
    terms = ("--name", "VPN", "--price", "6.00", "--currency", "EUR", "--billing-day", "31")
    group = house.do("group", "add", *terms, "--starts-on", "2026-01-31", "--timezone", "Europe/Berlin")
    ben = house.join(group["id"], "Ben")
    for when in (berlin("2026-01-31"), berlin("2026-02-03")):
        house.go_to(when)
        house.tick()
    (request,) = house.deliver()
    (payment,) = house.do("payment", "list", "--status", "pending")
    (period,) = house.do("period", "list")
    names = {"group": group["id"], "ben": ben["id"], "person": ben["contact"]}
    return Scene(house, names | {"payment": payment["id"], "period": period["id"]}, request)


ADD = ("group", "add", "--name", "New", "--currency", "EUR", "--starts-on", "2026-03-01")
PRICED = (*ADD, "--price", "3")
JOIN = ("member", "add", "--group", "{group}", "--name", "Mia")
MONEY = ("receipt", "add", "--contact", "{person}", "--amount", "1")
CASES: list[tuple[str, tuple[str, ...], str]] = [
    ("unknown currency", ("group", "add", "--name", "N", "--price", "3", "--currency", "XYZ"), "--currency"),
    ("negative price", (*ADD, "--price", "-1"), "--price"),
    ("absurd price", (*ADD, "--price", "9" * 30), "--price"),
    ("ambiguous price", (*ADD, "--price", "1.234"), "--price"),
    ("too many decimals", (*ADD, "--price", "1.23456"), "--price"),
    ("decimals of a yen", (*ADD, "--currency", "JPY", "--price", "10.5"), "--price"),
    ("words for a price", (*ADD, "--price", "a fiver"), "--price"),
    ("price of nothing", ("price", "set", "--group", "{group}", "--price", ""), "--price"),
    ("fixed amounts over the total", (*JOIN, "--amount", "6.01"), "--amount"),
    ("weight of 0", (*JOIN, "--weight", "0"), "--weight"),
    ("weight below 0", (*JOIN, "--weight", "-2"), "--weight"),
    ("absurd weight", (*JOIN, "--weight", "1001"), "--weight"),
    ("leaving before joining", ("member", "leave", "{ben}", "--left-on", "2026-01-09"), "--left-on"),
    ("billing day 0", (*PRICED, "--billing-day", "0"), "--billing-day"),
    ("billing day 32", (*PRICED, "--billing-day", "32"), "--billing-day"),
    ("end before the start", (*PRICED, "--ends-on", "2026-02-28"), "--ends-on"),
    ("a script for a payment link", (*PRICED, "--pay-link", "javascript:alert(1)"), "--pay-link"),
    ("a data address for a payment link", (*PRICED, "--pay-link", "data:text/html,x"), "--pay-link"),
    ("a newline in a name", (*JOIN[:-1], "Mia\nBcc: zed@example.net"), "--name"),
    ("a control character in a name", (*JOIN[:-1], "Mia\x07"), "--name"),
    ("a turned-around name", (*JOIN[:-1], "Mia\u202e"), "--name"),
    ("a newline in a group's name", ("group", "edit", "{group}", "--name", "A\r\nSubject: B"), "--name"),
    ("a newline in an address", (*JOIN, "--email", "mia@example.org\nBcc: z@example.net"), "--email"),
    ("a long note", ("payment", "claim", "{payment}", "--note", LONG + "x"), "--note"),
    ("a long reason", ("payment", "waive", "{payment}", "--reason", LONG + "x"), "--reason"),
    ("no reason", ("payment", "waive", "{payment}", "--reason", "  "), "--reason"),
    ("an unknown zone", (*PRICED, "--timezone", "Europe/Atlantis"), "--timezone"),
    ("an unknown zone of a person", ("contact", "edit", "{person}", "--timezone", "X/Y"), "--timezone"),
    ("0 periods a cycle", (*PRICED, "--every", "0"), "--every"),
    ("hour 24", (*PRICED, "--hour", "24"), "--hour"),
    ("asking every 0 days", (*PRICED, "--repeat-every-days", "0"), "--repeat-every-days"),
    ("confirming nothing", ("payment", "confirm", "{payment}", "--amount", "0"), "--amount"),
    ("confirming less than nothing", ("payment", "confirm", "{payment}", "--amount", "-1"), "--amount"),
    ("rejecting what nobody claimed", ("payment", "reject", "{payment}", "--reason", "no"), ""),
    ("reopening what is open", ("payment", "reopen", "{payment}", "--because", "never-came"), ""),
    ("paid in the future", ("payment", "claim", "{payment}", "--paid-on", "2026-03-03"), "--paid-on"),
    ("a total below the fixed", ("period", "edit", "{period}", "--total", "-6", "--reason", "r"), "--total"),
    ("a currency nobody owes", (*MONEY, "--currency", "USD"), "--payer"),
    ("money from nowhere", (*MONEY[:-1], "-1"), "--amount"),
    ("a stranger's id", ("payment", "confirm", "nosuchpaymnt"), ""),
]  # fmt: skip


@pytest.mark.only_sqlite
@pytest.mark.parametrize(("arguments", "flag"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_command_line_says_what_to_change(scene: Scene, arguments: tuple[str, ...], flag: str) -> None:
    assert scene.refuse(*arguments).stderr.startswith(flag)


BIG = "9" * 25
HOSTILE: list[tuple[tuple[str, ...], str]] = [
    (("payment", "confirm", "no\0thing"), "Argument 3 holds a character that is no text"),
    (("group", "show", "\udcff"), "Argument 3 holds a character that is no text"),
    ((*JOIN[:-1], "Mia\0"), "Argument 6 holds a character that is no text"),
    (("payment", "confirm", BIG), "There is no such payment"),
    ((*JOIN, "--weight", BIG), "--weight"),
    ((*JOIN, "--amount", BIG), "--amount"),
    (("payment", "confirm", "{payment}", "--amount", "92233720368547758.08"), "--amount"),
    (("price", "set", "--group", "{group}", "--price", BIG), "--price"),
    (("period", "edit", "{period}", "--total", BIG, "--reason", "r"), "--total"),
    (("group", "edit", "{group}", "--hour", BIG), "--hour"),
    (("group", "edit", "{group}", "--due-days", BIG), "--due-days"),
    (("group", "edit", "{group}", "--every", BIG), "--every"),
    ((*JOIN[:-1], LONG), "--name"),
    (("group", "edit", "{group}", "--description", LONG), "--description"),
    (("group", "edit", "{group}", "--pay-text", LONG), "--pay-text"),
    (("group", "edit", "{group}", "--pay-iban", LONG), "--pay-iban"),
    (("contact", "edit", "{person}", "--email", f"{LONG}@example.org"), "--email"),
    (("contact", "edit", "{person}", "--language", LONG), "--language"),
    (("contact", "edit", "{person}", "--timezone", LONG), "--timezone"),
    (("payment", "claim", "{payment}", "--note", LONG + "x"), "--note"),
    (("payment", "waive", "{payment}", "--reason", LONG + "x"), "--reason"),
]  # fmt: skip


def test_what_no_column_holds_is_refused_on_either_database(scene: Scene) -> None:
    for arguments, sentence in HOSTILE:
        assert scene.refuse(*arguments).stderr.startswith(sentence), arguments


@pytest.mark.only_sqlite
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUBSTRACK_DATA_DIR", "/proc/none"),
        ("SUBSTRACK_DATABASE_URL", "nonsense"),
        ("SUBSTRACK_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none"),
        ("SUBSTRACK_SECRET_KEYS", "short"),
        ("SUBSTRACK_SECRET_KEYS", "changeme" * 5),
        ("SUBSTRACK_SECRET_KEYS", "0123456789abcdefghijklmnopqrstuvwxyz"),
        ("SUBSTRACK_SMTP_URL", "https://mail.example.org"),
        ("SUBSTRACK_BASE_URL", "subs.example.org"),
    ],
)
def test_a_wrong_setting_stops_everything_with_its_name(scene: Scene, name: str, value: str) -> None:
    before = scene.house.dump()
    scene.house.env |= {name: value}
    result = scene.house.run("tick")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert name in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert scene.house.dump() == before


@pytest.mark.only_sqlite
def test_mail_that_nobody_takes_waits_and_is_sent_later(scene: Scene) -> None:
    house, works = scene.house, scene.house.env["SUBSTRACK_SMTP_URL"]
    house.do("payment", "confirm", scene.names["payment"])
    house.env["SUBSTRACK_SMTP_URL"] = f"smtp://127.0.0.1:{free_port()}"
    away = house.run("deliver", "--json")
    assert (away.exit_code, away.exception) == (0, None)
    house.env["SUBSTRACK_SMTP_URL"] = works
    house.wait(minutes=2)
    house.relay.fail_next("RCPT", "451 4.7.1 greylisted, try again later")
    assert house.do("deliver")["sent"] == 0
    house.wait(minutes=30)
    assert [one.kind for one in house.deliver()] == ["received"]


@pytest.mark.only_sqlite
def test_an_address_that_is_gone_is_told_to_olga_and_asked_no_more(scene: Scene) -> None:
    house = scene.house
    house.relay.fail_next("RCPT", "550 5.1.1 no such user")
    house.go_to(berlin("2026-02-06"))
    house.tick()
    assert [(one.to, one.kind) for one in house.deliver()] == [(mailbox("Olga"), "address_refused")]
    for day in ("2026-02-09", "2026-02-12"):
        house.go_to(berlin(day))
        house.tick()
        assert house.deliver() == []
    (ben,) = [one for one in house.do("contact", "list") if one["name"] == "Ben"]
    assert ben["reachable"] is False


@pytest.mark.only_sqlite
def test_a_removed_address_is_calmly_left_alone(scene: Scene) -> None:
    house = scene.house
    house.do("contact", "edit", scene.names["person"], "--email", "")
    house.go_to(berlin("2026-02-06"))
    house.tick()
    (farewell,) = house.deliver()  # it hears that it is out, and nothing else
    assert "6.00" not in farewell.text


@pytest.mark.only_sqlite
def test_html_in_names_is_only_text_in_mail_and_pages(scene: Scene, app: Flask) -> None:
    name, house = "<img src=x onerror=alert(1)>", scene.house
    house.do("contact", "edit", scene.names["person"], "--name", name)
    house.do("group", "edit", scene.names["group"], "--name", "<b>VPN</b>")
    house.do("payment", "claim", scene.names["payment"], "--note", "<script>alert(2)</script>")
    (notice,) = house.deliver()
    desk = Browser(app, BASE_URL)
    sign_in(desk)
    pages = [
        desk.open("/review"),
        desk.open("/"),
        desk.open(f"/groups/{scene.names['group']}"),
        desk.open(notice.link("decide")),
        desk.open(scene.request.link("pay")),
    ]
    for html in (notice.mail.html, *(page.html for page in pages)):
        assert "<img src=x" not in html
        assert "<b>VPN" not in html
        assert "<script>alert" not in html
    assert name in notice.text
    assert name in pages[0].words
    assert "\n" not in notice.subject


@pytest.mark.only_sqlite
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": "1.234"}, "1.234"),
        ({"amount": "-3"}, "negative"),
        ({"amount": "a lot"}, "amount"),
        ({"paid_on": "2026-12-24"}, "future"),
        ({"note": LONG + "x"}, "10,001"),
    ],
)
def test_the_members_page_keeps_what_was_typed(
    scene: Scene, app: Flask, typed: dict[str, str], sentence: str
) -> None:
    phone, before = Browser(app, BASE_URL), scene.house.dump()
    page = phone.press(phone.open(scene.request.link("pay")), "I’ve paid", **typed)
    _is_kept(page, typed, sentence)
    assert [box.is_on for box in page.ticks("payment")] == [True]
    assert scene.house.dump() == before


@pytest.mark.only_sqlite
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"currency": "XYZ"}, "currency"),
        ({"price": "1.234"}, "1.234"),
        ({"price": "-1"}, "negative"),
        ({"price": ""}, "price"),
        ({"billing_day": "32"}, "31"),
        ({"billing_day": "0"}, "31"),
        ({"starts_on": "31.02.2026"}, "such as 2026-03-05"),
        ({"starts_on": "2026-03-01", "ends_on": "2026-02-01"}, "end before it starts"),
        ({"time_zone": "Europe/Atlantis"}, "time zone"),
        ({"name": ""}, "name"),
        ({"name": LONG}, "Keep this to 100 characters"),
        ({"ways-0-value": "javascript:alert(1)"}, "https"),
        ({"hour": "99"}, "23"),
    ],
)
def test_the_form_of_a_group_keeps_what_was_typed(
    scene: Scene, app: Flask, typed: dict[str, str], sentence: str
) -> None:
    desk = Browser(app, BASE_URL)
    sign_in(desk)
    filled = {"name": "Club", "price": "12.00", "currency": "EUR", "starts_on": "2026-03-01"} | typed
    page, before = desk.open("/groups/new"), _lasting(scene.house)
    _is_kept(desk.press(page, "Set up the group", **filled), typed, sentence)
    assert _lasting(scene.house) == before


@pytest.mark.parametrize("typed", [{"reason": ""}, {"reason": LONG + "x"}])
def test_a_rejection_without_a_good_reason_changes_nothing(
    scene: Scene, app: Flask, typed: dict[str, str]
) -> None:
    scene.house.do("payment", "claim", scene.names["payment"])
    (notice,) = scene.house.deliver()
    before = scene.house.dump()
    phone = Browser(app, BASE_URL)
    page = phone.press(phone.open(notice.link("decide")), "Reject", **typed)
    assert page.status == 422
    assert scene.house.dump() == before


@pytest.mark.parametrize("path", ["/pay/", "/decide/", "/unsubscribe/", "/invite/", "/setup/", "/reset/"])
def test_a_mangled_link_is_one_calm_page(scene: Scene, app: Flask, path: str) -> None:
    good, before = scene.request.link("pay"), scene.house.dump()
    token = good.rpartition("/")[2]
    for bad in (token[:-1], token.swapcase(), "x", "%00", "a" * 5000, "../../etc/passwd"):
        page = Browser(app, BASE_URL).open(path + bad)
        assert page.status == 404
        assert "Traceback" not in page.html
    assert scene.house.dump() == before


def _is_kept(page: Page, typed: dict[str, str], sentence: str) -> None:
    assert page.status == 422, (page.status, page.words)
    beside = re.findall(r'class="field-error"[^>]*>(.*?)</p>', page.html, re.DOTALL)
    assert any(sentence.lower() in one.lower() for one in beside), beside
    for name, value in typed.items():
        assert value in map(unescape, page.fields(name)), (name, page.fields(name))


def _lasting(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """Leave out when this browser was last seen, which every page of somebody signed in may write."""
    return {name: rows for name, rows in house.dump().items() if name != "user_sessions"}
