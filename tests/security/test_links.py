"""Links and who plays with them: scanners change nothing, tokens open only what they were made for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import Signer
from sqlalchemy import select, update

from substrack.bootstrap import Runtime, make_runtime, secret_keys
from substrack.domain.actors import Actor
from substrack.domain.payments import Status
from substrack.queries.accounts import registration_is_open
from substrack.services.claims import withdraw_claim
from substrack.services.founding import issue_setup_link
from substrack.services.links import LIFETIMES
from substrack.setting_values import SecretStr
from substrack.settings import WrongSetting, load_settings
from substrack.store import Attempt, Link, LinkPurpose, Message
from substrack.web.app import create_app
from tests.journeys.browser import Browser as Reader
from tests.security.world import World
from tests.web.support import NOW, TurnableClock

WITHOUT_PAGE: Final = {LinkPurpose.CHAT, LinkPurpose.CALENDAR}
"""Purposes whose links open no page: one is taken up in Telegram, one is made for nobody yet."""

PAGES: Final = tuple(purpose.value for purpose in LinkPurpose if purpose not in WITHOUT_PAGE)
OPENS: Final = {purpose: 302 if purpose == "setup" else 200 for purpose in PAGES}
"""What a good link answers here, where the workspace is founded: setting up leads to the sign-in."""

ONE_PRESS: Final = {"enter"}
"""Pages whose one button is what they are for; whoever has the link is in."""

AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
    "Barracuda Sentinel (EE)",
    "Mozilla/5.0 (compatible; Google-Safety; +http://www.google.com/bot.html)",
    "facebookexternalhit/1.1",
    "",
)
MANGLED: Final[dict[str, Callable[[str], str]]] = {
    "a trailing =": lambda token: f"{token}=",
    "a trailing dot": lambda token: f"{token}.",
    "the other case": str.swapcase,
    "cut": lambda token: token[:-1],
    "doubled": lambda token: token + token,
    "another id": lambda token: ("0" if token[0] != "0" else "1") + token[1:],
    "no signature": lambda token: token.partition(".")[0],
    "only a signature": lambda token: "." + token.partition(".")[2],
    "its own key": lambda token: (
        Signer("guessed", salt="substrack.pay").sign(token.partition(".")[0]).decode()
    ),
    "spaces": lambda token: f"%20{token}",
    "very long": lambda token: token * 50,
}


def address(world: World, purpose: str) -> str:
    return f"/{purpose}/{world.links[purpose]}"


def look_often(app: Flask, path: str) -> set[int]:
    """Open a page fifty times at once, as mail scanners do, and tell the answers."""

    def look(number: int) -> int:
        client: FlaskClient = app.test_client()
        asked = {"User-Agent": AGENTS[number % len(AGENTS)]}
        came_from = {"REMOTE_ADDR": f"203.0.113.{number}"}
        method = "HEAD" if number % 5 == 0 else "GET"
        return client.open(path, method=method, headers=asked, environ_base=came_from).status_code

    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(look, range(50)))


def refusal(answer_text: str) -> str:
    """Take what differs by its nature out of a page: whatever its own address is."""
    return re.sub(r'(value|action|href)="[^"]*"', r"\1", answer_text)


class TestScanners:
    @pytest.mark.parametrize("purpose", PAGES)
    def test_opening_a_link_changes_nothing_however_often_and_by_whom(
        self, world: World, purpose: str
    ) -> None:
        path, before = address(world, purpose), world.rows()
        assert look_often(world.app, path) == {OPENS[purpose]}
        assert world.rows() == before

    @pytest.mark.only_sqlite
    def test_nor_does_opening_the_setup_link_before_anybody_has_used_it(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            path = "/setup/" + runtime.signer.token(LinkPurpose.SETUP, issue_setup_link(session, now=NOW).jti)
        fixed = replace(runtime, clock=lambda: NOW)
        app = create_app(fixed)

        assert look_often(app, path) == {200}

        with runtime.reading() as session:
            assert session.scalars(select(Link.used_at)).all() == [None]
            assert registration_is_open(session)

    @pytest.mark.parametrize("purpose", sorted(set(PAGES) - ONE_PRESS))
    def test_sending_the_first_form_as_it_stands_changes_nothing(self, world: World, purpose: str) -> None:
        before, reader = world.rows(), Reader(world.app, world.runtime.settings.base_url)
        page = reader.open(address(world, purpose))
        for form in page.forms[:1]:
            assert reader.submit(page, form).status in (200, 400, 422)
        assert world.rows() == before

    def test_pressing_every_button_of_a_members_page_leads_to_a_flagged_claim_at_most(
        self, fresh_world: World
    ) -> None:
        world = fresh_world
        world.cast.do(withdraw_claim, world.ben.contact_id, [world.cast.payment_of(world.ben).id],
                      by=Actor.contact(world.ben.contact_id), now=NOW)  # fmt: skip
        mail = world.first(select(Message))
        with world.runtime.transaction() as session:
            came = {"contact_id": world.ben.contact_id, "sent_at": NOW - timedelta(seconds=30)}
            session.execute(update(Message).where(Message.id == mail.id).values(came))
        robot = Reader(world.app, world.runtime.settings.base_url)
        pressed = 0
        for _round in range(2):
            page = robot.open(address(world, "pay"))
            for form in page.forms:
                for button in [one for one in form.controls if one.kind == "button"]:
                    robot.post(page.url, dict(form.sent_by(button, {})))
                    pressed += 1
        assert pressed > 4
        payments = world.cast.payments(contact_id=world.ben.contact_id)
        assert {payment.status for payment in payments} <= {Status.PENDING, Status.MEMBER_CONFIRMED}
        open_claims = select(Attempt).where(
            Attempt.state == "open", Attempt.contact_id == world.ben.contact_id
        )
        claims = world.cast.read(lambda session: session.scalars(open_claims).all())
        assert claims
        assert all(claim.flagged for claim in claims)


class TestTokens:
    @pytest.mark.parametrize("purpose", PAGES)
    @pytest.mark.parametrize("name", list(MANGLED))
    def test_a_mangled_one_is_refused_like_one_that_never_was(
        self, world: World, purpose: str, name: str
    ) -> None:
        client = world.app.test_client()
        never = client.get(f"/{purpose}/never-was-one")
        mangled = client.get(f"/{purpose}/{MANGLED[name](world.links[purpose])}")
        assert mangled.status_code == never.status_code == 404
        assert refusal(mangled.text) == refusal(never.text)

    @pytest.mark.parametrize("purpose", PAGES)
    @pytest.mark.parametrize("other", PAGES)
    def test_one_of_another_purpose_opens_nothing(self, world: World, purpose: str, other: str) -> None:
        if other == purpose:
            return
        client, before = world.app.test_client(), world.rows()
        path = f"/{purpose}/{world.links[other]}"
        assert client.get(path).status_code == 404
        client.post(path, data={"act": "claim", "password": "seven quiet otters", "name": "Zed"})
        assert world.rows() == before

    @pytest.mark.parametrize("purpose", PAGES)
    def test_after_its_end_it_is_refused_like_one_that_never_was(
        self, world: World, clock: TurnableClock, purpose: str
    ) -> None:
        client, lifetime = world.app.test_client(), LIFETIMES[LinkPurpose(purpose)]
        path = address(world, purpose)
        try:
            clock.now = NOW + lifetime - timedelta(seconds=1)
            assert client.get(path).status_code == OPENS[purpose]
            clock.now = NOW + lifetime
            ended, never = client.get(path), client.get(f"/{purpose}/never-was-one")
        finally:
            clock.now = NOW
        assert ended.status_code == 404
        assert refusal(ended.text) == refusal(never.text)

    @pytest.mark.parametrize("purpose", PAGES)
    def test_a_revoked_one_is_refused_like_one_that_never_was(self, world: World, purpose: str) -> None:
        client, jti = world.app.test_client(), world.links[purpose].partition(".")[0]

        def set_revoked(at: object) -> None:
            with world.runtime.transaction() as session:
                session.query(Link).filter_by(jti=jti).update({"revoked_at": at})

        set_revoked(NOW)
        try:
            revoked, never = client.get(address(world, purpose)), client.get(f"/{purpose}/never-was-one")
        finally:
            set_revoked(None)
        assert revoked.status_code == 404
        assert refusal(revoked.text) == refusal(never.text)

    def test_a_members_link_acts_on_nobody_elses_payment(self, world: World) -> None:
        before, client = world.rows(), world.app.test_client()
        theirs = world.cast.payment_of(world.mia).public_id
        for act in ("claim", "withdraw", "snooze", "object"):
            sent = {"act": act, "payment": theirs, "text": "x", "until": "week"}
            assert client.post(address(world, "pay"), data=sent).status_code == 404
        assert world.rows() == before


class TestKeys:
    """Keys come and go; links live to their end."""

    NEW = "new-" + "k3yW1thAllKindsOfLetters" * 2

    @pytest.fixture
    def rotated(self, world: World) -> Iterator[World]:
        """Start once more, as an operator does who has put a new key before the old one."""
        (old,) = secret_keys(world.runtime.settings)
        runtime = self._start(world, self.NEW, old)
        yield World(create_app(runtime), runtime, world.cast, world.zed, world.ben, world.mia)
        runtime.close()
        self._start(world, old, self.NEW).close()

    def _start(self, world: World, *keys: str) -> Runtime:
        chosen = tuple(SecretStr(key) for key in keys)
        made = make_runtime(evolve(world.runtime.settings, secret_keys=chosen))
        return replace(made, clock=world.runtime.clock)

    def test_old_links_live_on_and_new_ones_are_signed_anew(self, world: World, rotated: World) -> None:
        client = rotated.app.test_client()
        for purpose in PAGES:
            jti, _, signature = world.links[purpose].partition(".")
            fresh = rotated.runtime.signer.token(LinkPurpose(purpose), jti)
            assert fresh != f"{jti}.{signature}"
            for token in (world.links[purpose], fresh):
                assert client.get(f"/{purpose}/{token}").status_code == OPENS[purpose]

    def test_a_key_that_is_gone_signs_nothing_any_more(self, world: World, rotated: World) -> None:
        alone = self._start(world, self.NEW)
        try:
            client = create_app(alone).test_client()
            assert client.get(address(world, "pay")).status_code == 404
        finally:
            alone.close()

    @pytest.mark.parametrize(
        "setting",
        [
            "short",
            "changeme" * 8,
            ",",
            " ",
            "a" * 64,
            "0123456789abcdefghijklmnopqrstuvwxyz",
            "secret" * 10,
            "abcdefghijklmnopqrstuvwxyz" * 2,
            "password" * 6,
            "1" * 20 + "2" * 20,
            f"{NEW},short",
            f"{NEW},,{NEW}",
        ],
    )
    def test_a_bad_key_setting_refuses_to_start(self, setting: str) -> None:
        with pytest.raises(WrongSetting, match="SECRET_KEYS"):
            load_settings({"SUBSTRACK_SECRET_KEYS": setting})

    def test_keys_that_signed_nothing_refuse_to_start(self, world: World) -> None:
        with pytest.raises(WrongSetting, match="not the keys"):
            self._start(world, "another-" + "k3yW1thAllKindsOfLetters" * 2)
