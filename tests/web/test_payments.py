"""Claims about the page of one payment: its whole history, and every act that is legal in its status."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.domain.notices import Notice
from substrack.domain.payments import ReopenCause, Status
from substrack.domain.shares import SplitKind
from substrack.queries.undoing import correction_to_undo
from substrack.services.bill_undo import take_back_bill
from substrack.services.outbox import Draft, queue
from substrack.services.payments import adjust_payment, confirm_payment, reopen_payment, waive_payment
from substrack.services.periods import edit_period, open_next_period
from substrack.services.putting_off import snooze_payments
from substrack.services.voiding import void_period
from substrack.store import Event, Member, Payment
from tests.support.cast import Cast, money
from tests.web.admin import contact_named, events, stranger
from tests.web.forms import counted, fill, press
from tests.web.scenes import answers_to, claim, receipts, status_of, verbs
from tests.web.support import NOW, Browser, TurnableClock

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def url(cast: Cast, ben: Member) -> str:
    return f"/payments/{cast.payment_of(ben).public_id}"


def do(olga: Browser, url: str, act: str, **typed: str) -> str:
    """Send the form of an act as the page shows it; return the page that follows."""
    fields = fill(olga.get(url).text, "version") | typed
    answer = olga.client.post(f"{url}/{act}", data=fields)
    return olga.get(url).text if answer.status_code == 303 else answer.text


LEGAL = {
    Status.PENDING: {"claim", "confirm", "waive", "adjust"},
    Status.MEMBER_CONFIRMED: {"withdraw", "confirm", "reject", "waive", "adjust"},
    Status.CONFIRMED: {"reopen", "adjust"},
    Status.WAIVED: {"unwaive"},
}


def bring_to(cast: Cast, ben: Member, status: Status) -> None:
    payment = cast.payment_of(ben)
    if status is Status.MEMBER_CONFIRMED:
        claim(cast, ben)
    if status is Status.CONFIRMED:
        cast.do(confirm_payment, payment.id, by=cast.olga, now=NOW)
    if status is Status.WAIVED:
        cast.do(waive_payment, payment.id, reason="Birthday", by=cast.olga, now=NOW)


@pytest.mark.only_sqlite
@pytest.mark.parametrize("status", list(LEGAL))
def test_exactly_the_legal_acts_are_offered(
    olga: Browser, cast: Cast, ben: Member, url: str, status: Status
) -> None:
    bring_to(cast, ben, status)

    shown = olga.get(url).text

    acts = {"claim", "withdraw", "confirm", "reject", "waive", "unwaive", "reopen", "adjust"}
    assert {act for act in acts if f'action="{url}/{act}"' in shown} == LEGAL[status]


class TestActs:
    def test_what_is_left_of_an_overpaid_claim_is_settled_with_earlier_money(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        claim(cast, ben, 1, 2)
        cast.do(confirm_payment, cast.payment_of(ben).id, amount=money("5.98"), by=cast.olga, now=NOW)
        url = f"/payments/{cast.payment_of(ben, 2).public_id}"
        shown = olga.get(url).text
        assert "Settle with earlier money" in shown
        assert "Empty for what the claim still stands for." in shown

        press(olga, url, f"{url}/confirm", **fill(shown, "version"))

        assert status_of(cast, ben, 2) == "confirmed"
        assert [receipt.amount_minor for receipt in receipts(cast)] == [598]

    def test_a_button_that_no_longer_fits_the_claim_books_nothing(
        self, olga: Browser, cast: Cast, ben: Member, clock: TurnableClock
    ) -> None:
        claim(cast, ben, 1, 2)
        first, second = (f"/payments/{cast.payment_of(ben, k).public_id}" for k in (1, 2))
        undone = do(olga, first, "confirm", amount="5.98")
        shown = olga.get(second).text
        press(olga, first, undone[undone.index("/decisions/") :].partition('"')[0], next=first)

        press(olga, second, f"{second}/confirm", **fill(shown, "version"))

        assert status_of(cast, ben, 2) == "member_confirmed"
        assert receipts(cast) == []

    def test_confirm_and_its_undo(
        self, olga: Browser, cast: Cast, ben: Member, url: str, clock: TurnableClock
    ) -> None:
        shown = do(olga, url, "confirm")
        assert status_of(cast, ben) == "confirmed"
        undo = shown[shown.index("/decisions/") :].partition('"')[0]
        clock.turn(timedelta(seconds=9))
        press(olga, url, undo, next=url)
        assert status_of(cast, ben) == "pending"

    def test_confirm_a_part_with_its_day(self, olga: Browser, cast: Cast, ben: Member, url: str) -> None:
        do(olga, url, "confirm", amount="2.00", received_on="2026-02-20", method="Cash")

        (receipt,) = receipts(cast)
        assert (receipt.amount_minor, receipt.received_on.isoformat()) == (200, "2026-02-20")
        assert cast.payment_of(ben).received_minor == 200

    def test_the_sum_that_was_stated_is_the_one_to_confirm_here_too(
        self, olga: Browser, cast: Cast, ben: Member, url: str
    ) -> None:
        claim(cast, ben)
        cast.do(
            adjust_payment, cast.payment_of(ben).id, amount=money("2.50"), reason="x", by=cast.olga, now=NOW
        )
        shown = olga.get(url).text
        assert "Confirm 2.99\xa0€" in shown
        assert "2.50\xa0€ is owed" in shown

        shown = do(olga, url, "confirm")

        assert [receipt.amount_minor for receipt in receipts(cast)] == [299]
        assert cast.payment_of(ben).received_minor == 250

    def test_what_is_left_over_is_said_to_be_credit(
        self, olga: Browser, cast: Cast, ben: Member, url: str
    ) -> None:
        shown = do(olga, url, "confirm", amount="10.00")  # 2.99 here, 2.99 for March
        assert "Booked; 4.02\xa0€ is kept as credit." in shown

    def test_a_rejected_claim_says_so(self, olga: Browser, cast: Cast, ben: Member, url: str) -> None:
        claim(cast, ben)
        shown = do(olga, url, "reject", reason="Not there")
        card = shown[shown.index("“Paid”") :].partition("</article>")[0]
        assert "rejected</span>" in card
        assert "Not there" in card

    def test_only_messages_about_this_payment_are_listed(
        self, olga: Browser, cast: Cast, ben: Member, url: str
    ) -> None:
        group = cast.payment_of(ben).group_id
        opened = cast.do(open_next_period, group, by=cast.olga, now=NOW)
        mine, *_others = [one for one in cast.payments(period_id=opened.id) if one.kind == "dues"]
        (event,) = cast.read(
            lambda session: list(
                session.scalars(select(Event).where(Event.payment_id == mine.id, Event.verb == "open"))
            )
        )
        for name in ("Ben", "Mia"):
            contact = contact_named(cast, name)
            draft = Draft(
                workspace_id=cast.workspace_id,
                contact_id=contact.id,
                notice=Notice.PERIOD_OPENED,
                dedupe_key=f"opened:{name}",
                due_at=NOW,
                payload={"payment_ids": []},
                correlation_id=event.correlation_id,
            )
            cast.do(queue, [draft], now=NOW)

        shown = olga.get(f"/payments/{mine.public_id}").text

        assert shown.count('<td class="row-under">Ben<') == 1
        assert '<td class="row-under">Mia<' not in shown

    def test_the_requests_of_all_rounds_are_counted(
        self, olga: Browser, cast: Cast, ben: Member, url: str
    ) -> None:
        def ask_anew(session: Session) -> None:
            payment = session.get_one(Payment, cast.payment_of(ben).id)
            payment.requests_sent, payment.requests_before = 9, 8

        cast.do(ask_anew)
        assert "<dt>Requests</dt><dd>9</dd>" in olga.get(url).text

    def test_reject_with_a_reason(self, olga: Browser, cast: Cast, ben: Member, url: str) -> None:
        claim(cast, ben)
        assert "Say why; the member will read it." in do(olga, url, "reject", reason="")
        do(olga, url, "reject", reason="Not there")
        assert status_of(cast, ben) == "pending"
        assert answers_to(cast, ben) == ["rejected"]

    def test_waive_and_ask_again(self, olga: Browser, cast: Cast, ben: Member, url: str) -> None:
        do(olga, url, "waive", reason="Birthday")
        assert status_of(cast, ben) == "waived"
        do(olga, url, "unwaive")
        assert status_of(cast, ben) == "pending"

    @pytest.mark.parametrize("cause", list(ReopenCause))
    def test_reopen_with_either_cause(
        self, olga: Browser, cast: Cast, ben: Member, url: str, cause: ReopenCause
    ) -> None:
        do(olga, url, "confirm")

        shown = do(olga, url, "reopen", because=cause.value)

        assert status_of(cast, ben) == "pending"
        assert len(receipts(cast)) == (0 if cause is ReopenCause.NEVER_CAME else 1)
        assert "taken back" in shown

    def test_another_sum_is_booked_in_one_go(self, olga: Browser, cast: Cast, ben: Member, url: str) -> None:
        do(olga, url, "confirm")
        refused = do(olga, url, "reopen", because="another-sum", amount="2.99")
        assert "2.99\xa0€ is booked already" in refused

        shown = do(olga, url, "reopen", because="another-sum", amount="2.00")

        assert "What really came is booked instead." in shown
        assert cast.payment_of(ben).received_minor == 200
        assert "“Another sum came”" in shown
        assert "another-sum" not in olga.get("/journal").text
        assert "another-sum" not in olga.get("/money-in").text

    def test_a_sum_with_another_cause_is_refused_and_the_receipt_stays(
        self, olga: Browser, cast: Cast, ben: Member, url: str
    ) -> None:
        do(olga, url, "confirm")

        shown = do(olga, url, "reopen", because=ReopenCause.NEVER_CAME.value, amount="2.00")

        assert status_of(cast, ben) == "confirmed"
        assert len(receipts(cast)) == 1
        assert "A sum counts only where another sum came" in shown.partition('id="reopen-amount"')[2]
        assert 'value="2.00"' in shown

    def test_another_sum_is_an_act_of_its_own(self, olga: Browser, url: str) -> None:
        shown = do(olga, url, "confirm")

        again, _act, another = shown.partition("Another sum came</summary>")
        assert "reopen-because" in again
        assert "reopen-amount" not in again
        assert "Book it instead" in another.partition("</form>")[0]

    def test_what_opens_with_it_is_listed_before(
        self, olga: Browser, cast: Cast, ben: Member, url: str
    ) -> None:
        assert "settled other payments" not in do(olga, url, "confirm")
        do(olga, url, "reopen", because=ReopenCause.NEVER_CAME.value)

        shown = do(olga, url, "confirm", amount="5.98")

        other = f"/payments/{cast.payment_of(ben, 2).public_id}"
        assert "The same money settled other payments." in shown
        assert f'<a href="{other}">' in shown.partition("settled other payments")[2].partition("</ul>")[0]

    def test_why_it_is_open_again_is_said_in_the_words_that_were_chosen(
        self, olga: Browser, cast: Cast, ben: Member, url: str
    ) -> None:
        do(olga, url, "confirm")

        shown = do(olga, url, "reopen", because=ReopenCause.NEVER_CAME.value)

        assert "“The money never came”" in shown
        assert "never-came" not in olga.get("/journal").text
        assert "never-came" not in olga.get("/money-in").text

    def test_adjust_with_a_reason(self, olga: Browser, cast: Cast, ben: Member, url: str) -> None:
        shown = do(olga, url, "adjust", amount="2.50", reason="Half the month away")

        assert cast.payment_of(ben).amount_minor == 250
        assert "Half the month away" in shown

    def test_a_share_can_be_corrected_to_nothing_but_not_to_what_is_not_typed(
        self, olga: Browser, cast: Cast, ben: Member, url: str
    ) -> None:
        do(olga, url, "adjust", amount="", reason="Away")
        assert cast.payment_of(ben).amount_minor == 299
        do(olga, url, "adjust", amount="0", reason="Away")
        assert (cast.payment_of(ben).amount_minor, status_of(cast, ben)) == (0, "confirmed")

    def test_claim_for_them_and_take_it_back(self, olga: Browser, cast: Cast, ben: Member, url: str) -> None:
        shown = do(olga, url, "claim", note="Told me on the phone", paid_on="2026-02-20")
        assert status_of(cast, ben) == "member_confirmed"
        assert "Told me on the phone" in shown
        do(olga, url, "withdraw")
        assert status_of(cast, ben) == "pending"


class TestCalm:
    def test_a_second_tap_hears_who_decided(self, olga: Browser, cast: Cast, ben: Member, url: str) -> None:
        fields = fill(olga.get(url).text, "version")
        for _tap in range(2):
            assert olga.client.post(f"{url}/confirm", data=fields).status_code == 303

        assert "Olga confirmed this at 10:00; nothing was changed." in olga.get(url).text
        assert len(receipts(cast)) == 1

    def test_an_older_version_decides_nothing(self, olga: Browser, cast: Cast, ben: Member, url: str) -> None:
        fields = fill(olga.get(url).text, "version")
        do(olga, url, "adjust", amount="2.50", reason="Typo")

        answer = olga.client.post(f"{url}/waive", data=fields | {"reason": "kept"})

        assert answer.status_code == 422
        assert "Olga corrected the amount at 10:00; nothing was changed." in answer.text
        assert "kept" in answer.text
        assert status_of(cast, ben) == "pending"

    def test_a_stale_reject_never_unconfirms(self, olga: Browser, cast: Cast, ben: Member, url: str) -> None:
        claim(cast, ben)
        fields = fill(olga.get(url).text, "version")
        do(olga, url, "confirm")

        olga.client.post(f"{url}/reject", data=fields | {"reason": "No"})

        assert status_of(cast, ben) == "confirmed"

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("act", "field", "typed"),
        [
            ("confirm", "amount", "1.234"),
            ("confirm", "received_on", "20.2.2026"),
            ("adjust", "amount", "-1"),
            ("adjust", "reason", ""),
            ("waive", "reason", "x" * 501),
            ("claim", "note", "x" * 10_000),
            ("claim", "paid_on", "2027-01-01"),
        ],
    )
    def test_what_cannot_be_is_said_beside_its_own_field(
        self, olga: Browser, cast: Cast, ben: Member, url: str, act: str, field: str, typed: str
    ) -> None:
        good = {"adjust": {"amount": "2.50", "reason": "kept"}}.get(act, {})

        shown = do(olga, url, act, **good | {field: typed})

        assert f'id="{act}-{field}-error-1"' in shown
        assert shown.count('class="field-error"') == 1
        assert shown.count('<details class="act" open>') == 1
        assert verbs(cast, cast.payment_of(ben)) == ["open"]

    @pytest.mark.only_sqlite
    def test_ids_of_fields_are_unique(self, olga: Browser, url: str) -> None:
        shown = olga.get(url).text
        ids = [part.partition('"')[0] for part in shown.split(' id="')[1:]]
        assert len(ids) == len(set(ids))

    @pytest.mark.only_sqlite
    def test_an_act_that_is_none_is_not_there(self, olga: Browser, url: str) -> None:
        assert press(olga, url, f"{url}/lapse").status_code == 404


class TestHistory:
    def test_everything_that_happened_is_told(self, olga: Browser, cast: Cast, ben: Member, url: str) -> None:
        payment = cast.payment_of(ben)
        claim(cast, ben, note="By PayPal")
        cast.do(confirm_payment, payment.id, amount=money("2.99"), by=cast.olga, now=NOW)
        cast.do(reopen_payment, payment.id, because=ReopenCause.SOMETHING_ELSE, by=cast.olga, now=NOW)

        shown = olga.get(url).text

        for told in (
            "Ben owes 2.99\xa0€ for February 2026.",
            "Ben said February 2026 is paid.",
            "Ben paid February 2026.",
            "open again",
            "By PayPal",
            "taken back",
            "Payment to check",
            "Received",
            payment.reference,
        ):
            assert told in shown

    def test_statements_do_not_grow_with_the_history(
        self, olga: Browser, runtime: Runtime, cast: Cast, ben: Member, url: str
    ) -> None:
        payment, statements = cast.payment_of(ben), []
        for _time in range(3):
            claim(cast, ben)
            cast.do(confirm_payment, payment.id, by=cast.olga, now=NOW)
            cast.do(reopen_payment, payment.id, because=ReopenCause.NEVER_CAME, by=cast.olga, now=NOW)
            with counted(runtime) as made:
                olga.get(url)
            statements.append(len(made))

        assert len(set(statements)) == 1
        assert statements[0] <= 13

    @pytest.mark.only_sqlite
    def test_the_payers_own_share_is_decided_by_nobody(self, olga: Browser, cast: Cast, ben: Member) -> None:
        own = cast.payments(kind="own")[0]

        shown = olga.get(f"/payments/{own.public_id}").text

        assert "own share" in shown
        assert "What to do" not in shown

    @pytest.mark.only_sqlite
    def test_the_payers_own_share_is_neither_due_nor_asked_for(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        own = cast.payments(kind="own")[0]

        shown = olga.get(f"/payments/{own.public_id}").text

        for fact in ("Due", "Reference", "Requests"):
            assert f"<dt>{fact}</dt>" not in shown
        assert own.reference not in shown

    @pytest.mark.only_sqlite
    def test_a_rest_is_told_until_it_is_over(
        self, olga: Browser, cast: Cast, ben: Member, url: str, clock: TurnableClock
    ) -> None:
        by = Actor.contact(ben.contact_id)
        until = NOW.date() + timedelta(days=5)
        cast.do(snooze_payments, ben.contact_id, [cast.payment_of(ben).id], until=until, by=by, now=NOW)

        assert "<dt>Rests until</dt><dd>6 Mar 2026</dd>" in olga.get(url).text
        clock.turn(timedelta(days=5))
        assert "Rests until" not in olga.get(url).text


def test_zed_sees_and_decides_nothing(
    app: Flask, runtime: Runtime, cast: Cast, ben: Member, url: str
) -> None:
    zed = stranger(app, runtime)
    before = events(cast)

    assert zed.get(url).status_code == 404
    for act in ("claim", "confirm", "waive", "adjust"):
        answer = press(zed, "/profile", f"{url}/{act}", amount="1", reason="x", version="1")
        assert answer.status_code == 404
    assert events(cast) == before


@pytest.mark.parametrize("then_void", [False, True])
def test_a_void_payment_says_whether_its_period_or_its_bill_was_taken_back(
    olga: Browser, cast: Cast, then_void: bool
) -> None:
    group = cast.group("Phone", split=SplitKind.VARIABLE)
    kim = cast.join(group, "Kim", now=NOW)
    period_id = cast.do(open_next_period, group.id, by=cast.olga, now=NOW).id
    cast.do(edit_period, period_id, total=money("30.00"), by=cast.olga, now=NOW)
    url = f"/payments/{cast.payments(member_id=kim.id)[0].public_id}"
    entered = cast.read(lambda session: correction_to_undo(session, period_id))
    if then_void:
        cast.do(void_period, period_id, reason="no bill came", by=cast.olga, now=NOW)
    else:
        assert cast.do(take_back_bill, entered, by=cast.olga, now=NOW)

    shown = olga.get(url).text

    assert ("its period was taken out of the books" in shown) is then_void
    assert ("its bill was taken back" in shown) is not then_void
