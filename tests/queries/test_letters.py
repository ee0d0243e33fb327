"""Claims about what a message still has to say at the moment it is sent."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.domain.actors import Via
from substrack.domain.bills import OpenInAll, OwnSentence
from substrack.domain.cycles import Unit
from substrack.domain.letter_links import LetterLinks
from substrack.domain.letters import (
    About,
    AboutAddress,
    Account,
    Asking,
    BillWanted,
    Claims,
    Decided,
    HeadsUp,
    Letter,
    PriceChange,
    Received,
    ShareChanged,
    Welcome,
)
from substrack.domain.money import Money
from substrack.domain.notices import Channel, Notice
from substrack.domain.payments import PaymentKind, Status
from substrack.domain.shares import SplitKind
from substrack.queries.letters import load_letter
from substrack.store import (
    Address,
    Attempt,
    AttemptItem,
    AttemptState,
    Connection,
    Contact,
    Group,
    Link,
    LinkPurpose,
    Member,
    Message,
    MessageItem,
    Payment,
    PayMethod,
    Period,
    PeriodOrigin,
    Price,
    User,
    Workspace,
)
from substrack.texts.letters import render

NOW = datetime(2026, 3, 8, 9, 0, tzinfo=UTC)
LINKS = LetterLinks(home="https://subs.example.org", pay="https://subs.example.org/pay/t0k3n")
MARCH = (date(2026, 3, 1), date(2026, 3, 31))


class Circle:
    """Olga pays for YouTube Premium; Ben shares it and owes for March."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.numbers = itertools.count(1)
        self.workspace: Workspace = self.add(
            Workspace(name="Olga’s circle", time_zone="Europe/Berlin", created_at=NOW)
        )
        self.connection: Connection = self.add(
            Connection(workspace_id=self.workspace.id, channel=Channel.EMAIL, name="mail")
        )
        self.olga = self.person("Olga", "olga@example.org")
        self.ben = self.person("Ben", "ben@example.org")
        self.group, self.member = self.shared("YouTube Premium", self.olga)
        self.payment = self.owed(self.group, self.member, "K7M2PQ")

    def add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def message(self, notice: Notice, payload: dict[str, Any], to: Contact | None = None) -> Message:
        row: Message = self.add(
            Message(
                workspace_id=self.workspace.id,
                contact_id=(to or self.ben).id,
                channel=Channel.EMAIL,
                lane="email:1",
                notice=notice,
                payload=payload,
                dedupe_key=f"test:{next(self.numbers)}",
                due_at=NOW,
                created_at=NOW,
            )
        )
        return row

    def request(self, *payments: Payment, step: int = 1) -> Message:
        message = self.message(Notice.REQUEST, {})
        for payment in payments:
            self.add(
                MessageItem(message_id=message.id, payment_id=payment.id, step=step, channel=Channel.EMAIL)
            )
        return message

    def read(self, message: Message, now: datetime = NOW) -> Letter | None:
        self.session.flush()
        letter = load_letter(self.session, message, links=LINKS, now=now)
        if letter is not None:
            render(letter)
        return letter

    def letter(self, notice: Notice, payload: dict[str, Any], to: Contact | None = None) -> Letter | None:
        return self.read(self.message(notice, payload, to))

    def person(self, name: str, email: str) -> Contact:
        contact: Contact = self.add(Contact(workspace_id=self.workspace.id, name=name, created_at=NOW))
        self.add(
            Address(
                contact_id=contact.id,
                connection_id=self.connection.id,
                channel=Channel.EMAIL,
                value=email,
                value_key=email,
                created_at=NOW,
            )
        )
        return contact

    def shared(self, name: str, payer: Contact, currency: str = "EUR") -> tuple[Group, Member]:
        group = self.add(
            Group(
                workspace_id=self.workspace.id,
                name=name,
                payer_id=payer.id,
                payer_included=False,
                currency=currency,
                exponent=2,
                split=SplitKind.EQUAL,
                unit=Unit.MONTH,
                every=1,
                billing_day=1,
                starts_on=MARCH[0],
                anchor_on=MARCH[0],
                next_sequence=2,
                time_zone="Europe/Berlin",
                created_at=NOW,
            )
        )
        self.add(Price(group_id=group.id, from_on=MARCH[0], amount_minor=400))
        member = self.add(
            Member(group_id=group.id, contact_id=self.ben.id, joined_on=MARCH[0], created_at=NOW)
        )
        return group, member

    def owed(self, group: Group, member: Member, reference: str, starts_on: date = MARCH[0]) -> Payment:
        number = next(self.numbers)
        period = self.add(
            Period(
                group_id=group.id,
                sequence=number,
                starts_on=starts_on,
                ends_on=starts_on + timedelta(days=30),
                due_on=starts_on,
                opens_on=starts_on,
                total_minor=400,
                billed_minor=400,
                payer_id=group.payer_id,
                origin=PeriodOrigin.TIME,
                opened_at=NOW,
            )
        )
        payment: Payment = self.add(
            Payment(
                workspace_id=self.workspace.id,
                group_id=group.id,
                member_id=member.id,
                contact_id=member.contact_id,
                payer_id=group.payer_id,
                period_id=period.id,
                kind=PaymentKind.DUES,
                amount_minor=400,
                currency=group.currency,
                status=Status.PENDING,
                reference=reference,
                due_on=starts_on,
                asked_on=starts_on,
                pending_at=NOW,
                created_at=NOW,
            )
        )
        return payment

    def claim(self, *payments: Payment) -> Attempt:
        attempt: Attempt = self.add(
            Attempt(
                workspace_id=self.workspace.id,
                contact_id=self.ben.id,
                payer_id=self.olga.id,
                amount_minor=400 * len(payments),
                currency="EUR",
                note="done",
                made_at=NOW,
                via=Via.LINK,
            )
        )
        for payment in payments:
            self.add(AttemptItem(attempt_id=attempt.id, payment_id=payment.id))
        return attempt


