"""People and their mailboxes; on both databases."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.domain.cycles import UnknownZone
from substrack.domain.delivery import MessageState
from substrack.domain.errors import Refused
from substrack.domain.notices import Channel, Notice
from substrack.domain.wording import TextRefused
from substrack.queries.people import load_contact
from substrack.services.addresses import mark_refused, resubscribe, unsubscribe
from substrack.services.connections import connection_for
from substrack.services.contact_rows import UnknownContact
from substrack.services.links import renew_pay_link
from substrack.services.mailboxes import MailboxShared, WrongEmail, set_email
from substrack.services.outbox import Draft, queue
from substrack.services.people import (
    WrongLanguage,
    add_contact,
    contact_by_email,
    edit_contact,
    find_or_add_contact,
    write_note,
)
from substrack.store import Address, Connection, Contact, Event, Link, Member, Message
from tests.support.cast import Cast, at

NOW = at("2026-02-02")


@dataclass
class Scene:
    """Ben, a person of Olga's workspace."""

    cast: Cast
    ben: Contact

    def do(self, work: Callable[..., Any], *args: Any, **terms: Any) -> Any:
        return self.cast.do(work, *args, by=self.cast.olga, now=NOW, **terms)

    def at(self, email: str) -> int | None:
        found = self.cast.do(contact_by_email, self.cast.workspace_id, email)
        return found.id if found else None

    def address(self) -> Address:
        query = select(Address).where(Address.contact_id == self.ben.id)
        return self.cast.read(lambda session: session.scalars(query).one())

    def write(self, notice: Notice, key: str = "one") -> Message:
        draft = Draft(self.cast.workspace_id, self.ben.id, notice, dedupe_key=f"{notice}:{key}", due_at=NOW)
        self.cast.do(queue, [draft], now=NOW)
        return self.cast.messages(contact_id=self.ben.id)[-1]

    def message(self, message: Message) -> Message:
        return self.cast.messages(id=message.id)[0]

    def told(self) -> list[str]:
        return self.cast.notices_to(self.cast.olga_contact)


def make_scene(cast: Cast) -> Scene:
    ben = cast.do(add_contact, cast.workspace_id, name="Ben", email="Ben@example.org", by=cast.olga, now=NOW)
    return Scene(cast, ben)


def test_the_environment_is_one_connection_however_often_it_is_asked_for(cast: Cast) -> None:
    first, second = (cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM).id for _ in range(2))
    assert first == second
    assert cast.read(lambda session: len(list(session.scalars(select(Connection))))) == 2


def test_a_person_is_found_by_their_address_in_any_case(scene: Scene) -> None:
    assert scene.at(" BEN@EXAMPLE.ORG ") == scene.ben.id


def test_another_workspace_does_not_know_the_address(scene: Scene, zed: Cast) -> None:
    assert zed.do(contact_by_email, zed.workspace_id, "ben@example.org") is None


def test_the_same_name_at_the_same_address_is_the_same_person(scene: Scene) -> None:
    workspace = scene.cast.workspace_id
    found = scene.do(find_or_add_contact, workspace, name="ben", email="ben@example.org")
    assert found.id == scene.ben.id


def test_another_name_at_a_known_address_is_a_question(scene: Scene) -> None:
    workspace = scene.cast.workspace_id
    with pytest.raises(MailboxShared) as asked:
        scene.do(find_or_add_contact, workspace, name="Mia", email="ben@example.org")
    assert (asked.value.contact_id, asked.value.name) == (scene.ben.id, "Ben")


