"""Claims about owners and admins: who says who administers, and that somebody always owns the workspace."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import func, select

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.queries.accounts import list_users
from substrack.services.access import NoSuchPayment, check_admin
from substrack.services.accounts import Role
from substrack.services.invitations import invite_admin
from substrack.services.mailboxes import set_email
from substrack.services.roles import LastOwner, OwnersOnly, change_role, remove_admin
from substrack.store import Contact, LinkPurpose, User
from tests.races.crowd import all_at_once
from tests.support.cast import Cast
from tests.web.support import NOW, PASSWORD, Browser, TurnableClock, browser
from tests.web.test_auth import link_path


@pytest.fixture
def ada(app: Flask, runtime: Runtime, cast: Cast) -> Browser:
    """The browser of an admin who owns nothing."""
    opened = browser(app, runtime)
    opened.sign_in(runtime, cast.second_admin("Ada").id or 0)
    return opened


def public_id(cast: Cast, name: str) -> str:
    found = select(User.public_id).where(User.name == name)
    return cast.read(lambda session: session.scalars(found).one())


def roles(cast: Cast) -> dict[str, str]:
    users = cast.read(lambda session: list_users(session, cast.workspace_id))
    return {one.name: one.role.value for one in users}


class TestOwnersOnly:
    def test_an_admin_changes_nothing_about_who_administers(self, cast: Cast, ada: Browser) -> None:
        olga, mine = public_id(cast, "Olga"), public_id(cast, "Ada")
        cast.do(invite_admin, cast.workspace_id, email="eve@example.org", name="Eve", by=cast.olga, now=NOW)
        eve = cast.read(lambda session: session.scalars(select(Contact).where(Contact.name == "Eve")).one())
        before = roles(cast)

        for path, fields in (
            ("/admins", {"name": "Zed", "email": "zed@example.org"}),
            (f"/admins/{mine}/owner", {}),
            (f"/admins/{olga}/admin", {}),
            (f"/admins/{olga}/remove", {}),
            (f"/admins/invitations/{eve.public_id}/withdraw", {}),
        ):
            answer = ada.post(path, page="/profile", **fields)
            assert "Only an owner can do that" in answer.text, path
        assert roles(cast) == before
        assert "Invite another admin" not in ada.get("/admins").text
        assert "eve@example.org" in ada.get("/admins").text

    def test_the_address_of_whoever_signs_in_is_theirs_and_an_owners_to_change(self, cast: Cast) -> None:
        bea = cast.second_admin("Bea")
        beas = cast.read(
            lambda session: session.scalars(select(Contact.id).where(Contact.name == "Bea")).one()
        )
        with pytest.raises(OwnersOnly):
            cast.do(set_email, cast.olga_contact, "zed@example.org", by=bea, now=NOW)
        cast.do(set_email, beas, "bea@example.net", by=bea, now=NOW)
        cast.do(set_email, beas, "bea@example.com", by=cast.olga, now=NOW)

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("act", "said"),
        [("invite", "see and decide everything"), ("remove", "lose access"), ("owner", "may do")],
    )
    def test_an_owner_shows_again_who_they_are(
        self, cast: Cast, ada: Browser, olga: Browser, clock: TurnableClock, act: str, said: str
    ) -> None:
        clock.turn(timedelta(minutes=11))
        path = "/admins" if act == "invite" else f"/admins/{public_id(cast, 'Ada')}/{act}"
        fields = {"name": "Eve", "email": "eve@example.org"}

        asked = olga.post(path, page="/admins", **fields)

        assert asked.status_code == 422
        assert said in asked.text
        assert roles(cast) == {"Olga": "owner", "Ada": "admin"}
        assert olga.post(path, page="/admins", **fields, your_password=PASSWORD).status_code == 303


class TestTheLastOwner:
    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("act", ["admin", "remove"])
    def test_stays(self, cast: Cast, ada: Browser, olga: Browser, act: str) -> None:
        answer = olga.post(f"/admins/{public_id(cast, 'Olga')}/{act}", page="/admins")

        assert "There has to be an owner" in answer.text
        assert roles(cast)["Olga"] == "owner"

    def test_may_go_once_there_is_another(self, cast: Cast, ada: Browser, olga: Browser) -> None:
        olga.post(f"/admins/{public_id(cast, 'Ada')}/owner", page="/admins")
        olga.post(f"/admins/{public_id(cast, 'Olga')}/admin", page="/admins")

        assert roles(cast) == {"Olga": "admin", "Ada": "owner"}

    def test_of_two_owners_who_step_down_at_once_one_stays(self, cast: Cast) -> None:
        ada = cast.second_admin("Ada")
        keys = {"Olga": cast.olga, "Ada": ada}
        cast.do(
            change_role, cast.workspace_id, public_id(cast, "Ada"), role=Role.OWNER, by=cast.olga, now=NOW
        )

        def step_down(name: str, by: Actor) -> None:
            cast.do(change_role, cast.workspace_id, public_id(cast, name), role=Role.ADMIN, by=by, now=NOW)

        answers = all_at_once([partial(step_down, *one) for one in keys.items()])

        assert sorted(roles(cast).values()) == ["admin", "owner"]
        assert [type(one) for one in answers if one is not None] == [LastOwner]

    def test_of_two_owners_who_remove_each_other_one_stays(self, cast: Cast) -> None:
        ada = cast.second_admin("Ada")
        cast.do(
            change_role, cast.workspace_id, public_id(cast, "Ada"), role=Role.OWNER, by=cast.olga, now=NOW
        )
        pairs = [(public_id(cast, "Ada"), cast.olga), (public_id(cast, "Olga"), ada)]

        def remove(whom: str, by: Actor) -> None:
            cast.do(remove_admin, cast.workspace_id, whom, by=by, now=NOW)

        all_at_once([partial(remove, *one) for one in pairs])

        assert list(roles(cast).values()) == ["owner"]


class TestRemoving:
    def test_ends_sessions_links_and_decisions_at_once(
        self, runtime: Runtime, cast: Cast, ada: Browser, olga: Browser, zed: Browser
    ) -> None:
        keys = cast.read(lambda session: session.scalars(select(User.id).where(User.name == "Ada")).one())
        zed.post("/reset", email="ada@example.org")
        reset = link_path(runtime, LinkPurpose.RESET)
        assert zed.get(reset).status_code == 200

        olga.post(f"/admins/{public_id(cast, 'Ada')}/remove", page="/admins")

        assert not ada.is_signed_in
        assert zed.get(reset).status_code == 404
        olga.get("/admins")
        assert "Ada" not in olga.get("/admins").text
        assert "Ada administers no more" in olga.get("/journal").text
        with pytest.raises(NoSuchPayment):
            cast.do(check_admin, Actor.user(keys), cast.workspace_id)

    def test_who_is_invited_again_is_the_same_user_with_another_password(
        self, app: Flask, runtime: Runtime, cast: Cast, ada: Browser, olga: Browser
    ) -> None:
        former, people = public_id(cast, "Ada"), count(cast)
        olga.post(f"/admins/{former}/remove", page="/admins")
        olga.post("/admins", name="Ada", email="ada@example.org")

        back = browser(app, runtime)
        back.post(link_path(runtime, LinkPurpose.INVITE), name="Ada", password="another seven otters")

        assert back.is_signed_in
        assert (public_id(cast, "Ada"), count(cast)) == (former, people)
        assert roles(cast) == {"Olga": "owner", "Ada": "admin"}

    @pytest.mark.only_sqlite
    def test_an_invitation_that_was_withdrawn_lets_nobody_in(
        self, runtime: Runtime, cast: Cast, olga: Browser, zed: Browser
    ) -> None:
        olga.post("/admins", name="Eve", email="eve@example.org")
        path = link_path(runtime, LinkPurpose.INVITE)
        eve = cast.read(lambda session: session.scalars(select(Contact).where(Contact.name == "Eve")).one())

        olga.post(f"/admins/invitations/{eve.public_id}/withdraw", page="/admins")

        assert zed.get(path).status_code == 404
        assert "eve@example.org" not in olga.get("/admins").text


def count(cast: Cast) -> int:
    return cast.read(lambda session: session.scalar(select(func.count()).select_from(Contact))) or 0
