"""Claims about accounts: who gets in, by what, and for how long."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.domain.actors import OPERATOR, Actor
from substrack.domain.cycles import UnknownZone
from substrack.domain.errors import NotFound
from substrack.domain.notices import Notice
from substrack.queries.accounts import find_credentials, find_session, list_invites, list_sessions, list_users
from substrack.services import passwords
from substrack.services.accounts import EmailTaken, Role, add_user, change_password, contact_at, edit_profile
from substrack.services.founding import (
    Founded,
    RegistrationClosed,
    create_first_owner,
    found_workspace,
    issue_setup_link,
    open_setup,
)
from substrack.services.invitations import accept_invite, invite_admin, open_invite
from substrack.services.links import DeadLink
from substrack.services.mailboxes import WrongEmail, set_email
from substrack.services.outbox import admin_contacts
from substrack.services.passwords import PasswordRefused, hash_new_password, matches
from substrack.services.resets import request_reset, reset_password
from substrack.services.user_sessions import (
    WrongCredentials,
    authenticate,
    end_session,
    keep_renewed_hash,
    start_session,
    touch_session,
)
from substrack.store import (
    Contact,
    Link,
    LinkPurpose,
    Member,
    Message,
    RoleGrant,
    User,
    UserSession,
    Workspace,
)
from tests.support.cast import START, Cast

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
PASSWORD = "seven quiet otters"
HASH = PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)


def found(session: Session) -> Founded:
    return found_workspace(
        session,
        workspace_name="Home",
        time_zone="Europe/Berlin",
        name="Olga",
        email="olga@example.org",
        password_hash=HASH,
        by=OPERATOR,
        now=NOW,
    )


def mailed(session: Session, notice: Notice) -> list[Message]:
    return list(session.scalars(select(Message).where(Message.notice == notice).order_by(Message.id)))


def token_of_newest(session: Session, runtime: Runtime, purpose: LinkPurpose) -> str:
    link = session.scalars(select(Link).where(Link.purpose == purpose).order_by(Link.id.desc())).first()
    assert link is not None
    return runtime.signer.token(purpose, link.jti)


class TestSettingUp:
    def test_a_setup_link_makes_one_owner_and_then_nothing(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            link = issue_setup_link(session, now=NOW)
            token = runtime.signer.token(LinkPurpose.SETUP, link.jti)
            facts = {
                "workspace_name": "Home",
                "time_zone": "Europe/Berlin",
                "name": "Olga",
                "email": "olga@example.org",
                "password_hash": HASH,
            }
            made = create_first_owner(session, runtime.signer, token, **facts, by=OPERATOR, now=NOW)

            assert [(row.name, row.role) for row in list_users(session, made.workspace_id)] == [
                ("Olga", Role.OWNER)
            ]
            with pytest.raises(DeadLink):
                create_first_owner(session, runtime.signer, token, **facts, by=OPERATOR, now=NOW)

    def test_only_the_newest_setup_link_works(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            older = runtime.signer.token(LinkPurpose.SETUP, issue_setup_link(session, now=NOW).jti)
            newer = runtime.signer.token(LinkPurpose.SETUP, issue_setup_link(session, now=NOW).jti)

            open_setup(session, runtime.signer, newer, now=NOW)
            with pytest.raises(DeadLink):
                open_setup(session, runtime.signer, older, now=NOW)

    def test_registration_closes_with_the_first_workspace(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            found(session)
            with pytest.raises(RegistrationClosed):
                found(session)
            with pytest.raises(RegistrationClosed):
                issue_setup_link(session, now=NOW)

    def test_two_who_set_up_at_once_make_one_workspace(self, runtime: Runtime) -> None:
        start, refused = threading.Barrier(2), []

        def set_up() -> None:
            start.wait()
            try:
                with runtime.transaction() as session:
                    found(session)
            except RegistrationClosed as error:
                refused.append(error)

        threads = [threading.Thread(target=set_up) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        with runtime.reading() as session:
            assert session.scalar(select(func.count()).select_from(Workspace)) == 1
        assert len(refused) == 1

    def test_the_owner_gets_notices_like_anyone(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            made = found(session)

            (contact_id,) = admin_contacts(session, made.workspace_id)
            contact = session.get(Contact, contact_id)

        assert contact is not None
        assert contact.name == "Olga"

    @pytest.mark.parametrize(
        ("wrong", "refusal"), [({"time_zone": "Mars/Base"}, UnknownZone), ({"email": "olga"}, WrongEmail)]
    )
    def test_what_cannot_be_kept_makes_nothing(
        self, runtime: Runtime, wrong: dict[str, str], refusal: type[Exception]
    ) -> None:
        facts = {"workspace_name": "Home", "time_zone": "UTC", "name": "Olga", "email": "olga@example.org"}
        with pytest.raises(refusal), runtime.transaction() as session:
            found_workspace(session, **(facts | wrong), password_hash=HASH, by=OPERATOR, now=NOW)
        with runtime.reading() as session:
            assert session.scalar(select(func.count()).select_from(Workspace)) == 0


class TestAddingUsers:
    def test_an_added_admin_can_be_told(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            made = found(session)
            add(session, made.workspace_id, "mia@example.org")

            assert len(admin_contacts(session, made.workspace_id)) == 2

    def test_an_address_signs_in_one_user_however_it_is_written(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            made = found(session)
            with pytest.raises(EmailTaken):
                add(session, made.workspace_id, " OLGA@example.org ")

    def test_a_new_name_is_what_members_read(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            made = found(session)
            edit_profile(
                session, made.user_id, name="Olga P.", language=None, by=Actor.user(made.user_id), now=NOW
            )

            assert session.scalars(select(Contact.name)).all() == ["Olga P."]


def add(session: Session, workspace_id: int, email: str) -> int:
    return add_user(
        session,
        workspace_id,
        email=email,
        name="Mia",
        password_hash=HASH,
        role=Role.ADMIN,
        by=OPERATOR,
        now=NOW,
    )


class TestPasswords:
    @pytest.mark.parametrize(
        "refused", ["", "short", "x" * 257, "Olga.Petrova@example.org", "olga.petrova", "OLGA PETROVA"]
    )
    def test_short_endless_and_guessable_ones_are_refused(self, refused: str) -> None:
        with pytest.raises(PasswordRefused) as raised:
            hash_new_password(refused, email="olga.petrova@example.org", name="Olga Petrova")
        assert raised.value.field == "password"

    @pytest.mark.parametrize(
        "refused",
        [
            "password123456",
            "1234567890",
            "qwertyuiop12",
            "aaaaaaaaaaaa",
            "iloveyou1990",
            "passwort2026",
            "qweasdzxc123",
            "olga19831983",
            "petrova.olga",
            "nestnestnest",
            "Substrack2026",
            "p4ssw0rd" * 20,
            "abcdefghijklmnop",
        ],
    )
    def test_what_is_guessed_first_is_refused_however_long(self, refused: str) -> None:
        with pytest.raises(PasswordRefused) as raised:
            hash_new_password(
                refused, email="olga.petrova@example.org", name="Olga Petrova", workspace="Nest"
            )
        assert "easy to guess" in str(raised.value)

    @pytest.mark.parametrize(
        "chosen",
        ["seven quiet otters", "correct-horse", "kZ8#vq2LmT", "vier kleine Wörter", "семь тихих выдр"],
    )
    def test_words_of_ones_own_are_fine(self, chosen: str) -> None:
        assert hash_new_password(chosen, email="olga@example.org", name="Olga", workspace="Nest")

    def test_no_password_keeps_the_server_busy(self) -> None:
        began = time.process_time()
        hash_new_password("4@8({[<369&!1|0$5+7" * 13, email="olga@example.org", name="Olga")
        assert time.process_time() - began < 2

    def test_only_an_argon2id_hash_is_kept(self) -> None:
        kept = hash_new_password(PASSWORD, email="olga@example.org", name="Olga")

        assert kept.startswith("$argon2id$")
        assert matches(kept, PASSWORD)
        assert not matches(kept, PASSWORD + "!")

    def test_the_same_characters_typed_in_another_form_match(self) -> None:
        kept = hash_new_password("cafés and ﬁgs", email="olga@example.org", name="Olga")

        assert matches(kept, "cafés and figs")

    def test_nobody_knows_the_password_of_an_account_without_one(self) -> None:
        assert not matches(None, PASSWORD)
        assert not matches(None, "the password of an account that does not exist")

    def test_a_stranger_costs_as_many_hashes_as_a_wrong_password(
        self, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checked = []

        class Counting(PasswordHasher):
            def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
                checked.append(hash)
                return super().verify(hash, password)

        passwords._nobodys_hash()
        monkeypatch.setattr(passwords, "_HASHER", Counting())
        with runtime.transaction() as session:
            found(session)
            answers = [
                refusal(session, email, "not this one") for email in ("olga@example.org", "zed@example.org")
            ]

        assert [str(kept).startswith("$argon2id$") for kept in checked] == [True, True]
        assert answers[0] == answers[1]

    def test_a_hash_of_older_parameters_is_renewed_at_sign_in(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            found(session)
            known = authenticate(find_credentials(session, "Olga@Example.org"), PASSWORD)
            assert known.renewed_hash is not None
            keep_renewed_hash(session, known)

            again = authenticate(find_credentials(session, "olga@example.org"), PASSWORD)

        assert again.renewed_hash is None


def refusal(session: Session, email: str, password: str) -> str:
    with pytest.raises(WrongCredentials) as raised:
        authenticate(find_credentials(session, email), password)
    return str(raised.value)


class TestSessions:
    def test_only_a_hash_of_the_token_is_kept(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            made = found(session)
            token = start_session(session, made.user_id, agent="Browser", now=NOW)
            kept = session.scalars(select(UserSession.token_hash)).one()

        assert len(token) >= 43
        assert token.encode() not in kept

    @pytest.mark.parametrize(("idle_days", "is_live"), [(59, True), (60, False)])
    def test_sixty_idle_days_end_a_session(self, runtime: Runtime, idle_days: int, is_live: bool) -> None:
        with runtime.transaction() as session:
            token = start_session(session, found(session).user_id, agent="", now=NOW)

            row = find_session(session, token, now=NOW + timedelta(days=idle_days))

        assert (row is not None) == is_live

    @pytest.mark.parametrize(("days", "is_live"), [(364, True), (365, False)])
    def test_a_year_ends_a_session_in_daily_use(self, runtime: Runtime, days: int, is_live: bool) -> None:
        with runtime.transaction() as session:
            token = start_session(session, found(session).user_id, agent="", now=NOW)
            session_id = session.scalars(select(UserSession.id)).one()
            for day in range(days):
                touch_session(session, session_id, now=NOW + timedelta(days=day))

            row = find_session(session, token, now=NOW + timedelta(days=days))

        assert (row is not None) == is_live

    def test_being_here_is_written_once_an_hour(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            start_session(session, found(session).user_id, agent="", now=NOW)
            session_id = session.scalars(select(UserSession.id)).one()
            seen = []
            for minutes in (0, 59, 60, 61):
                touch_session(session, session_id, now=NOW + timedelta(minutes=minutes))
                seen.append(session.scalars(select(UserSession.seen_at)).one() - NOW)

        assert seen == [timedelta(0), timedelta(0), timedelta(hours=1), timedelta(hours=1)]

    def test_a_password_change_ends_all_other_sessions(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            made = found(session)
            here, there = (start_session(session, made.user_id, agent="", now=NOW) for _ in range(2))
            mine = find_session(session, here, now=NOW)
            assert mine is not None
            change_password(
                session,
                made.user_id,
                password_hash=HASH,
                keep_session_id=mine.session_id,
                by=Actor.user(made.user_id),
                now=NOW,
            )

            assert find_session(session, here, now=NOW) is not None
            assert find_session(session, there, now=NOW) is None

    def test_nobody_ends_another_persons_session(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            made = found(session)
            start_session(session, made.user_id, agent="", now=NOW)
            mia = add(session, made.workspace_id, "mia@example.org")
            (row,) = list_sessions(session, made.user_id, now=NOW)
            with pytest.raises(NotFound):
                end_session(session, mia, public_id=row.public_id, now=NOW)

    def test_a_deactivated_user_has_no_session(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            made = found(session)
            token = start_session(session, made.user_id, agent="", now=NOW)
            user = session.get(User, made.user_id)
            assert user is not None
            user.deactivated_at = NOW
            session.flush()

            assert find_session(session, token, now=NOW) is None
            refusal(session, "olga@example.org", PASSWORD)


class TestResets:
    def test_a_reset_link_is_mailed_and_works_once(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            made = found(session)
            browser = start_session(session, made.user_id, agent="", now=NOW)
            request_reset(session, email="Olga@example.org", now=NOW)
            assert len(mailed(session, Notice.RESET)) == 1
            token = token_of_newest(session, runtime, LinkPurpose.RESET)
            changed = PasswordHasher(time_cost=1, memory_cost=64).hash("another seven otters")

            reset_password(session, runtime.signer, token, password_hash=changed, now=NOW)

            authenticate(find_credentials(session, "olga@example.org"), "another seven otters")
            assert find_session(session, browser, now=NOW) is None
            with pytest.raises(DeadLink):
                reset_password(session, runtime.signer, token, password_hash=HASH, now=NOW)

    def test_a_reset_link_dies_after_an_hour(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            found(session)
            request_reset(session, email="olga@example.org", now=NOW)
            token = token_of_newest(session, runtime, LinkPurpose.RESET)
            with pytest.raises(DeadLink):
                reset_password(
                    session, runtime.signer, token, password_hash=HASH, now=NOW + timedelta(hours=1)
                )

    def test_a_used_reset_kills_the_others(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            found(session)
            tokens = []
            for minutes in (10, 0):
                request_reset(session, email="olga@example.org", now=NOW - timedelta(minutes=minutes))
                tokens.append(token_of_newest(session, runtime, LinkPurpose.RESET))
            reset_password(session, runtime.signer, tokens[1], password_hash=HASH, now=NOW)
            with pytest.raises(DeadLink):
                reset_password(session, runtime.signer, tokens[0], password_hash=HASH, now=NOW)

    def test_a_stranger_is_mailed_nothing(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            found(session)
            request_reset(session, email="zed@example.org", now=NOW)

            assert mailed(session, Notice.RESET) == []

    def test_an_account_is_mailed_five_times_a_day_at_most(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            found(session)
            for minutes in range(0, 70, 10):
                request_reset(session, email="olga@example.org", now=NOW + timedelta(minutes=minutes))
            assert len(mailed(session, Notice.RESET)) == 5

            request_reset(session, email="olga@example.org", now=NOW + timedelta(days=1, minutes=1))
            assert len(mailed(session, Notice.RESET)) == 6

    def test_a_reset_never_goes_to_an_address_that_another_admin_wrote(self, runtime: Runtime) -> None:
        from substrack.services.mailboxes import set_email

        with runtime.transaction() as session:
            made = found(session)
            (contact_id,) = admin_contacts(session, made.workspace_id)
            set_email(session, contact_id, "zed@example.org", by=OPERATOR, now=NOW)
            request_reset(session, email="olga@example.org", now=NOW)

            assert mailed(session, Notice.RESET) == []


class TestInvitations:
    def test_an_invited_person_becomes_an_admin_once(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            made = found(session)
            invite(session, made)
            assert len(mailed(session, Notice.INVITE)) == 1
            token = token_of_newest(session, runtime, LinkPurpose.INVITE)

            accept_invite(session, runtime.signer, token, name="Mia", password_hash=HASH, now=NOW)

            assert [(row.email, row.role) for row in list_users(session, made.workspace_id)] == [
                ("olga@example.org", Role.OWNER),
                ("mia@example.org", Role.ADMIN),
            ]
            assert list_invites(session, made.workspace_id, now=NOW) == []
            with pytest.raises(DeadLink):
                accept_invite(session, runtime.signer, token, name="Mia", password_hash=HASH, now=NOW)

    def test_an_invitation_dies_after_a_week(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            invite(session, found(session))
            token = token_of_newest(session, runtime, LinkPurpose.INVITE)
            with pytest.raises(DeadLink):
                open_invite(session, runtime.signer, token, now=NOW + timedelta(days=7))

    def test_inviting_again_kills_the_older_link(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            made = found(session)
            invite(session, made)
            older = token_of_newest(session, runtime, LinkPurpose.INVITE)
            invite(session, made)

            assert len(list_invites(session, made.workspace_id, now=NOW)) == 1
            with pytest.raises(DeadLink):
                open_invite(session, runtime.signer, older, now=NOW)

    def test_an_admin_is_not_invited_again(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            made = found(session)
            with pytest.raises(EmailTaken):
                invite(session, made, email="olga@example.org")

    def test_a_link_of_another_purpose_opens_nothing(self, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            invite(session, found(session))
            link = session.scalars(select(Link).where(Link.purpose == LinkPurpose.INVITE)).one()
            forged = runtime.signer.token(LinkPurpose.RESET, link.jti)
            with pytest.raises(DeadLink):
                open_invite(session, runtime.signer, forged, now=NOW)


def invite(session: Session, made: Founded, email: str = "mia@example.org") -> None:
    invite_admin(session, made.workspace_id, email=email, name="Mia", by=Actor.user(made.user_id), now=NOW)


def test_new_admin_never_becomes_somebody_who_signs_in_already(cast: Cast) -> None:
    cast.do(set_email, cast.olga_contact, email="ada@example.org", by=cast.olga, now=START)
    ada = cast.do(
        add_user,
        cast.workspace_id,
        email="ada@example.org",
        name="Ada",
        password_hash=None,
        role=Role.ADMIN,
        by=cast.olga,
        now=START,
    )
    grants = cast.read(
        lambda session: {one.user_id: one.contact_id for one in session.scalars(select(RoleGrant))}
    )
    assert grants[ada] != cast.olga_contact


def test_in_a_shared_mailbox_the_name_tells_who_is_invited(cast: Cast) -> None:
    group = cast.group()
    ben = cast.join(group, "Ben", email="home@example.org")
    mia = cast.join(group, "Mia", email="home@example.org", shares_mailbox=True)
    mia = cast.read(lambda session: session.get_one(Member, mia.id))
    people = [
        cast.do(
            contact_at, cast.workspace_id, email="home@example.org", name=name, by=cast.olga, now=START
        ).id
        for name in ("Mia", "Moe")
    ]
    assert people[0] == mia.contact_id
    assert people[1] not in (ben.contact_id, mia.contact_id)