def test_two_people_may_share_a_mailbox_once_somebody_says_so(scene: Scene) -> None:
    workspace = scene.cast.workspace_id
    mia = scene.do(find_or_add_contact, workspace, name="Mia", email="ben@example.org", shares_mailbox=True)
    assert mia.id != scene.ben.id
    assert scene.at("ben@example.org") == scene.ben.id


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"name": "Mia", "email": "mia"}, WrongEmail),
        ({"name": "Mia", "email": "mia@example.org\nBcc: zed@example.net"}, WrongEmail),
        ({"name": "Mia\r\nBcc: zed"}, TextRefused),
        ({"name": ""}, TextRefused),
        ({"name": "Mia", "language": "klingon!"}, WrongLanguage),
        ({"name": "Mia", "time_zone": "Moon/Base"}, UnknownZone),
    ],
)
def test_what_can_not_be_kept_is_refused(cast: Cast, terms: dict[str, Any], refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        cast.do(add_contact, cast.workspace_id, by=cast.olga, now=NOW, **terms)
    assert cast.read(lambda session: len(list(session.scalars(select(Contact))))) == 1


def test_a_name_in_html_is_a_name_like_any_other(cast: Cast) -> None:
    contact = cast.do(add_contact, cast.workspace_id, name="<b>Mia</b>", by=cast.olga, now=NOW)
    assert contact.name == "<b>Mia</b>"


def test_an_international_address_is_kept(cast: Cast) -> None:
    cast.do(add_contact, cast.workspace_id, name="Mia", email="mia@müller.example", by=cast.olga, now=NOW)
    assert cast.do(contact_by_email, cast.workspace_id, "mia@MÜLLER.example") is not None


def test_the_journal_holds_no_names_and_no_addresses(scene: Scene) -> None:
    scene.do(edit_contact, scene.ben.id, name="Benjamin", language="de")
    scene.do(set_email, scene.ben.id, "benjamin@example.org")
    events = scene.cast.read(
        lambda session: list(session.scalars(select(Event).where(Event.subject_id == scene.ben.id)))
    )
    assert {"add", "edit", "email"} <= {event.verb for event in events}
    assert "enjamin" not in str([(event.before, event.after) for event in events])


def test_an_edit_that_changes_nothing_is_no_event(scene: Scene) -> None:
    scene.do(edit_contact, scene.ben.id, name="Ben")
    events = select(Event).where(Event.subject_kind == "contact", Event.verb == "edit")
    assert scene.cast.read(lambda session: list(session.scalars(events))) == []


def test_a_removed_address_is_mailed_about_that_alone_and_its_letters_stay(scene: Scene) -> None:
    waiting = scene.write(Notice.RECEIVED)
    scene.do(set_email, scene.ben.id, None)
    assert scene.message(waiting).state is MessageState.CANCELLED
    assert scene.address().value == ""
    scene.cast.do(
        queue,
        [Draft(scene.cast.workspace_id, scene.ben.id, Notice.RECEIVED, "two", due_at=NOW)],
        now=NOW,
    )
    found = [message.notice for message in scene.cast.messages(contact_id=scene.ben.id)]
    assert found == [Notice.RECEIVED, Notice.MAILBOX_REPLACED]
    assert scene.cast.read(lambda session: load_contact(session, scene.ben.id)).email is None


def test_what_waits_goes_to_the_corrected_address(scene: Scene) -> None:
    waiting = scene.write(Notice.RECEIVED)
    scene.do(set_email, scene.ben.id, "ben@example.com")
    assert scene.message(waiting).state is MessageState.QUEUED
    assert scene.address().value == "ben@example.com"


def test_another_mailbox_starts_clean_and_the_old_pay_link_is_dead(scene: Scene) -> None:
    workspace = scene.cast.workspace_id
    scene.cast.do(renew_pay_link, scene.ben.id, workspace_id=workspace, now=NOW)
    scene.cast.do(unsubscribe, scene.address().id, by=scene.cast.olga, now=NOW)
    scene.cast.do(mark_refused, scene.address().id, reason="550 no such user", now=NOW)
    scene.do(set_email, scene.ben.id, "ben@example.com")
    address = scene.address()
    assert (address.unsubscribed_at, address.refused_since, address.reason) == (None, None, None)
    link = scene.cast.read(lambda session: session.scalars(select(Link)).one())
    assert link.revoked_at == NOW


def test_a_mailbox_that_worked_hears_of_the_one_in_its_place(scene: Scene) -> None:
    scene.do(set_email, scene.ben.id, "benedikt@example.com")

    (told,) = scene.cast.messages(contact_id=scene.ben.id)
    assert (told.notice, told.payload) == (Notice.MAILBOX_REPLACED, {"former": "Ben@example.org"})


def test_a_mailbox_that_worked_hears_of_it_once_when_it_is_replaced_in_two_steps(scene: Scene) -> None:
    scene.do(set_email, scene.ben.id, None)
    scene.do(set_email, scene.ben.id, "benedikt@example.com")

    (told,) = scene.cast.messages(contact_id=scene.ben.id)
    assert (told.notice, told.payload) == (Notice.MAILBOX_REPLACED, {"former": "Ben@example.org"})
    assert told.state is MessageState.QUEUED


def test_nobody_hears_of_a_mailbox_that_stayed(scene: Scene) -> None:
    scene.do(set_email, scene.ben.id, "Ben@Example.org")

    assert scene.cast.messages(contact_id=scene.ben.id) == []


def test_a_mailbox_that_refused_mail_gets_no_more_of_it(scene: Scene) -> None:
    scene.cast.do(mark_refused, scene.address().id, reason="550 no such user", now=NOW)

    scene.do(set_email, scene.ben.id, "benedikt@example.com")

    assert scene.cast.messages(contact_id=scene.ben.id) == []


def test_the_same_address_typed_again_is_tried_again(scene: Scene) -> None:
    scene.cast.do(renew_pay_link, scene.ben.id, workspace_id=scene.cast.workspace_id, now=NOW)
    scene.cast.do(mark_refused, scene.address().id, reason="550 mailbox full", now=NOW)
    scene.do(set_email, scene.ben.id, "Ben@example.org")
    assert scene.address().refused_since is None
    link = scene.cast.read(lambda session: session.scalars(select(Link)).one())
    assert link.revoked_at is None


def test_a_note_is_for_admins_of_this_workspace_to_write(scene: Scene, zed: Cast) -> None:
    for stranger in (zed.olga, Actor.contact(scene.ben.id)):
        with pytest.raises(UnknownContact):
            scene.cast.do(write_note, scene.ben.id, "Pays late.", by=stranger, now=NOW)

    scene.do(write_note, scene.ben.id, " Pays late.\n")
    assert scene.cast.read(lambda session: load_contact(session, scene.ben.id)).note == "Pays late."


def test_a_first_address_leaves_a_link_that_was_handed_over_alive(cast: Cast) -> None:
    mia = cast.do(add_contact, cast.workspace_id, name="Mia", by=cast.olga, now=NOW)
    cast.do(renew_pay_link, mia.id, workspace_id=cast.workspace_id, now=NOW)
    cast.do(set_email, mia.id, "mia@example.org", by=cast.olga, now=NOW)
    assert cast.read(lambda session: session.scalars(select(Link)).one()).revoked_at is None


def test_an_address_moved_to_somebody_elses_mailbox_is_a_question(scene: Scene) -> None:
    with pytest.raises(MailboxShared):
        scene.do(set_email, scene.ben.id, "olga@example.org")
    scene.do(set_email, scene.ben.id, "olga@example.org", shares_mailbox=True)
    assert scene.address().value == "olga@example.org"


def test_unsubscribing_stops_requests_and_spares_answers(scene: Scene) -> None:
    request, answer = scene.write(Notice.REQUEST), scene.write(Notice.RECEIVED)
    scene.do(unsubscribe, scene.address().id)
    assert scene.message(request).state is MessageState.CANCELLED
    assert scene.message(answer).state is MessageState.QUEUED


def test_unsubscribing_twice_tells_the_admin_once(scene: Scene) -> None:
    for later in range(2):
        now = NOW + timedelta(minutes=later)
        scene.cast.do(unsubscribe, scene.address().id, by=scene.cast.olga, now=now)
    assert scene.told() == ["unsubscribed"]


def test_somebody_who_comes_back_is_asked_again(scene: Scene) -> None:
    scene.do(unsubscribe, scene.address().id)
    scene.do(resubscribe, scene.address().id)
    assert scene.address().unsubscribed_at is None
    assert scene.write(Notice.REQUEST).state is MessageState.QUEUED


def test_a_refused_address_is_told_once_and_its_mail_waits_in_view(scene: Scene) -> None:
    waiting = scene.write(Notice.RECEIVED)
    for _ in range(2):
        scene.cast.do(mark_refused, scene.address().id, reason="550 no such user", now=NOW)
    assert scene.told() == ["address_refused"]
    assert scene.message(waiting).state is MessageState.DEAD


def test_who_can_not_be_reached_is_not_asked(cast: Cast) -> None:
    group = cast.group()
    ben: Member = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    before = cast.payment_of(ben).next_action_at
    cast.do(set_email, ben.contact_id, None, by=cast.olga, now=at("2026-02-01"))
    after = cast.payment_of(ben).next_action_at
    assert before is not None
    assert after is not None
    assert before < after, "only the day it becomes overdue is left"
