"""Claims about the rest of the member's page: how to pay, paying ahead, being reached, one's own link."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime
from substrack.domain.notices import Channel, ChannelChoice
from substrack.domain.pay_methods import PayMethod, pay_method
from substrack.domain.payments import ReopenCause
from substrack.domain.shares import SplitKind
from substrack.queries.groups import load_terms
from substrack.services.chats import choose_channel
from substrack.services.claim_decisions import confirm_claim
from substrack.services.group_edits import edit_group
from substrack.services.groups import pause_group
from substrack.services.mailboxes import set_email
from substrack.services.members import leave_group
from substrack.services.payments import confirm_payment, reopen_payment
from substrack.services.periods import edit_period
from substrack.services.prices import set_price
from substrack.services.receipts import record_receipt, void_receipt
from substrack.store import Address, Attempt, Connection, Contact, Group, Link, LinkPurpose, Member, Period
from tests.support.cast import Cast, at, make_cast, money
from tests.web.paying import NOW, Page, page_of
from tests.web.support import TurnableClock

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

BANK = pay_method("iban", {"iban": "DE89370400440532013000", "holder": "Olga O."})
SWISS = pay_method("iban", {"iban": "CH9300762011623852957", "holder": "Olga O."})


@pytest.fixture
def cast(runtime: Runtime, clock: TurnableClock) -> Cast:
    clock.now = NOW
    return make_cast(runtime)


@pytest.fixture
def ben(cast: Cast) -> Member:
    """Ben, who owes 6.00 since today and every month; so does mia."""
    return join(cast, BANK)


def join(cast: Cast, *ways: PayMethod, currency: str = "EUR") -> Member:
    group = cast.group("YouTube Premium", "17.99", pay_methods=ways, currency=currency)
    ben = cast.join(group, "Ben")
    cast.join(group, "Mia")
    cast.tick(NOW)
    return ben


def link_a_chat(cast: Cast, contact_id: int, *, has_mail: bool = True) -> None:
    """Let a chat be linked, beside the mailbox or instead of it."""
    with cast.runtime.transaction() as session:
        bot = Connection(
            workspace_id=cast.workspace_id, channel=Channel.TELEGRAM, name="environment", settings={}
        )
        session.add(bot)
        session.flush()
        chat = {"value": "1002", "value_key": "1002", "channel": Channel.TELEGRAM, "created_at": NOW}
        session.add(Address(contact_id=contact_id, connection_id=bot.id, **chat))
    if not has_mail:
        cast.do(set_email, contact_id, None, by=cast.olga, now=NOW)


def links_of(cast: Cast, contact_id: int) -> list[Link]:
    query = select(Link).where(Link.contact_id == contact_id, Link.purpose == LinkPurpose.PAY)
    return cast.read(lambda session: list(session.scalars(query.order_by(Link.id))))


class TestHowToPay:
    def test_what_a_bank_asks_for_is_ready_to_be_copied(self, page: Page, cast: Cast, ben: Member) -> None:
        shown = page.show().text

        copied = re.findall(r'data-copy="([^"]+)"', shown)
        assert copied == ["Olga O.", "DE89370400440532013000", "6.00", cast.payment_of(ben).reference]
        assert shown.count("data-copied=") == shown.count(" hidden>") == 4

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("way", "currency", "codes"), [(BANK, "EUR", 1), (BANK, "CHF", 0), (SWISS, "EUR", 0)]
    )
    def test_a_code_to_scan_is_drawn_inline_for_euro_alone(
        self, app: Flask, runtime: Runtime, cast: Cast, way: PayMethod, currency: str, codes: int
    ) -> None:
        ben = join(cast, way, currency=currency)

        shown = page_of(app, runtime, cast, ben.contact_id).show().text

        assert shown.count('<svg viewBox="0 0') == codes
        assert shown.count(" style=") == 0

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("way", "currency", "link"),
        [
            (pay_method("link", {"url": "paypal.me/olga"}), "EUR", "https://paypal.me/olga/6.00EUR"),
            (
                pay_method("upi", {"vpa": "olga@okbank"}),
                "INR",
                "upi://pay?pa=olga@okbank&amp;pn=Olga&amp;am=6.00&amp;cu=INR&amp;tn={reference}",
            ),
        ],
    )
    def test_links_open_with_the_sum_filled_in(
        self, app: Flask, runtime: Runtime, cast: Cast, way: PayMethod, currency: str, link: str
    ) -> None:
        ben = join(cast, way, currency=currency)
        reference = cast.payment_of(ben).reference

        shown = page_of(app, runtime, cast, ben.contact_id).show().text

        assert f'href="{link.replace("{reference}", reference)}"' in shown


class TestPayingAhead:
    def test_the_head_says_who_asks_for_how_much_by_when(self, page: Page) -> None:
        shown = page.show().text

        assert "<h1>Olga asks you for 6.00\xa0€</h1>" in shown
        assert "Paid? One more tap and Olga knows." in shown
        assert "It is due today, 1 Feb 2026." in shown
        assert "A whole year is 72.00\xa0€." in shown

    def test_more_than_is_owed_becomes_credit_that_covers_what_comes(
        self, page: Page, cast: Cast, ben: Member
    ) -> None:
        page.press("claim", cast.payment_of(ben), amount="30")
        assert "24.00\xa0€ of it will be your credit." in page.show().text
        (attempt,) = cast.read(lambda session: list(session.scalars(select(Attempt))))

        cast.do(confirm_claim, attempt.id, by=cast.olga, now=NOW)

        shown = page.show().text
        assert "24.00\xa0€" in shown
        assert "covered, 4 months left" in shown
        cast.tick(at("2026-03-01"))
        assert cast.payment_of(ben, 2).status == "confirmed"
        assert "covered, 3 months left" in page.show().text

    def test_credit_with_a_former_payer_settles_nothing_and_says_whom_to_ask(
        self, page: Page, cast: Cast, ben: Member
    ) -> None:
        mia = next(one.contact_id for one in cast.payments(kind="dues") if one.contact_id != ben.contact_id)
        cast.do(confirm_payment, cast.payment_of(ben).id, amount=money("16.00"), by=cast.olga, now=NOW)
        assert "It settles by itself what you owe Olga next." in page.show().text

        terms = cast.read(lambda session: load_terms(session, ben.group_id))
        cast.do(edit_group, ben.group_id, replace(terms, payer_id=mia), by=cast.olga, now=NOW)

        shown = page.show().text
        assert "It settles by itself" not in shown
        assert "Nothing you share goes to Olga any more. Ask Olga to send your credit back." in shown

    def test_credit_kept_for_a_group_that_another_is_paid_for_is_named_beside_the_rest(
        self, page: Page, cast: Cast, ben: Member
    ) -> None:
        mia = next(one.contact_id for one in cast.payments(kind="dues") if one.contact_id != ben.contact_id)
        cast.do(confirm_payment, cast.payment_of(ben).id, by=cast.olga, now=NOW)
        cast.join(cast.group("Phone", payer_id=cast.olga_contact), "Ben")
        who = {"contact_id": ben.contact_id, "payer_id": cast.olga_contact}
        kept = {"amount": money("4.00"), "group_id": ben.group_id}
        cast.do(record_receipt, cast.workspace_id, **who, **kept, by=cast.olga, now=NOW)
        cast.do(record_receipt, cast.workspace_id, **who, amount=money("1.00"), by=cast.olga, now=NOW)
        terms = cast.read(lambda session: load_terms(session, ben.group_id))
        cast.do(edit_group, ben.group_id, replace(terms, payer_id=mia), by=cast.olga, now=NOW)

        shown = page.show().text
        assert "It settles by itself what you owe Olga next." in shown
        assert "No share of YouTube Premium goes to Olga any more." in shown

    def test_credit_waits_for_a_group_that_is_paused(self, page: Page, cast: Cast, ben: Member) -> None:
        cast.do(confirm_payment, cast.payment_of(ben).id, amount=money("16.00"), by=cast.olga, now=NOW)
        cast.do(pause_group, ben.group_id, by=cast.olga, now=NOW)
        assert "It settles by itself what you owe Olga next." in page.show().text

    def test_credit_covers_nothing_after_somebody_leaves(self, page: Page, cast: Cast, ben: Member) -> None:
        pay = {"contact_id": ben.contact_id, "payer_id": cast.olga_contact, "amount": money("72.00")}
        cast.do(record_receipt, cast.workspace_id, **pay, by=cast.olga, now=NOW)
        assert "covered, 11 months left" in page.show().text

        cast.do(leave_group, ben.id, left_on=date(2026, 5, 1), by=cast.olga, now=NOW)

        assert "covered, 2 months left" in page.show().text

    def test_admins_see_how_long_it_lasts(
        self, page: Page, cast: Cast, ben: Member, runtime: Runtime
    ) -> None:
        pay = {"contact_id": ben.contact_id, "payer_id": cast.olga_contact, "amount": money("30.00")}
        cast.do(record_receipt, cast.workspace_id, **pay, by=cast.olga, now=NOW)
        assert cast.olga.id is not None
        page.browser.sign_in(runtime, cast.olga.id)
        person = cast.read(lambda session: session.get_one(Contact, ben.contact_id).public_id)

        shown = page.browser.get(f"/people/{person}").text

        assert "Paid ahead" in shown
        assert "YouTube Premium</a>: covered, 4 months left" in shown

    def test_what_comes_next_has_a_day_and_a_share(self, page: Page) -> None:
        shown = page.show().text
        assert "YouTube Premium, March 2026" in shown
        assert "1 Mar 2026" in shown

    def test_money_that_was_taken_off_again_is_not_told_as_received(
        self, page: Page, cast: Cast, ben: Member
    ) -> None:
        payment = cast.payment_of(ben)
        cast.do(confirm_payment, payment.id, by=cast.olga, now=NOW)
        assert "6.00\xa0€ received on 1 Feb 2026" in page.show().text

        cast.do(reopen_payment, payment.id, because=ReopenCause.NEVER_CAME, by=cast.olga, now=NOW)

        assert "received on" not in page.show().text

    @pytest.mark.parametrize(("paid", "is_settled"), [("2.00", False), ("6.00", True)])
    def test_money_that_was_voided_is_told_as_taken_back(
        self, page: Page, cast: Cast, ben: Member, paid: str, is_settled: bool
    ) -> None:
        pay = {"contact_id": ben.contact_id, "payer_id": cast.olga_contact, "amount": money(paid)}
        receipt = cast.do(record_receipt, cast.workspace_id, **pay, by=cast.olga, now=NOW)
        assert (cast.payment_of(ben).status == "confirmed") is is_settled

        cast.do(void_receipt, receipt.id, reason="Was for pizza", by=cast.olga, now=NOW)

        shown = page.show().text.replace("\xa0", " ")
        assert f"{paid} € of 1 Feb 2026 was taken back: “Was for pizza”" in shown
        assert "received on" not in shown
        assert "corrected to" not in shown

    def test_what_an_earlier_receipt_gave_is_still_told(self, page: Page, cast: Cast, ben: Member) -> None:
        pay = {"contact_id": ben.contact_id, "payer_id": cast.olga_contact, "amount": money("2.00")}
        cast.do(record_receipt, cast.workspace_id, **pay, by=cast.olga, now=NOW)
        second = pay | {"amount": money("4.00")}
        receipt = cast.do(record_receipt, cast.workspace_id, **second, by=cast.olga, now=NOW)

        cast.do(void_receipt, receipt.id, reason="It bounced", by=cast.olga, now=NOW)

        shown = page.show().text.replace("\xa0", " ")
        assert "4.00 € of 1 Feb 2026 was taken back: “It bounced”" in shown
        assert "2.00 € received on 1 Feb 2026" in shown

    @pytest.mark.only_sqlite
    def test_the_history_tells_twelve(self, page: Page, cast: Cast, ben: Member) -> None:
        for sequence in range(1, 15):
            cast.tick(at(f"{2026 + sequence // 12}-{sequence % 12 + 1:02}-01"))
            cast.do(confirm_payment, cast.payment_of(ben, sequence).id, by=cast.olga, now=NOW)

        assert page.show().text.count("received on 1 Feb 2026") == 12


class TestBeingReached:
    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("has_chat", "has_mail", "choice", "answer"),
        [
            (False, True, None, "The answer comes by mail."),
            (True, True, None, "The answer comes by mail and in Telegram."),
            (True, True, ChannelChoice.TELEGRAM_FIRST, "The answer comes in Telegram."),
            (True, False, None, "The answer comes in Telegram."),
            (False, False, None, "The answer stands on this page then."),
        ],
    )
    def test_what_is_promised_is_true(
        self,
        page: Page,
        cast: Cast,
        ben: Member,
        app: Flask,
        runtime: Runtime,
        has_chat: bool,
        has_mail: bool,
        choice: ChannelChoice | None,
        answer: str,
    ) -> None:
        if has_chat:
            link_a_chat(cast, ben.contact_id)
        if choice:
            cast.do(choose_channel, ben.contact_id, choice, by=cast.olga, now=NOW)
        if not has_mail:
            cast.do(set_email, ben.contact_id, None, by=cast.olga, now=NOW)
        mine = page_of(app, runtime, cast, ben.contact_id)

        mine.press("claim", cast.payment_of(ben))

        assert answer in mine.show().text

    def test_requests_by_mail_are_stopped_and_wanted_again(self, page: Page, cast: Cast, ben: Member) -> None:
        assert press(page, "reach", act="stop").status_code == 303
        assert "Requests by mail are stopped" in page.show().text
        assert cast.notices_to(cast.olga_contact).count("unsubscribed") == 1

        press(page, "reach", act="start")

        assert "Requests come by mail." in page.show().text

    def test_a_language_is_kept_for_mails_as_well(self, page: Page, cast: Cast, ben: Member) -> None:
        assert press(page, "reach", act="language", language="en_US").status_code == 303

        kept = cast.read(lambda session: session.get_one(Contact, ben.contact_id).language)
        assert kept == "en_US"
        assert '<html lang="en-US">' in page.show().text

    @pytest.mark.only_sqlite
    def test_what_no_button_says_is_refused(self, page: Page) -> None:
        assert press(page, "reach", act="language", language="xx").status_code == 400
        assert press(page, "reach", act="other").status_code == 400
        assert page.browser.client.post("/pay/x/reach", data={"act": "stop"}).status_code == 404


class TestOwnLink:
    def test_a_new_link_goes_to_its_owner_and_the_old_one_is_dead(
        self, page: Page, cast: Cast, ben: Member
    ) -> None:
        answer = press(page, "link")

        assert answer.status_code == 303
        told = page.browser.get(answer.location).text
        assert "Look into your mail" in told
        old, new = links_of(cast, ben.contact_id)
        assert (old.revoked_at, new.revoked_at) == (NOW, None)
        assert new.jti not in answer.text + answer.location + told
        assert page.show().status_code == 404
        assert cast.notices_to(ben.contact_id).count("fresh_link") == 1

    def test_it_is_sent_even_to_who_asked_for_a_fresh_one_just_now(
        self, page: Page, cast: Cast, ben: Member
    ) -> None:
        page.press("fresh")

        press(page, "link")

        assert cast.notices_to(ben.contact_id).count("fresh_link") == 2

    def test_the_page_asks_once_more_and_changes_nothing_before(
        self, page: Page, cast: Cast, ben: Member
    ) -> None:
        assert f'href="{page.url}/link"' in page.show().text

        assert "A new one makes this one dead." in page.browser.get(f"{page.url}/link").text

        assert [link.revoked_at for link in links_of(cast, ben.contact_id)] == [None]

    def test_what_presses_all_it_is_sent_replaces_three_links_a_day(
        self, app: Flask, runtime: Runtime, cast: Cast, ben: Member, clock: TurnableClock
    ) -> None:
        presses = [press(page_of(app, runtime, cast, ben.contact_id), "link") for _time in range(4)]

        assert [answer.status_code for answer in presses] == [303, 303, 303, 422]
        assert "replaced three times today" in presses[3].text
        assert cast.notices_to(ben.contact_id).count("fresh_link") == 3
        clock.turn(timedelta(days=1))
        assert press(page_of(app, runtime, cast, ben.contact_id), "link").status_code == 303

    def test_who_is_reached_by_nothing_is_led_to_it(
        self, app: Flask, runtime: Runtime, cast: Cast, ben: Member
    ) -> None:
        cast.do(set_email, ben.contact_id, None, by=cast.olga, now=NOW)
        mine = page_of(app, runtime, cast, ben.contact_id)

        answer = press(mine, "link")

        assert answer.status_code == 303
        assert mine.show().status_code == 404
        assert mine.browser.get(answer.location.removeprefix("http://127.0.0.1:8000")).status_code == 200

    def test_a_second_press_finds_a_dead_link_and_changes_nothing(
        self, page: Page, cast: Cast, ben: Member, clock: TurnableClock
    ) -> None:
        press(page, "link")
        clock.turn(timedelta(seconds=1))

        assert press(page, "link").status_code == 404
        assert len(links_of(cast, ben.contact_id)) == 2


def press(page: Page, place: str, **fields: str) -> TestResponse:
    return page.browser.client.post(f"{page.url}/{place}", data=fields)


class TestWhatIsPromisedComesTrue:
    """The page of today against what time then does."""

    def paid_ahead(self, cast: Cast, member: Member, amount: str) -> None:
        pay = {"contact_id": member.contact_id, "payer_id": cast.olga_contact, "amount": money(amount)}
        cast.do(record_receipt, cast.workspace_id, **pay, by=cast.olga, now=NOW)

    @pytest.mark.parametrize("paid", ["1.00", "17.99", "24.16", "30.00", "47.50", "60.00"])
    def test_a_price_set_ahead_and_another_group_with_the_same_payer(
        self, page: Page, cast: Cast, ben: Member, paid: str
    ) -> None:
        video = cast.group("Video", "9.00", starts_on=date(2026, 2, 20), due_days=5)
        too = cast.join(video, "Ben")
        cast.do(
            set_price, ben.group_id, amount=money("21.99"), from_on=date(2026, 4, 1), by=cast.olga, now=NOW
        )
        cast.do(leave_group, mia_of(cast, ben).id, left_on=date(2026, 6, 1), by=cast.olga, now=NOW)
        self.paid_ahead(cast, ben, paid)

        promised = {name: covered_in(page.show().text, name) for name in ("YouTube Premium", "Video")}

        for month in range(2, 13):
            cast.tick(at(f"2026-{month:02}-01"))
            cast.tick(at(f"2026-{month:02}-20"))
        assert promised == {
            "YouTube Premium": settled_from(cast, ben, 2),
            "Video": settled_from(cast, too, 1),
        }

    def test_what_a_bill_may_take_is_not_promised(self, page: Page, cast: Cast, ben: Member) -> None:
        phone = cast.group("Phone", split=SplitKind.VARIABLE, starts_on=date(2026, 2, 10))
        cast.join(phone, "Ben")
        self.paid_ahead(cast, ben, "30.00")

        shown = page.show().text

        assert covered_in(shown, "YouTube Premium") == 0
        assert "your credit pays what the bill of Phone leaves of it" in shown
        cast.tick(at("2026-02-10"))
        cast.do(edit_period, opened(cast, phone), total=money("40.00"), by=cast.olga, now=at("2026-02-11"))
        cast.tick(at("2026-03-01"))
        assert settled_from(cast, ben, 2) == 0

    def test_what_comes_before_the_bill_is(self, page: Page, cast: Cast, ben: Member) -> None:
        phone = cast.group("Phone", split=SplitKind.VARIABLE, starts_on=date(2026, 3, 10))
        cast.join(phone, "Ben")
        self.paid_ahead(cast, ben, "30.00")

        shown = page.show().text

        assert covered_in(shown, "YouTube Premium") == 1
        assert "then what the bill of Phone leaves" in shown

    def test_a_bill_that_is_not_in_is_told(self, page: Page, cast: Cast, ben: Member) -> None:
        cast.do(confirm_payment, cast.payment_of(ben).id, by=cast.olga, now=NOW)
        phone = cast.group("Phone", split=SplitKind.VARIABLE)
        cast.join(phone, "Ben")
        cast.tick(NOW)

        shown = page.show().text

        assert "Phone, February 2026" in shown
        assert "the bill is not in yet" in shown
        assert "You are all settled" not in shown

    def test_a_bill_takes_from_the_credit_with_whom_it_was_opened_for(
        self, page: Page, cast: Cast, ben: Member
    ) -> None:
        phone = cast.group("Phone", split=SplitKind.VARIABLE)
        cast.join(phone, "Ben")
        mia = mia_of(cast, ben)
        cast.tick(NOW)
        terms = replace(cast.read(lambda session: load_terms(session, phone.id)), payer_id=mia.contact_id)
        cast.do(edit_group, phone.id, terms, by=cast.olga, now=NOW)
        self.paid_ahead(cast, ben, "30.00")

        shown = page.show().text

        assert covered_in(shown, "YouTube Premium") == 0
        assert "your credit pays what the bill of Phone leaves of it" in shown

    def test_a_year_counts_the_price_that_is_set(self, page: Page, cast: Cast, ben: Member) -> None:
        cast.do(
            set_price, ben.group_id, amount=money("24.00"), from_on=date(2026, 8, 1), by=cast.olga, now=NOW
        )

        assert "A whole year is 84.00\xa0€." in page.show().text


def mia_of(cast: Cast, ben: Member) -> Member:
    query = select(Member).where(
        Member.group_id == ben.group_id, Member.contact_id.not_in([ben.contact_id, cast.olga_contact])
    )
    return cast.read(lambda session: session.scalars(query).one())


def opened(cast: Cast, group: Group) -> int:
    query = select(Period.id).where(Period.group_id == group.id)
    return cast.read(lambda session: session.scalars(query).one())


def covered_in(shown: str, group: str) -> int:
    """Read for how many months a group is said to be covered."""
    line = shown.split("What comes next")[1].split(f"<strong>{group}, ")[1].split("</li>")[0]
    found = re.search(r"covered, (\d+) month", line)
    return int(found[1]) if found else 0


def settled_from(cast: Cast, member: Member, sequence: int) -> int:
    """Count the periods from one on that are confirmed one after the other."""
    count = 0
    while cast.payment_of(member, sequence + count).status == "confirmed":
        count += 1
    return count