@pytest.fixture
def circle(runtime: Runtime) -> Iterator[Circle]:
    with runtime.transaction() as session:
        yield Circle(session)


def asked(letter: Letter | None) -> Asking:
    assert letter is not None
    assert isinstance(letter.content, Asking)
    return letter.content


def test_a_request_lists_what_is_owed_and_is_from_the_payer(circle: Circle) -> None:
    letter = circle.read(circle.request(circle.payment))
    [item] = asked(letter).items
    assert (item.group, item.left, item.reference) == ("YouTube Premium", Money(400, "EUR"), "K7M2PQ")
    assert letter is not None
    assert (letter.to.name, letter.payers[0].name, letter.reply_to) == ("Ben", "Olga", "olga@example.org")
    assert letter.thread == circle.payment.public_id
    assert render(letter).subject == "Your share for March 2026: 4.00 € for YouTube Premium"


@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.WAIVED, Status.MEMBER_CONFIRMED])
def test_nobody_is_asked_for_what_is_settled_or_claimed(circle: Circle, status: Status) -> None:
    message = circle.request(circle.payment)
    circle.payment.status = status
    circle.payment.received_minor = 400 if status is Status.CONFIRMED else 0
    assert circle.read(message) is None


def test_nobody_is_asked_for_what_is_voided(circle: Circle) -> None:
    message = circle.request(circle.payment)
    circle.payment.voided_at = NOW
    assert circle.read(message) is None


def test_a_snooze_rests_until_its_day_in_the_groups_zone(circle: Circle) -> None:
    circle.payment.snoozed_until = date(2026, 3, 9)
    message = circle.request(circle.payment)
    assert circle.read(message, datetime(2026, 3, 8, 22, 59, tzinfo=UTC)) is None
    assert circle.read(message, datetime(2026, 3, 8, 23, 0, tzinfo=UTC)) is not None


def test_a_leaver_is_asked_no_more_from_the_day_they_leave(circle: Circle) -> None:
    message = circle.request(circle.payment)
    circle.member.left_on = date(2026, 3, 9)
    assert circle.read(message) is not None
    circle.member.left_on = date(2026, 3, 8)
    assert circle.read(message) is None


