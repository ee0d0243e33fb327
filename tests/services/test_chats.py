"""Claims about linking chats: who gets linked by what, what a replaced chat hears, and what undoes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, Via
from substrack.domain.errors import NotFound, Refused
from substrack.domain.notices import Channel, ChannelChoice
from substrack.queries.chats import contacts_of_chat, load_chat
from substrack.services.addresses import mark_refused
from substrack.services.chat_replacing import TooLateToObject, object_to_replacement
from substrack.services.chat_rows import chat_of as row_of
from substrack.services.chat_rows import write_chat
from substrack.services.chats import (
    LinkedChat,
    NoChatYet,
    NoMailYet,
    ShownCode,
    chat_code,
    choose_channel,
    confirm_chat,
    find_live_code,
    find_waiting_chat,
    issue_admin_code,
    issue_chat_code,
    link_chat,
    refuse_waiting_chat,
    report_stale_code,
    send_chat_test,
    unlink_chat,
)
from substrack.services.connections import connection_for
from substrack.services.links import DeadLink
from substrack.services.people import add_contact
from substrack.store import Address, Contact, Event, Link, Message, User
from tests.support.cast import START, Cast, make_stranger

BEN_CHAT, NEW_CHAT, ZED_CHAT = 4001, 4002, 6660001
NOW = START
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def ben(cast: Cast) -> Contact:
    """Ben, who has a mailbox as well."""
    return cast.do(add_contact, cast.workspace_id, name="Ben", email="ben@example.org", by=cast.olga, now=NOW)


@pytest.fixture
def mia(cast: Cast) -> Contact:
    """Mia, of whom nothing is known but her name."""
    return cast.do(add_contact, cast.workspace_id, name="Mia", by=cast.olga, now=NOW)


def code_for(cast: Cast, contact_id: int, now: datetime = NOW) -> str:
    return chat_code(cast.runtime.signer, cast.do(issue_chat_code, contact_id, now=now))


def use(cast: Cast, code: str, chat_id: int = BEN_CHAT, now: datetime = NOW, **more: Any) -> LinkedChat:
    return cast.do(link_chat, cast.runtime.signer, code, chat_id=chat_id, now=now, **more)


def link(cast: Cast, contact_id: int, chat_id: int = BEN_CHAT, now: datetime = NOW) -> LinkedChat:
    return use(cast, code_for(cast, contact_id, now), chat_id, now)


def write(session: Session, contact_id: int, chat_id: int) -> None:
    """Link a chat that somebody signed in said yes to."""
    contact, by = session.get_one(Contact, contact_id), Actor.contact(contact_id, Via.TELEGRAM)
    address = row_of(session, contact)
    write_chat(session, contact, address, str(chat_id), key=f"yes:{chat_id}", by=by, now=NOW)


def chat_of(cast: Cast, contact_id: int) -> Address:
    query = select(Address).where(Address.contact_id == contact_id, Address.channel == Channel.TELEGRAM)
    return cast.read(lambda session: session.scalars(query).one())


def people_in(cast: Cast, chat_id: int) -> list[str]:
    bot = cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM)
    found = cast.read(lambda session: contacts_of_chat(session, chat_id, bot.id))
    return [one.name for one in found]


def into_chats(cast: Cast, contact_id: int) -> list[str]:
    found = cast.messages(contact_id=contact_id, channel=Channel.TELEGRAM)
    return [message.notice.value for message in found]


class TestCodes:
    def test_a_code_fits_into_a_deep_link(self, cast: Cast, ben: Contact) -> None:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", code_for(cast, ben.id))

    def test_who_has_mail_gets_a_week_and_who_has_nothing_a_month(
        self, cast: Cast, ben: Contact, mia: Contact
    ) -> None:
        lifetimes = [cast.do(issue_chat_code, one.id, now=NOW).expires_at for one in (ben, mia)]
        assert lifetimes == [NOW + 7 * DAY, NOW + 30 * DAY]

    def test_a_new_code_ends_the_one_before(self, cast: Cast, ben: Contact) -> None:
        old, new = code_for(cast, ben.id), code_for(cast, ben.id)
        with pytest.raises(DeadLink) as refused:
            use(cast, old)
        assert refused.value.contact_id == ben.id
        assert use(cast, new).name == "Ben"

    @pytest.mark.parametrize("mangle", [lambda code: "0" * 32 + code[32:], lambda code: code[:-6], str.upper])
    @pytest.mark.only_sqlite
    def test_a_made_up_code_links_nothing_and_names_nobody(
        self, cast: Cast, ben: Contact, mangle: Callable[[str], str]
    ) -> None:
        with pytest.raises(DeadLink) as refused:
            use(cast, mangle(code_for(cast, ben.id)))
        assert refused.value.contact_id is None
        assert people_in(cast, BEN_CHAT) == []

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("payload", ["", "_", "ü" * 40, "a" * 65, "0" * 32 + "_"])
    def test_nonsense_is_refused(self, cast: Cast, payload: str) -> None:
        with pytest.raises(DeadLink):
            use(cast, payload)

    def test_a_code_ends_with_its_time(self, cast: Cast, ben: Contact) -> None:
        code = code_for(cast, ben.id)
        with pytest.raises(DeadLink):
            use(cast, code, now=NOW + 7 * DAY)

    def test_only_the_members_own_unused_code_is_shown(self, cast: Cast, ben: Contact) -> None:
        code = code_for(cast, ben.id)
        signer = cast.runtime.signer

        def shown() -> ShownCode | None:
            return cast.read(lambda session: find_live_code(session, signer, ben.id, now=NOW))

        assert shown() == ShownCode(code, NOW + 7 * DAY)
        use(cast, code)
        assert shown() is None


class TestLinking:
    def test_a_code_links_the_chat_and_says_so_in_it(self, cast: Cast, ben: Contact) -> None:
        linked = link(cast, ben.id)

        assert linked == LinkedChat(ben.id, cast.workspace_id, "Ben", replaced=False, needs_sign_in=False)
        assert people_in(cast, BEN_CHAT) == ["Ben"]
        assert cast.notices_to(ben.id) == ["chat_linked"]

    def test_a_code_works_for_one_chat_only(self, cast: Cast, ben: Contact) -> None:
        code = code_for(cast, ben.id)
        use(cast, code)
        with pytest.raises(DeadLink) as refused:
            use(cast, code, ZED_CHAT)
        assert refused.value.contact_id == ben.id
        assert people_in(cast, ZED_CHAT) == []

    def test_the_same_press_delivered_again_changes_nothing(self, cast: Cast, ben: Contact) -> None:
        code = code_for(cast, ben.id)
        first = use(cast, code)
        again = [use(cast, code) for _ in range(4)]

        assert again == [first] * 4
        assert cast.notices_to(ben.id) == ["chat_linked"]

    def test_one_chat_may_stand_for_several_people(self, cast: Cast, ben: Contact, mia: Contact) -> None:
        link(cast, ben.id)
        link(cast, mia.id)
        assert people_in(cast, BEN_CHAT) == ["Ben", "Mia"]

    def test_one_chat_may_stand_for_people_of_two_workspaces(self, cast: Cast, ben: Contact) -> None:
        other = make_stranger(cast.runtime)
        benny = other.do(add_contact, other.workspace_id, name="Benny", by=other.olga, now=NOW)
        link(cast, ben.id)
        link(other, benny.id)

        assert people_in(cast, BEN_CHAT) == people_in(other, BEN_CHAT) == ["Ben", "Benny"]

    def test_a_chat_that_turned_us_away_stands_for_nobody(self, cast: Cast, ben: Contact) -> None:
        link(cast, ben.id)
        cast.do(mark_refused, chat_of(cast, ben.id).id, reason="blocked", now=NOW)
        assert people_in(cast, BEN_CHAT) == []

    def test_a_chat_that_turned_us_away_comes_back_by_a_new_code(self, cast: Cast, ben: Contact) -> None:
        link(cast, ben.id)
        cast.do(mark_refused, chat_of(cast, ben.id).id, reason="blocked", now=NOW)

        assert not link(cast, ben.id).replaced
        assert people_in(cast, BEN_CHAT) == ["Ben"]

    def test_of_two_phones_that_open_one_code_at_once_one_is_linked(self, cast: Cast, ben: Contact) -> None:
        code, phones = code_for(cast, ben.id), range(7001, 7009)
        cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM)
        with ThreadPoolExecutor(len(phones)) as pool:
            presses = [pool.submit(use, cast, code, phone) for phone in phones]
            outcomes = [press.exception() for press in presses]
            linked = [phone for phone, failed in zip(phones, outcomes, strict=True) if failed is None]

        assert len(linked) == 1
        assert {type(failed) for failed in outcomes if failed} == {DeadLink}
        assert [people_in(cast, phone) for phone in linked] == [["Ben"]]
        assert cast.notices_to(ben.id) == ["chat_linked"]

    def test_a_press_that_arrives_five_times_at_once_links_once(self, cast: Cast, ben: Contact) -> None:
        code = code_for(cast, ben.id)
        cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM)
        with ThreadPoolExecutor(5) as pool:
            linked = [pool.submit(use, cast, code) for _ in range(5)]
            assert {one.result().name for one in linked} == {"Ben"}
        assert cast.notices_to(ben.id) == ["chat_linked"]


def disputes(cast: Cast) -> list[tuple[str, bool, bool]]:
    """What Olga was told of chats: by which way, whether one is out, whether the former one is back."""
    told = (one for one in cast.messages(contact_id=cast.olga_contact) if one.notice == "chat_disputed")
    return [(one.channel.value, one.payload["is_out"], one.payload["is_back"]) for one in told]


class TestReplacing:
    def test_the_former_chat_is_told(self, cast: Cast, ben: Contact) -> None:
        link(cast, ben.id)

        assert link(cast, ben.id, NEW_CHAT).replaced
        address = chat_of(cast, ben.id)
        assert address.value == str(NEW_CHAT)
        assert [one.payload for one in cast.messages(contact_id=ben.id)][1] == {"former": str(BEN_CHAT)}
        assert into_chats(cast, ben.id) == ["chat_linked", "chat_replaced", "chat_linked"]
        assert people_in(cast, BEN_CHAT) == []

    def test_what_the_former_chat_shows_is_never_edited_in_the_new_one(
        self, cast: Cast, ben: Contact
    ) -> None:
        link(cast, ben.id)
        shown = update(Message).where(Message.contact_id == ben.id).values(provider_id="7", edit_at=NOW)
        cast.do(lambda session: session.execute(shown))

        link(cast, ben.id, NEW_CHAT)

        assert [(one.provider_id, one.edit_at) for one in cast.messages(contact_id=ben.id)] == [
            (None, None)
        ] * 3

    def test_the_former_chat_objects_and_is_back(self, cast: Cast, ben: Contact) -> None:
        link(cast, ben.id)
        link(cast, ben.id, NEW_CHAT)
        leaked, address = code_for(cast, ben.id), chat_of(cast, ben.id)

        for _ in range(2):
            cast.do(object_to_replacement, address.id, chat_id=BEN_CHAT, now=NOW + 6 * DAY)

        assert people_in(cast, BEN_CHAT) == ["Ben"]
        assert people_in(cast, NEW_CHAT) == []
        with pytest.raises(DeadLink):
            use(cast, leaked, NEW_CHAT)

    @pytest.mark.parametrize(
        ("chat_id", "after"), [(BEN_CHAT, 7 * DAY), (ZED_CHAT, MINUTE), (NEW_CHAT, MINUTE)]
    )
    def test_a_week_later_or_from_elsewhere_there_is_no_objecting(
        self, cast: Cast, ben: Contact, chat_id: int, after: timedelta
    ) -> None:
        link(cast, ben.id)
        link(cast, ben.id, NEW_CHAT)
        with pytest.raises(TooLateToObject):
            cast.do(object_to_replacement, chat_of(cast, ben.id).id, chat_id=chat_id, now=NOW + after)
        assert people_in(cast, NEW_CHAT) == ["Ben"]

    def test_who_was_there_first_wins_however_often_others_came(self, cast: Cast, ben: Contact) -> None:
        for chat in (BEN_CHAT, NEW_CHAT, ZED_CHAT):
            link(cast, ben.id, chat)
        key = chat_of(cast, ben.id).id

        cast.do(object_to_replacement, key, chat_id=BEN_CHAT, now=NOW + DAY)

        with pytest.raises(TooLateToObject):
            cast.do(object_to_replacement, key, chat_id=NEW_CHAT, now=NOW + DAY)
        assert people_in(cast, BEN_CHAT) == ["Ben"]

    def test_each_chat_that_was_replaced_is_told_itself(self, cast: Cast, ben: Contact) -> None:
        for chat in (BEN_CHAT, NEW_CHAT, ZED_CHAT):
            link(cast, ben.id, chat)

        told = [one.payload for one in cast.messages(contact_id=ben.id) if one.notice == "chat_replaced"]
        assert told == [{"former": str(BEN_CHAT)}, {"former": str(NEW_CHAT)}]

    def test_unlinking_the_new_chat_silences_no_objection(self, cast: Cast, ben: Contact) -> None:
        link(cast, ben.id)
        link(cast, ben.id, NEW_CHAT)
        cast.do(unlink_chat, ben.id, by=Actor.contact(ben.id, Via.TELEGRAM), now=NOW)

        waiting = [one.notice for one in cast.messages(contact_id=ben.id) if one.state == "queued"]
        assert waiting == ["chat_replaced"]
        cast.do(object_to_replacement, chat_of(cast, ben.id).id, chat_id=BEN_CHAT, now=NOW + DAY)
        assert people_in(cast, BEN_CHAT) == ["Ben"]

    def test_an_admins_former_chat_only_puts_the_new_one_out(self, cast: Cast) -> None:
        cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM)
        for chat in (BEN_CHAT, NEW_CHAT):
            cast.do(write, cast.olga_contact, chat)
        key = chat_of(cast, cast.olga_contact).id

        assert not cast.do(object_to_replacement, key, chat_id=BEN_CHAT, now=NOW)
        assert people_in(cast, BEN_CHAT) == people_in(cast, NEW_CHAT) == []

    def test_admins_hear_of_another_chat_and_of_an_objection_once(self, cast: Cast, ben: Contact) -> None:
        for chat in (BEN_CHAT, NEW_CHAT):
            link(cast, ben.id, chat)
        assert disputes(cast) == [("email", False, False)]
        key = chat_of(cast, ben.id).id

        for _ in range(2):
            cast.do(object_to_replacement, key, chat_id=BEN_CHAT, now=NOW + DAY)

        assert disputes(cast) == [("email", False, False), ("email", True, True)]

    def test_an_admin_hears_by_mail_that_no_chat_of_theirs_is_linked(self, cast: Cast) -> None:
        cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM)
        for chat in (BEN_CHAT, NEW_CHAT):
            cast.do(write, cast.olga_contact, chat)
        cast.do(object_to_replacement, chat_of(cast, cast.olga_contact).id, chat_id=BEN_CHAT, now=NOW)
        assert disputes(cast) == [("email", True, False)]

    @pytest.mark.only_sqlite
    def test_a_mailbox_cannot_be_objected_to(self, cast: Cast, ben: Contact) -> None:
        query = select(Address.id).where(Address.contact_id == ben.id)
        mailbox = cast.read(lambda session: session.scalars(query).one())
        with pytest.raises(TooLateToObject):
            cast.do(object_to_replacement, mailbox, chat_id=BEN_CHAT, now=NOW)


class TestAdmins:
    def olgas_code(self, cast: Cast) -> str:
        return chat_code(
            cast.runtime.signer,
            cast.do(issue_admin_code, cast.olga.id, cast.olga_contact, now=NOW),
        )

    def test_an_admins_chat_counts_only_after_a_yes_in_their_session(self, cast: Cast) -> None:
        linked = use(cast, self.olgas_code(cast), chat_name="@olga")
        assert linked.needs_sign_in
        assert people_in(cast, BEN_CHAT) == []
        waiting = cast.read(lambda session: find_waiting_chat(session, cast.olga_contact, now=NOW))
        assert waiting is not None
        assert (waiting.chat_id, waiting.name) == (BEN_CHAT, "@olga")

        cast.do(confirm_chat, cast.olga_contact, chat_id=BEN_CHAT, by=cast.olga, now=NOW + 9 * MINUTE)

        assert people_in(cast, BEN_CHAT) == ["Olga"]
        assert cast.notices_to(cast.olga_contact) == ["chat_linked"]
        assert cast.read(lambda session: find_waiting_chat(session, cast.olga_contact, now=NOW)) is None

    def test_the_chat_of_an_admin_is_one_and_of_a_member_is_none(self, cast: Cast, ben: Contact) -> None:
        use(cast, self.olgas_code(cast))
        cast.do(confirm_chat, cast.olga_contact, chat_id=BEN_CHAT, by=cast.olga, now=NOW)
        link(cast, ben.id)
        bot = cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM)

        found = cast.read(lambda session: contacts_of_chat(session, BEN_CHAT, bot.id))
        assert [(one.name, one.user_id, one.is_admin) for one in found] == [
            ("Olga", cast.olga.id, True),
            ("Ben", None, False),
        ]

    def test_a_former_admins_chat_is_no_admins(self, cast: Cast) -> None:
        use(cast, self.olgas_code(cast))
        cast.do(confirm_chat, cast.olga_contact, chat_id=BEN_CHAT, by=cast.olga, now=NOW)
        cast.do(lambda session: session.execute(update(User).values(deactivated_at=NOW)))
        bot = cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM)

        (olga,) = cast.read(lambda session: contacts_of_chat(session, BEN_CHAT, bot.id))
        assert (olga.user_id, olga.is_admin) == (None, False)

    def test_a_members_code_makes_nobody_an_admin_either(self, cast: Cast) -> None:
        assert link(cast, cast.olga_contact, ZED_CHAT).needs_sign_in
        assert people_in(cast, ZED_CHAT) == []

    def test_a_member_who_becomes_an_admin_links_anew(self, cast: Cast, ben: Contact) -> None:
        link(cast, ben.id)
        cast.second_admin("Ben")

        assert people_in(cast, BEN_CHAT) == []
        assert link(cast, ben.id).needs_sign_in

    def test_a_press_delivered_again_waits_on(self, cast: Cast) -> None:
        code = self.olgas_code(cast)
        assert [use(cast, code).needs_sign_in for _ in range(3)] == [True] * 3
        with pytest.raises(DeadLink):
            use(cast, code, ZED_CHAT)

    def test_a_code_lives_for_ten_minutes_and_so_does_the_yes(self, cast: Cast) -> None:
        with pytest.raises(DeadLink):
            use(cast, self.olgas_code(cast), now=NOW + 10 * MINUTE)
        use(cast, self.olgas_code(cast))
        with pytest.raises(Refused, match="No chat waits"):
            cast.do(confirm_chat, cast.olga_contact, chat_id=BEN_CHAT, by=cast.olga, now=NOW + 10 * MINUTE)

    def test_a_chat_that_was_turned_away_waits_no_more(self, cast: Cast) -> None:
        use(cast, self.olgas_code(cast), ZED_CHAT)
        cast.do(refuse_waiting_chat, cast.olga_contact, by=cast.olga, now=NOW)
        with pytest.raises(Refused, match="No chat waits"):
            cast.do(confirm_chat, cast.olga_contact, chat_id=ZED_CHAT, by=cast.olga, now=NOW)

    def test_a_yes_is_for_the_chat_that_was_shown(self, cast: Cast) -> None:
        use(cast, self.olgas_code(cast))
        link(cast, cast.olga_contact, ZED_CHAT)
        with pytest.raises(Refused, match="No chat waits"):
            cast.do(confirm_chat, cast.olga_contact, chat_id=BEN_CHAT, by=cast.olga, now=NOW)
        assert people_in(cast, ZED_CHAT) == people_in(cast, BEN_CHAT) == []

    def test_a_second_yes_changes_nothing(self, cast: Cast) -> None:
        use(cast, self.olgas_code(cast))
        for _ in range(2):
            cast.do(confirm_chat, cast.olga_contact, chat_id=BEN_CHAT, by=cast.olga, now=NOW)
        assert cast.notices_to(cast.olga_contact) == ["chat_linked"]

    def test_a_stranger_says_yes_for_nobody(self, cast: Cast) -> None:
        use(cast, self.olgas_code(cast))
        zed = make_stranger(cast.runtime)
        with pytest.raises(NotFound):
            cast.do(confirm_chat, cast.olga_contact, chat_id=BEN_CHAT, by=zed.olga, now=NOW)
        assert people_in(cast, BEN_CHAT) == []


class TestUnlinking:
    def test_admins_hear_of_who_is_reached_by_nothing_any_more(self, cast: Cast, ben: Contact) -> None:
        mia = cast.do(add_contact, cast.workspace_id, name="Mia", by=cast.olga, now=NOW)
        for person, chat in ((ben, BEN_CHAT), (mia, NEW_CHAT)):
            link(cast, person.id, chat)
            cast.do(unlink_chat, person.id, by=Actor.contact(person.id, Via.TELEGRAM), now=NOW)
        [told] = cast.messages(notice="address_refused")
        assert told.contact_id == cast.olga_contact
        assert told.payload == {"address_id": chat_of(cast, mia.id).id}
        assert "Mia can’t be reached in Telegram any more." in cast.text_of(told)

    @pytest.fixture
    def linked(self, cast: Cast, ben: Contact) -> Contact:
        link(cast, ben.id)
        return ben

    def test_it_forgets_the_chat_and_what_waits_for_it(self, cast: Cast, linked: Contact) -> None:
        cast.do(choose_channel, linked.id, ChannelChoice.TELEGRAM, by=cast.olga, now=NOW)
        by = Actor.contact(linked.id, Via.TELEGRAM)

        assert [cast.do(unlink_chat, linked.id, by=by, now=NOW) for _ in range(2)] == [True, False]

        assert people_in(cast, BEN_CHAT) == []
        assert [one.state.value for one in cast.messages(contact_id=linked.id)] == ["cancelled"]
        row = cast.read(lambda session: load_chat(session, linked.id))
        assert (row.is_linked, row.choice) == (False, ChannelChoice.BOTH)

    def test_what_was_unlinked_comes_back_by_a_new_code_only(self, cast: Cast, ben: Contact) -> None:
        code = code_for(cast, ben.id)
        use(cast, code)
        cast.do(unlink_chat, ben.id, by=cast.olga, now=NOW)

        with pytest.raises(DeadLink):
            use(cast, code)
        link(cast, ben.id)
        assert people_in(cast, BEN_CHAT) == ["Ben"]

    def test_nobody_else_can(self, cast: Cast, linked: Contact, mia: Contact) -> None:
        zed = make_stranger(cast.runtime)
        for stranger in (zed.olga, Actor.contact(mia.id), Actor.user(linked.id + 900)):
            with pytest.raises(NotFound):
                cast.do(unlink_chat, linked.id, by=stranger, now=NOW)
        assert people_in(cast, BEN_CHAT) == ["Ben"]


class TestStaleCodes:
    def test_admins_hear_once_until_there_is_a_new_code(self, cast: Cast, mia: Contact) -> None:
        code_for(cast, mia.id)
        told = [cast.do(report_stale_code, mia.id, NOW) for _ in range(2)]
        code_for(cast, mia.id)
        told.append(cast.do(report_stale_code, mia.id, NOW))

        assert told == [1, 0, 1]
        assert cast.notices_to(cast.olga_contact) == ["stale_code"] * 2

    def test_nobody_is_troubled_about_who_has_a_chat_or_is_an_admin(self, cast: Cast, ben: Contact) -> None:
        link(cast, ben.id)
        assert cast.do(report_stale_code, ben.id, NOW) == 0
        assert cast.do(report_stale_code, cast.olga_contact, NOW) == 0


class TestChoosing:
    def test_a_way_that_leads_nowhere_cannot_be_the_only_one(
        self, cast: Cast, ben: Contact, mia: Contact
    ) -> None:
        link(cast, mia.id)
        with pytest.raises(NoChatYet):
            cast.do(choose_channel, ben.id, ChannelChoice.TELEGRAM_FIRST, by=cast.olga, now=NOW)
        with pytest.raises(NoMailYet):
            cast.do(choose_channel, mia.id, ChannelChoice.EMAIL, by=cast.olga, now=NOW)

    def test_a_choice_is_kept(self, cast: Cast, ben: Contact) -> None:
        link(cast, ben.id)
        for choice in ChannelChoice:
            cast.do(choose_channel, ben.id, choice, by=Actor.contact(ben.id), now=NOW)
            row = cast.read(lambda session: load_chat(session, ben.id))
            assert (row.choice, row.has_choice) == (choice, True)

    def test_a_test_goes_into_the_chat_alone(self, cast: Cast, ben: Contact) -> None:
        with pytest.raises(NoChatYet):
            cast.do(send_chat_test, ben.id, by=cast.olga, now=NOW)
        link(cast, ben.id)
        cast.do(send_chat_test, ben.id, by=cast.olga, now=NOW)

        assert [(one.notice.value, one.channel.value) for one in cast.messages(contact_id=ben.id)] == [
            ("chat_linked", "telegram"),
            ("test", "telegram"),
        ]


def test_the_journal_names_no_chat(cast: Cast, ben: Contact) -> None:
    link(cast, ben.id)
    cast.do(unlink_chat, ben.id, by=cast.olga, now=NOW)
    events = cast.read(lambda session: list(session.scalars(select(Event))))

    assert [one.verb for one in events][-2:] == ["link_chat", "unlink_chat"]
    assert not any(str(BEN_CHAT) in str((one.before, one.after)) for one in events)


def test_a_used_code_keeps_no_chat(cast: Cast, ben: Contact) -> None:
    link(cast, ben.id)
    assert [one.email for one in cast.read(lambda session: list(session.scalars(select(Link))))] == [None]
