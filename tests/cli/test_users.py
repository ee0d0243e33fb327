"""Who is added by command, and how they come to a password of their own; on both databases."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from substrack.bootstrap import make_runtime
from substrack.domain.actors import OPERATOR
from substrack.services.second_factor import turn_on
from substrack.settings import load_settings
from substrack.store import Event, User
from substrack.web.app import create_app
from tests.cli.conftest import START, House
from tests.support.cast import make_stranger
from tests.web.support import Browser, browser

EVE = ("user", "add", "--email", "eve@example.org", "--name", "Eve")


def test_who_is_added_without_a_password_chooses_one_by_a_mailed_link(house: House) -> None:
    house.do(*EVE)
    assert house.do("deliver")["sent"] == 1
    mail = _mail_to(house, "eve@example.org")
    assert mail["Subject"] == "Choose your password for SubsTrack"
    path = _path_of(mail)
    with _pages(house, START) as anybody:
        eve, later = anybody(), anybody()
        assert eve.post(path, password="four other small words").status_code == 303
        assert eve.is_signed_in
        assert later.get(path).status_code == 404
        later.post("/sign-in", email="eve@example.org", password="four other small words")
        assert later.is_signed_in


def test_the_link_to_a_first_password_lives_for_a_week(house: House) -> None:
    house.do(*EVE)
    house.do("deliver")
    path = _path_of(_mail_to(house, "eve@example.org"))
    for instant, status in (("2026-01-27T09:59:00+01:00", 200), ("2026-01-27T10:01:00+01:00", 404)):
        with _pages(house, instant) as anybody:
            assert anybody().get(path).status_code == status


@pytest.mark.only_sqlite
def test_a_link_to_a_first_password_does_not_follow_to_another_mailbox(house: House) -> None:
    house.do(*EVE)
    eve = next(one["id"] for one in house.do("contact", "list") if one["name"] == "Eve")
    house.do("contact", "edit", eve, "--email", "zed@example.org")
    house.do("deliver")
    (told,) = _mails(house)  # the former mailbox hears that it is one
    assert str(told["To"]) == "eve@example.org"
    assert "/reset/" not in told.as_string()


@pytest.mark.only_sqlite
def test_a_password_that_was_given_needs_no_mail(house: House) -> None:
    house.do(*EVE, "--password-stdin", stdin="four other small words\n")
    assert house.do("message", "list") == []


@pytest.mark.only_sqlite
def test_a_password_that_is_no_text_is_refused(house: House) -> None:
    refused = house.run(*EVE, "--password-stdin", stdin=b"four other\xff small words\n")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("--password-stdin: This is no text in UTF-8")


@pytest.mark.only_sqlite
def test_the_first_user_may_choose_a_password_by_mail_too(bare: House) -> None:
    assert bare.do(*EVE, "--role", "owner")["role"] == "owner"
    assert [one["notice"] for one in bare.do("message", "list")] == ["setup"]


@pytest.mark.only_sqlite
@pytest.mark.parametrize(
    ("option", "about"),
    [(("--role", "admin"), "--role: The first user"), (("--workspace", "x"), "--workspace: The first user")],
)
def test_the_first_user_is_the_owner_of_what_they_found(
    bare: House, option: tuple[str, str], about: str
) -> None:
    assert bare.refused(*EVE, *option).startswith(about)


@pytest.mark.only_sqlite
@pytest.mark.parametrize("option", [("--workspace-name", "Home"), ("--timezone", "Europe/Berlin")])
def test_whoever_joins_founds_nothing(house: House, option: tuple[str, str]) -> None:
    assert house.refused(*EVE, *option).startswith(f"{option[0]}: This is for the first user")
    assert [one["name"] for one in house.do("contact", "list")] == ["Olga"]


@pytest.mark.only_sqlite
def test_among_several_workspaces_one_is_named(house: House) -> None:
    runtime = make_runtime(load_settings(house.env))
    stranger = make_stranger(runtime)
    runtime.close()
    assert "Say which workspace" in house.refused(*EVE)
    workspaces = re.findall(r"(\w{12}) \(", house.refused(*EVE))
    added = house.do(*EVE, "--workspace", workspaces[1])
    assert added["workspace"] == workspaces[1]
    assert stranger.workspace_id
    assert [one["name"] for one in house.do("contact", "list", "--workspace", workspaces[0])] == ["Olga"]


def _journal(house: House) -> list[tuple[str, str]]:
    """Read what happened to accounts, and who did it."""
    runtime = make_runtime(load_settings(house.env))
    with runtime.reading() as session:
        lines = session.scalars(select(Event).where(Event.subject_kind == "user").order_by(Event.id)).all()
        found = [(line.verb, str(line.actor_kind)) for line in lines]
    runtime.close()
    return found


def _mail_to(house: House, address: str) -> EmailMessage:
    """Find the one mail that was kept for somebody."""
    (mail,) = [one for one in _mails(house) if address in str(one["To"])]
    return mail


def _mails(house: House) -> list[EmailMessage]:
    files = Path(house.env["SUBSTRACK_DATA_DIR"], "mail").glob("*.eml")
    return [message_from_bytes(file.read_bytes(), EmailMessage, policy=default) for file in files]


def _path_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.search(r"http://127\.0\.0\.1:8000(/reset/\S+)", body.get_content())
    assert found, body.get_content()
    return found[1]


@contextmanager
def _pages(house: House, instant: str) -> Iterator[Callable[[], Browser]]:
    """Open the pages of the house at an instant; gives a new browser at each call."""
    now = datetime.fromisoformat(instant).astimezone(UTC)
    runtime = replace(make_runtime(load_settings(house.env)), clock=lambda: now)
    app = create_app(runtime)
    app.testing = True
    yield partial(browser, app, runtime)
    runtime.close()


@pytest.mark.only_sqlite
def test_who_has_lost_phone_and_paper_is_let_in_with_the_password_alone(house: House) -> None:
    refused = house.refused("user", "second-factor", "off", "--email", "olga@example.org")
    assert refused.startswith("--email: Nobody who signs in with this address has a second step")
    runtime = make_runtime(load_settings(house.env))
    with runtime.transaction() as session:
        user_id = session.scalars(select(User.id)).one()
        terms: dict[str, Any] = {
            "secret": "A" * 32,
            "step": 0,
            "codes": [],
            "by": OPERATOR,
            "now": runtime.now(),
        }
        turn_on(session, runtime.sealer, user_id, **terms)
    runtime.close()
    assert house.run("user", "second-factor", "off", "--email", "Olga@example.org").exit_code == 0
    house.refused("user", "second-factor", "off", "--email", "olga@example.org")


def test_a_link_of_the_operators_signs_in_once_and_for_fifteen_minutes(house: House) -> None:
    assert house.refused("user", "sign-in-link", "--email", "zed@example.org").startswith("--email: Nobody")
    links = [house.run("user", "sign-in-link", "--email", "olga@example.org").stdout.strip() for _ in "12"]
    older, path = (link.removeprefix("http://127.0.0.1:8000") for link in links)
    with _pages(house, START) as anybody:
        olga, later = anybody(), anybody()
        assert olga.get(older).status_code == 404
        assert "Olga" in olga.get(path).text
        assert olga.client.head(path).status_code == olga.get(path).status_code == 200
        assert (olga.is_signed_in, olga.post(path).status_code) == (False, 303)
        assert olga.is_signed_in
        assert later.get(path).status_code == 404
    late = house.run("user", "sign-in-link", "--email", "olga@example.org").stdout.strip()
    with _pages(house, "2026-01-20T10:16:00+01:00") as anybody:
        assert anybody().get(late.removeprefix("http://127.0.0.1:8000")).status_code == 404


@pytest.mark.only_sqlite
def test_the_operator_signs_somebody_out_everywhere(house: House) -> None:
    with _pages(house, START) as anybody:
        olga = anybody()
        path = house.run("user", "sign-in-link", "--email", "olga@example.org").stdout.strip()
        olga.post(path.removeprefix("http://127.0.0.1:8000"))
        assert olga.is_signed_in
        assert "1" in house.run("user", "sign-out", "--email", "OLGA@example.org").stderr
        assert _journal(house)[-1] == ("sign_out", "operator")
        assert not olga.is_signed_in


@pytest.mark.only_sqlite
def test_that_somebody_is_linked_to_the_provider_anew_is_in_the_journal(house: House) -> None:
    house.run("user", "forget-provider", "--email", "olga@example.org")

    assert _journal(house)[-1] == ("forget_provider", "operator")


@pytest.mark.only_sqlite
def test_whom_only_the_provider_signs_in_is_mailed_no_link_to_a_password(house: House) -> None:
    provider = {"SUBSTRACK_OIDC_ISSUER": "https://id.example.org", "SUBSTRACK_OIDC_CLIENT_ID": "substrack"}
    there = House(house.env | provider | {"SUBSTRACK_LOCAL_SIGN_IN": "off"})

    added = there.run(*EVE)

    assert (added.exit_code, "identity provider signs them in" in added.stderr) == (0, True)
    assert there.do("message", "list") == []