def test_only_what_is_left_of_a_request_is_asked_for(circle: Circle) -> None:
    april = circle.owed(circle.group, circle.member, "X4TB9R", date(2026, 4, 1))
    message = circle.request(circle.payment, april)
    circle.payment.status = Status.WAIVED
    assert [item.reference for item in asked(circle.read(message)).items] == ["X4TB9R"]


def test_a_part_payment_leaves_the_rest_to_ask_for(circle: Circle) -> None:
    circle.payment.received_minor = 150
    [item] = asked(circle.read(circle.request(circle.payment))).items
    assert (item.amount, item.left) == (Money(400, "EUR"), Money(250, "EUR"))


def test_a_request_for_a_part_says_what_is_open_in_all(circle: Circle) -> None:
    message = circle.request(circle.payment)
    vpn, in_vpn = circle.shared("VPN", circle.olga)
    asked_lately = circle.owed(vpn, in_vpn, "X4TB9R")
    asked_lately.status, asked_lately.received_minor = Status.OVERDUE, 150
    assert asked(circle.read(message)).open_in_all == (OpenInAll("Olga", Money(650, "EUR")),)


def test_what_is_not_asked_for_is_not_open_in_all(circle: Circle) -> None:
    message = circle.request(circle.payment)
    circle.owed(circle.group, circle.member, "AAAAAA", date(2026, 1, 1)).snoozed_until = date(2026, 3, 20)
    circle.owed(circle.group, circle.member, "BBBBBB", date(2026, 1, 2)).status = Status.MEMBER_CONFIRMED
    circle.owed(circle.group, circle.member, "CCCCCC", date(2026, 1, 3)).voided_at = NOW
    left, in_left = circle.shared("Left", circle.olga)
    circle.owed(left, in_left, "DDDDDD")
    in_left.left_on = date(2026, 3, 2)
    circle.owed(*circle.shared("Phone", circle.olga, "USD"), "EEEEEE")
    circle.owed(*circle.shared("VPN", circle.person("Mia", "mia@example.org")), "FFFFFF")
    assert asked(circle.read(message)).open_in_all == ()


def test_admins_hear_what_is_open_in_all_behind_what_was_asked_in_vain(circle: Circle) -> None:
    circle.owed(circle.group, circle.member, "X4TB9R", date(2026, 4, 1))
    circle.payment.exhausted_at = NOW
    payload = {"payment_ids": [circle.payment.id]}
    letter = circle.letter(Notice.REQUESTS_EXHAUSTED, payload, circle.olga)
    assert letter is not None
    assert isinstance(letter.content, About)
    assert letter.content.open_in_all == (OpenInAll("Olga", Money(800, "EUR")),)


def test_a_groups_own_sentence_is_in_requests_and_in_nothing_else(circle: Circle) -> None:
    circle.group.request_sentence = "Before Friday, please."
    circle.shared("VPN", circle.olga)[0].request_sentence = "Of no concern here."
    content = asked(circle.read(circle.request(circle.payment)))
    assert content.sentences == (OwnSentence("YouTube Premium", "Before Friday, please."),)
    opened = circle.letter(Notice.PERIOD_OPENED, {"payment_ids": [circle.payment.id]})
    assert asked(opened).sentences == ()


@pytest.mark.parametrize(
    ("days_ago", "joined_on", "is_new"),
    [
        (5, date(2026, 3, 1), True),
        (60, date(2026, 1, 1), True),
        (61, date(2026, 1, 1), False),
        (5, date(2026, 3, 4), False),
    ],
    ids=["lately", "two months ago", "long ago", "before they joined"],
)
def test_another_way_to_pay_is_called_new_to_who_knew_the_former(
    circle: Circle, days_ago: int, joined_on: date, is_new: bool
) -> None:
    circle.group.pay_changed_at = NOW - timedelta(days=days_ago)
    circle.member.joined_on = joined_on
    [how] = asked(circle.read(circle.request(circle.payment))).how_to_pay
    changed_on = (NOW - timedelta(days=days_ago)).date()
    assert how.changed_on == (changed_on if is_new else None)


def test_one_transfer_pays_all_that_goes_the_same_way(circle: Circle) -> None:
    vpn, in_vpn = circle.shared("VPN", circle.olga)
    for group in (circle.group, vpn):
        url = "https://pay.example.org/{amount}/{currency}?for={reference}"
        whose = {"group_id": group.id, "payer_id": group.payer_id}
        circle.add(PayMethod(**whose, position=1, kind="link", fields={"url": url}))
    content = asked(circle.read(circle.request(circle.payment, circle.owed(vpn, in_vpn, "X4TB9R"))))
    [how] = content.how_to_pay
    assert how.total == Money(800, "EUR")
    assert [way.value for way in how.ways] == ["https://pay.example.org/8.00/EUR?for=K7M2PQ%20X4TB9R"]


def test_currencies_payers_and_ways_are_paid_apart(circle: Circle) -> None:
    mia = circle.person("Mia", "mia@example.org")
    dollars, in_dollars = circle.shared("Phone", circle.olga, "USD")
    mias, in_mias = circle.shared("VPN", mia)
    fields = {"iban": "DE02120300000000202051", "holder": "Olga Example"}
    whose = {"group_id": circle.group.id, "payer_id": circle.group.payer_id}
    circle.add(PayMethod(**whose, position=1, kind="iban", fields=fields))
    message = circle.request(
        circle.payment,
        circle.owed(dollars, in_dollars, "AAAAAA"),
        circle.owed(mias, in_mias, "BBBBBB"),
    )
    letter = circle.read(message)
    assert [(how.payer, how.total) for how in asked(letter).how_to_pay] == [
        ("Olga", Money(400, "EUR")),
        ("Olga", Money(400, "USD")),
        ("Mia", Money(400, "EUR")),
    ]
    assert asked(letter).how_to_pay[0].ways[0].value == "DE02 1203 0000 0000 2020 51"
    assert letter is not None
    assert letter.reply_to is None


def test_a_letter_costs_the_same_number_of_queries_however_much_it_lists(circle: Circle) -> None:
    few = circle.request(circle.payment, step=1)
    more = [circle.owed(circle.group, circle.member, f"REF{n:03}", date(2026, 4 + n, 1)) for n in range(8)]
    many = circle.request(circle.payment, *more, step=2)
    circle.session.flush()
    assert queries_for(circle, many) == queries_for(circle, few)


def queries_for(circle: Circle, message: Message) -> int:
    ran: list[str] = []
    connection = circle.session.connection()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        ran.append(statement)

    circle.session.expire_all()
    circle.session.refresh(message)
    event.listen(connection, "before_cursor_execute", note)
    assert load_letter(circle.session, message, links=LINKS, now=NOW) is not None
    event.remove(connection, "before_cursor_execute", note)
    return len(ran)


def test_a_claim_is_shown_until_it_is_decided(circle: Circle) -> None:
    attempt = circle.claim(circle.payment)
    message = circle.message(Notice.CLAIM_RECEIVED, {"attempt_id": attempt.id}, circle.olga)
    letter = circle.read(message)
    assert letter is not None
    assert isinstance(letter.content, Claims)
    [claim] = letter.content.claims
    assert (claim.member.name, claim.amount, claim.note) == ("Ben", Money(400, "EUR"), "done")
    assert claim.account_of is None
    assert letter.reply_to == "ben@example.org"
    attempt.state = AttemptState.CONFIRMED
    assert circle.read(message) is None


def test_an_admin_who_is_not_the_payer_reads_whose_account_it_is(circle: Circle) -> None:
    attempt, ada = circle.claim(circle.payment), circle.person("Ada", "ada@example.org")
    letter = circle.letter(Notice.CLAIM_RECEIVED, {"attempt_id": attempt.id}, ada)

    assert letter is not None
    assert isinstance(letter.content, Claims)
    assert letter.content.claims[0].account_of == "Olga"


def test_a_summary_lists_every_open_claim_and_no_other(circle: Circle) -> None:
    april = circle.owed(circle.group, circle.member, "X4TB9R", date(2026, 4, 1))
    first, second = circle.claim(circle.payment), circle.claim(april)
    message = circle.message(Notice.CLAIMS_WAITING, {}, circle.olga)
    letter = circle.read(message)
    assert letter is not None
    assert isinstance(letter.content, Claims)
    listed = [[item.reference for item in claim.items] for claim in letter.content.claims]
    assert listed == [["K7M2PQ"], ["X4TB9R"]]
    first.state = second.state = AttemptState.WITHDRAWN
    assert circle.read(message) is None


@pytest.mark.parametrize(("receipt", "currency"), [(500, "EUR"), (0, None)])
def test_an_answer_says_what_came_and_what_is_left(
    circle: Circle, receipt: int, currency: str | None
) -> None:
    payload = {
        "items": [{"payment_id": circle.payment.id, "received_minor": 400, "left_minor": 0}],
        "receipt_minor": receipt,
        "credit_minor": max(receipt - 400, 0),
        "currency": currency,
    }
    letter = circle.letter(Notice.RECEIVED, payload)
    assert letter is not None
    assert isinstance(letter.content, Received)
    assert letter.content.receipt == (Money(500, "EUR") if receipt else None)
    assert letter.content.credit == (Money(100, "EUR") if receipt else None)


def test_a_rejection_settled_meanwhile_is_not_told(circle: Circle) -> None:
    message = circle.message(Notice.REJECTED, {"payment_ids": [circle.payment.id], "reason": "nothing came"})
    letter = circle.read(message)
    assert letter is not None
    assert isinstance(letter.content, Decided)
    assert letter.content.reason == "nothing came"
    circle.payment.status, circle.payment.received_minor = Status.CONFIRMED, 400
    assert circle.read(message) is None


def test_a_waiver_is_told_with_its_reason(circle: Circle) -> None:
    circle.payment.status = Status.WAIVED
    letter = circle.letter(Notice.WAIVED, {"payment_ids": [circle.payment.id], "reason": "happy birthday"})
    assert letter is not None
    assert isinstance(letter.content, Decided)
    assert letter.content.reason == "happy birthday"


def test_a_welcome_names_the_next_period_and_its_share(circle: Circle) -> None:
    letter = circle.letter(Notice.WELCOME, {"member_id": circle.member.id})
    assert letter is not None
    assert isinstance(letter.content, Welcome)
    assert (letter.content.first_on, letter.content.share) == (date(2026, 4, 1), Money(400, "EUR"))
    assert [item.payment_id for item in letter.content.owed] == [circle.payment.public_id]
    assert letter.content.asked_after_days == circle.group.grace_days
    circle.ben.collection_day = 5
    letter = circle.letter(Notice.WELCOME, {"member_id": circle.member.id})
    assert letter is not None
    assert isinstance(letter.content, Welcome)
    assert letter.content.asked_after_days is None
    circle.member.left_on = date(2026, 3, 8)
    assert circle.letter(Notice.WELCOME, {"member_id": circle.member.id}) is None


def test_a_price_change_is_announced_only_as_it_will_happen(circle: Circle) -> None:
    price = circle.add(Price(group_id=circle.group.id, from_on=date(2026, 4, 1), amount_minor=500))
    payload = {
        "group_id": circle.group.id,
        "price_id": price.id,
        "from_on": "2026-04-01",
        "after_minor": 500,
    }
    letter = circle.letter(Notice.PRICE_CHANGE, payload)
    assert letter is not None
    assert isinstance(letter.content, PriceChange)
    assert (letter.content.before, letter.content.after) == (Money(400, "EUR"), Money(500, "EUR"))
    assert letter.content.share_after == Money(500, "EUR")
    price.amount_minor = 600
    assert circle.letter(Notice.PRICE_CHANGE, payload) is None


def test_another_share_is_told_as_it_will_be_or_not_at_all(circle: Circle) -> None:
    circle.add(Price(group_id=circle.group.id, from_on=date(2026, 4, 1), amount_minor=500))
    payload = {
        "group_id": circle.group.id,
        "from_on": "2026-04-01",
        "why": "terms",
        "before_minor": 400,
        "after_minor": 450,
        "leaves": False,
    }
    letter = circle.letter(Notice.SHARE_CHANGED, payload)
    assert letter is not None
    assert isinstance(letter.content, ShareChanged)
    assert (letter.content.before, letter.content.after) == (Money(400, "EUR"), Money(500, "EUR"))
    assert circle.letter(Notice.SHARE_CHANGED, payload | {"before_minor": 500}) is None
    assert circle.letter(Notice.SHARE_CHANGED, payload | {"leaves": True}) is None
    circle.member.left_on = date(2026, 4, 1)
    assert circle.letter(Notice.SHARE_CHANGED, payload) is None
    assert circle.letter(Notice.SHARE_CHANGED, payload | {"leaves": True}) is not None


def test_a_heads_up_is_for_those_who_will_still_be_there(circle: Circle) -> None:
    payload = {
        "group_id": circle.group.id,
        "starts_on": "2026-04-01",
        "ends_on": "2026-04-30",
        "due_on": "2026-04-01",
        "amount_minor": 400,
    }
    letter = circle.letter(Notice.HEADS_UP, payload)
    assert letter is not None
    assert isinstance(letter.content, HeadsUp)
    circle.member.left_on = date(2026, 4, 1)
    assert circle.letter(Notice.HEADS_UP, payload) is None


def test_a_bill_is_wanted_until_it_is_entered(circle: Circle) -> None:
    period = circle.session.get_one(Period, circle.payment.period_id)
    period.total_minor = None
    letter = circle.letter(Notice.BILL_WANTED, {"period_id": period.id}, circle.olga)
    assert letter is not None
    assert isinstance(letter.content, BillWanted)
    assert letter.content.period_id == period.public_id
    period.total_minor = 400
    assert circle.letter(Notice.BILL_WANTED, {"period_id": period.id}, circle.olga) is None


@pytest.mark.parametrize("notice", [Notice.REQUESTS_EXHAUSTED, Notice.OBJECTION])
def test_admins_hear_about_a_member_and_can_reply_to_them(circle: Circle, notice: Notice) -> None:
    circle.payment.exhausted_at, circle.payment.objection = NOW, "N0teAb0utIt2"
    payload = {"payment_ids": [circle.payment.id], "contact_id": circle.ben.id, "text": "I left."}
    letter = circle.letter(notice, payload, circle.olga)
    assert letter is not None
    assert isinstance(letter.content, About)
    assert (letter.content.member.name, letter.reply_to) == ("Ben", "ben@example.org")


@pytest.mark.parametrize("notice", [Notice.ADDRESS_REFUSED, Notice.UNSUBSCRIBED])
def test_admins_hear_about_an_address(circle: Circle, notice: Notice) -> None:
    address = circle.session.query(Address).filter_by(contact_id=circle.ben.id).one()
    address.refused_since = address.unsubscribed_at = NOW
    letter = circle.letter(notice, {"address_id": address.id, "reason": "550"}, circle.olga)
    assert letter is not None
    assert isinstance(letter.content, AboutAddress)
    assert letter.content.address == "ben@example.org"
    assert letter.content.person_id == circle.ben.public_id


@pytest.mark.parametrize("notice", [Notice.INVITE, Notice.SETUP, Notice.RESET])
def test_a_link_that_no_longer_works_is_not_sent(circle: Circle, notice: Notice) -> None:
    user = circle.add(User(name="Olga", created_at=NOW))
    expires_at = NOW + timedelta(hours=1)
    link = circle.add(Link(jti="1" * 32, purpose=LinkPurpose.RESET, created_at=NOW, expires_at=expires_at))
    message = circle.message(notice, {"link_id": link.id, "invited_by": user.id}, circle.olga)
    letter = circle.read(message)
    assert letter is not None
    assert isinstance(letter.content, Account)
    assert letter.content.until == expires_at
    assert circle.read(message, expires_at) is None
    link.used_at = NOW
    assert circle.read(message) is None


@pytest.mark.parametrize("notice", [Notice.FRESH_LINK, Notice.TEST])
def test_plain_letters_always_go(circle: Circle, notice: Notice) -> None:
    assert circle.letter(notice, {}) is not None


def test_the_language_is_the_contacts_before_the_workspaces(circle: Circle) -> None:
    circle.workspace.language = "en_GB"
    assert language(circle) == "en_GB"
    circle.ben.language = "en_US"
    assert language(circle) == "en_US"


def language(circle: Circle) -> str | None:
    letter = circle.letter(Notice.TEST, {})
    return letter.locale if letter else None
