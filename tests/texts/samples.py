"""One letter of every kind, as Olga's circle would get them; the golden files show each in full."""

from dataclasses import replace
from datetime import UTC, date, datetime

from substrack.domain.bills import HowToPay, Item, OpenInAll, OwnSentence, Person, Way
from substrack.domain.claims import RejectReason
from substrack.domain.cycles import Unit
from substrack.domain.letter_links import LetterLinks
from substrack.domain.letters import (
    About,
    AboutAddress,
    Account,
    Answered,
    Asking,
    BillWanted,
    ChatDisputed,
    Claim,
    Claims,
    Content,
    CountsAgain,
    Decided,
    HeadsUp,
    Introduction,
    Letter,
    MailboxReplaced,
    PayDetailsChanged,
    Plain,
    PriceChange,
    Received,
    ReceivedItem,
    ShareChanged,
    Stretch,
    Void,
    Welcome,
)
from substrack.domain.money import Money
from substrack.domain.notices import Channel, Notice
from substrack.domain.payments import Status
from substrack.domain.simulation import Why
from substrack.domain.spans import Span

OLGA = Person("Olga", "olga@example.org")
BEN = Person("Ben", "ben@example.org")
MIA = Person("Mia", "mia@example.org")

LINKS = LetterLinks(
    home="https://subs.example.org",
    review="https://subs.example.org/review",
    pay="https://subs.example.org/pay/b3n.T0k",
    decide="https://subs.example.org/decide/d3c.T0k",
    unsubscribe="https://subs.example.org/unsubscribe/uns.T0k",
    account="https://subs.example.org/account/acc.T0k",
)

MARCH = Span(Unit.MONTH, 1, date(2026, 3, 1), date(2026, 3, 31))
SPRING = Span(Unit.MONTH, 3, date(2026, 3, 1), date(2026, 5, 31))


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


def item(
    group: str = "YouTube Premium",
    span: Span | None = MARCH,
    amount: Money | None = None,
    left: Money | None = None,
    payer: Person = OLGA,
    reference: str = "K7M2PQ",
    status: Status = Status.PENDING,
    step: int = 1,
) -> Item:
    amount = amount or euros(400)
    return Item(
        payment_id=f"pay{reference.lower()}",
        group=group,
        payer=payer,
        span=span,
        amount=amount,
        left=left or amount,
        due_on=date(2026, 3, 5),
        reference=reference,
        status=status,
        step=step,
    )


def ways(total: Money, *references: str, groups: tuple[str, ...] = ("YouTube Premium",)) -> HowToPay:
    link = Way("link", f"https://pay.example.org/olga?amount={total.major()}&for={'+'.join(references)}")
    iban = Way("iban", "DE02 1203 0000 0000 2020 51", holder="Olga Example")
    text = Way("text", "Or in cash on Thursdays.")
    return HowToPay("Olga", groups, total, references, (link, iban, text))


YOUTUBE = item()
VPN = item("VPN", SPRING, euros(1250), euros(1000), reference="X4TB9R")
PITCH = item("Football pitch", None, Money(5000, "JPY"), payer=MIA, reference="QQ7WEF")


def letter(notice: Notice, content: Content, *, to: Person = BEN, links: LetterLinks = LINKS) -> Letter:
    """Address a letter about Olga's money."""
    return Letter(
        notice=notice,
        locale="en",
        to=to,
        links=links,
        content=content,
        payers=(OLGA,),
        groups=("YouTube Premium",),
        thread=YOUTUBE.payment_id,
        reply_to=OLGA.email,
    )


def to_olga(notice: Notice, content: Content, *, reply_to: str | None = None) -> Letter:
    """Address a letter to Olga as an admin."""
    return Letter(notice=notice, locale="en", to=OLGA, links=LINKS, content=content, reply_to=reply_to)


def _overdue() -> Item:
    return item(status=Status.OVERDUE, step=6)


CLAIM = Claim(
    member=BEN,
    amount=euros(400),
    items=(YOUTUBE,),
    made_on=date(2026, 3, 9),
    paid_on=date(2026, 3, 8),
    method="bank transfer",
    note="Sent it on Sunday.\nThanks!",
    is_flagged=True,
)

APRIL = Span(Unit.MONTH, 1, date(2026, 4, 1), date(2026, 4, 30))
PART = Stretch(APRIL, date(2026, 4, 1), date(2026, 4, 19), is_part=True, left_on=date(2026, 4, 20))
BESIDE_A_PART = Stretch(
    APRIL,
    date(2026, 4, 1),
    date(2026, 4, 30),
    is_part=False,
    then_on=date(2026, 5, 1),
    then=euros(450),
)

WITHOUT_BUTTON = frozenset({"mailbox_replaced", "mailbox_removed"})
"""Letters to somebody who is to do nothing, in a place where no link of theirs belongs any more."""

SAMPLES: dict[str, Letter] = {
    "request": letter(Notice.REQUEST, Asking((YOUTUBE,), (ways(euros(400), "K7M2PQ"),))),
    "request_several": Letter(
        notice=Notice.REQUEST,
        locale="en",
        to=BEN,
        links=LINKS,
        content=Asking(
            (YOUTUBE, VPN, PITCH),
            (
                ways(euros(1400), "K7M2PQ", "X4TB9R", groups=("YouTube Premium", "VPN")),
                HowToPay("Mia", ("Football pitch",), Money(5000, "JPY"), ("QQ7WEF",), ()),
            ),
        ),
        payers=(OLGA, MIA),
        groups=("YouTube Premium", "VPN", "Football pitch"),
        thread=YOUTUBE.payment_id,
    ),
    "request_with_own_sentence": letter(
        Notice.REQUEST,
        Asking(
            (YOUTUBE,),
            (replace(ways(euros(400), "K7M2PQ"), changed_on=date(2026, 3, 3)),),
            sentences=(OwnSentence("YouTube Premium", "Please <b>before</b> Friday & thanks!"),),
        ),
    ),
    "reminder_with_own_sentences": letter(
        Notice.REMINDER,
        Asking(
            (item(step=2), replace(VPN, step=2)),
            (ways(euros(1400), "K7M2PQ", "X4TB9R", groups=("YouTube Premium", "VPN")),),
            sentences=(
                OwnSentence("YouTube Premium", "The price is still the old one."),
                OwnSentence("VPN", "Tell me if you no longer use it."),
            ),
        ),
    ),
    "reminder_friendly": letter(Notice.REMINDER, Asking((item(step=2),), (ways(euros(400), "K7M2PQ"),))),
    "reminder_factual": letter(Notice.REMINDER, Asking((item(step=3),), (ways(euros(400), "K7M2PQ"),))),
    "reminder_overdue": letter(Notice.REMINDER, Asking((_overdue(),), (ways(euros(400), "K7M2PQ"),))),
    "reminder_partly_overdue": letter(
        Notice.REMINDER,
        Asking((_overdue(), replace(VPN, step=2)), (ways(euros(1400), "K7M2PQ", "X4TB9R"),)),
    ),
    "reminder_in_two_currencies": letter(
        Notice.REMINDER,
        Asking(
            (replace(YOUTUBE, status=Status.OVERDUE), replace(PITCH, status=Status.OVERDUE), VPN),
            (ways(euros(400), "K7M2PQ"),),
        ),
    ),
    "reminder_of_a_part": letter(
        Notice.REMINDER,
        Asking((item(step=2),), (ways(euros(400), "K7M2PQ"),), open_in_all=(OpenInAll("Olga", euros(1400)),)),
    ),
    "period_opened": letter(Notice.PERIOD_OPENED, Asking((YOUTUBE,), (ways(euros(400), "K7M2PQ"),))),
    "welcome": letter(
        Notice.WELCOME,
        Welcome(
            "YouTube Premium",
            "Family plan.",
            OLGA,
            Unit.MONTH,
            1,
            first_on=date(2026, 3, 1),
            share=euros(400),
            asked_after_days=3,
        ),
    ),
    "welcome_with_a_debt": letter(
        Notice.WELCOME,
        Welcome(
            "YouTube Premium",
            "",
            OLGA,
            Unit.MONTH,
            1,
            first_on=date(2026, 4, 1),
            share=euros(400),
            owed=(YOUTUBE,),
            has_begun=True,
            asked_after_days=3,
        ),
    ),
    "welcome_before_a_bill": letter(
        Notice.WELCOME,
        Welcome(
            "Electricity",
            "",
            OLGA,
            Unit.MONTH,
            1,
            first_on=date(2026, 4, 1),
            share=None,
            awaited=(MARCH,),
            has_begun=True,
        ),
    ),
    "welcome_first": replace(
        letter(
            Notice.WELCOME,
            Welcome("YouTube Premium", "", OLGA, Unit.MONTH, 1, first_on=None, share=euros(400)),
        ),
        introduction=Introduction("Olga", "At home"),
    ),
    "request_first": replace(
        letter(Notice.REQUEST, Asking((YOUTUBE,), (ways(euros(400), "K7M2PQ"),))),
        introduction=Introduction(None, "At home"),
    ),
    "received_first": replace(
        letter(
            Notice.RECEIVED,
            Received((ReceivedItem(YOUTUBE, euros(400), euros(0)),), receipt=euros(400), credit=None),
        ),
        introduction=Introduction("Olga", "At home"),
    ),
    "heads_up": letter(
        Notice.HEADS_UP, HeadsUp("YouTube Premium", OLGA, MARCH, date(2026, 3, 5), euros(400))
    ),
    "price_change": letter(
        Notice.PRICE_CHANGE,
        PriceChange(
            "YouTube Premium", OLGA, date(2026, 4, 1), euros(1799), euros(1999), euros(400), euros(444)
        ),
    ),
    "share_changed": letter(
        Notice.SHARE_CHANGED,
        ShareChanged("YouTube Premium", OLGA, date(2026, 4, 1), euros(400), euros(300), Why.JOIN),
    ),
    "share_of_a_leaver": letter(
        Notice.SHARE_CHANGED,
        ShareChanged("YouTube Premium", OLGA, date(2026, 4, 1), euros(400), None, Why.LEAVE),
    ),
    "share_of_a_part_leaver": letter(
        Notice.SHARE_CHANGED,
        ShareChanged(
            "YouTube Premium",
            OLGA,
            date(2026, 4, 1),
            euros(400),
            euros(253),
            Why.LEAVE,
            PART,
            PART.left_on,
            is_own=True,
        ),
    ),
    "share_beside_a_part": letter(
        Notice.SHARE_CHANGED,
        ShareChanged(
            "YouTube Premium", OLGA, date(2026, 4, 1), euros(400), euros(300), Why.JOIN, BESIDE_A_PART
        ),
    ),
    "received": letter(
        Notice.RECEIVED, Received((ReceivedItem(YOUTUBE, euros(400), euros(0)),), euros(500), euros(100))
    ),
    "part_received": letter(
        Notice.PART_RECEIVED,
        Received(
            (ReceivedItem(item(amount=euros(299), left=euros(99)), euros(200), euros(99)),),
            euros(200),
            None,
            (ways(euros(99), "K7M2PQ"),),
        ),
    ),
    "received_from_credit": letter(
        Notice.RECEIVED, Received((ReceivedItem(YOUTUBE, euros(400), euros(0), euros(400)),), None, None)
    ),
    "received_from_credit_with_a_rest": letter(
        Notice.RECEIVED,
        Received(
            (ReceivedItem(YOUTUBE, euros(400), euros(0), euros(400)),), None, None, credit_left=(euros(230),)
        ),
    ),
    "received_with_credit": letter(
        Notice.RECEIVED,
        Received((ReceivedItem(YOUTUBE, euros(400), euros(0), euros(300)),), euros(100), None),
    ),
    "received_before": letter(
        Notice.RECEIVED, Received((ReceivedItem(YOUTUBE, euros(0), euros(0), euros(0)),), None, None)
    ),
    "part_received_and_settled_since": letter(
        Notice.PART_RECEIVED,
        Received(
            (ReceivedItem(item(amount=euros(299), left=euros(0)), euros(200), euros(0)),), euros(200), None
        ),
    ),
    "part_received_with_credit": letter(
        Notice.PART_RECEIVED,
        Received(
            (ReceivedItem(item(amount=euros(299), left=euros(49)), euros(250), euros(49), euros(50)),),
            euros(200),
            None,
            (ways(euros(49), "K7M2PQ"),),
        ),
    ),
    "part_received_before": letter(
        Notice.PART_RECEIVED,
        Received((ReceivedItem(YOUTUBE, euros(0), euros(400)),), None, None, (ways(euros(400), "K7M2PQ"),)),
    ),
    "rejected": letter(
        Notice.REJECTED,
        Decided((YOUTUBE,), "Nothing came by the 10th.\nWhich bank?", (ways(euros(400), "K7M2PQ"),)),
    ),
    "rejected_not_received": letter(
        Notice.REJECTED,
        Decided((YOUTUBE,), RejectReason.NOT_RECEIVED.value, (ways(euros(400), "K7M2PQ"),)),
    ),
    "rejected_and_claimed_again": letter(
        Notice.REJECTED, Decided((), "Nothing came by the 10th.", claimed=(YOUTUBE,))
    ),
    "rejected_and_partly_claimed_again": letter(
        Notice.REJECTED,
        Decided((YOUTUBE,), "Which bank?", (ways(euros(400), "K7M2PQ"),), claimed=(VPN,)),
    ),
    "waived": letter(Notice.WAIVED, Decided((YOUTUBE,), "Happy birthday!")),
    "void": letter(Notice.WAIVED, Decided((YOUTUBE,), "Nothing came by the 10th.", void=Void(False, None))),
    "void_and_claimed": letter(
        Notice.WAIVED, Decided((YOUTUBE,), "Nothing came by the 10th.", void=Void(True, euros(100)))
    ),
    "counts_again": letter(
        Notice.REJECTED,
        Decided((YOUTUBE,), None, (ways(euros(400), "K7M2PQ"),), again=CountsAgain((), None)),
    ),
    "counts_again_in_part": letter(
        Notice.REJECTED,
        Decided(
            (item(amount=euros(299), left=euros(99)),),
            None,
            (ways(euros(99), "K7M2PQ"),),
            again=CountsAgain((), euros(200)),
        ),
    ),
    "counts_again_and_settled": letter(
        Notice.REJECTED, Decided((), None, again=CountsAgain((YOUTUBE,), euros(400)))
    ),
    "counts_again_and_claimed": letter(
        Notice.REJECTED, Decided((), None, claimed=(YOUTUBE,), again=CountsAgain((), None))
    ),
    "objection_answered": letter(
        Notice.OBJECTION_ANSWERED,
        Answered(
            (YOUTUBE,),
            (YOUTUBE,),
            "I left in February.\nSee my mail.",
            "Until the 14th, so half is yours.",
            "Olga",
        ),
    ),
    "objection_answered_and_waived": letter(
        Notice.OBJECTION_ANSWERED,
        Answered((YOUTUBE, VPN), (), "Was this not paid in cash?", "It was, sorry!"),
    ),
    "fresh_link": letter(Notice.FRESH_LINK, Plain("Olga’s circle")),
    "claim_received": to_olga(Notice.CLAIM_RECEIVED, Claims((CLAIM,)), reply_to=BEN.email),
    "claim_noted_by_an_admin": to_olga(
        Notice.CLAIM_RECEIVED, Claims((replace(CLAIM, noted_by="Olga"),)), reply_to=BEN.email
    ),
    "claim_for_another_account": to_olga(
        Notice.CLAIM_RECEIVED, Claims((replace(CLAIM, account_of="Ada"),)), reply_to=BEN.email
    ),
    "claim_booked_already": to_olga(
        Notice.CLAIM_RECEIVED, Claims((replace(CLAIM, amount=euros(0)),)), reply_to=BEN.email
    ),
    "claims_waiting": to_olga(
        Notice.CLAIMS_WAITING,
        Claims((CLAIM, Claim(MIA, euros(1400), (YOUTUBE, VPN), made_on=date(2026, 3, 10)))),
    ),
    "bill_wanted": to_olga(
        Notice.BILL_WANTED, BillWanted("Electricity", "per4power", SPRING, date(2026, 3, 5))
    ),
    "requests_exhausted": to_olga(
        Notice.REQUESTS_EXHAUSTED,
        About(BEN, (_overdue(),), open_in_all=(OpenInAll("Olga", euros(1400)),)),
    ),
    "objection": to_olga(
        Notice.OBJECTION,
        About(BEN, (YOUTUBE,), "I left in February.\nSee my mail.", objection="N0teAb0utIt2"),
        reply_to=BEN.email,
    ),
    "objection_settled": to_olga(
        Notice.OBJECTION,
        About(BEN, (), "I left in February.", objection="N0teAb0utIt2", about=(YOUTUBE,)),
        reply_to=BEN.email,
    ),
    "address_refused": to_olga(
        Notice.ADDRESS_REFUSED, AboutAddress(BEN, "beN1beN1beN1", "ben@example.org", "550 5.1.1 No such user")
    ),
    "chat_refused": to_olga(
        Notice.ADDRESS_REFUSED,
        AboutAddress(BEN, "beN1beN1beN1", "1001", "Forbidden: bot was blocked by the user", Channel.TELEGRAM),
    ),
    "unsubscribed": to_olga(Notice.UNSUBSCRIBED, AboutAddress(BEN, "beN1beN1beN1", "ben@example.org")),
    "invite": to_olga(Notice.INVITE, Account("Olga’s circle", datetime(2026, 3, 12, 9, tzinfo=UTC), "Olga")),
    "setup": to_olga(Notice.SETUP, Account("Olga’s circle", datetime(2026, 3, 12, 9, tzinfo=UTC))),
    "reset": to_olga(Notice.RESET, Account("Olga’s circle", datetime(2026, 3, 5, 11, tzinfo=UTC))),
    "test": to_olga(Notice.TEST, Plain("Olga’s circle")),
    "chat_linked": to_olga(Notice.CHAT_LINKED, Plain("Olga’s circle")),
    "chat_linked_admin": to_olga(Notice.CHAT_LINKED, Plain("Olga’s circle", for_admin=True)),
    "chat_replaced": to_olga(Notice.CHAT_REPLACED, Plain("Olga’s circle")),
    "stale_code": to_olga(Notice.STALE_CODE, About(BEN, ())),
    "bot_refused": to_olga(Notice.BOT_REFUSED, Plain("Olga’s circle")),
    "mailbox_replaced": Letter(
        notice=Notice.MAILBOX_REPLACED,
        locale="en",
        to=BEN,
        links=LINKS,
        content=MailboxReplaced("Olga’s circle", "benedikt@example.net"),
    ),
    "mailbox_removed": Letter(
        notice=Notice.MAILBOX_REPLACED,
        locale="en",
        to=BEN,
        links=LINKS,
        content=MailboxReplaced("Olga’s circle", None),
    ),
    "chat_taken_over": to_olga(Notice.CHAT_DISPUTED, ChatDisputed(BEN, is_out=False)),
    "chat_disputed": to_olga(Notice.CHAT_DISPUTED, ChatDisputed(BEN, is_out=True, is_back=True)),
    "chat_disputed_by_admin": to_olga(Notice.CHAT_DISPUTED, ChatDisputed(MIA, is_out=True)),
    "pay_details_changed": to_olga(
        Notice.PAY_DETAILS_CHANGED,
        PayDetailsChanged("YouTube Premium", "grp4tube", "Mia", datetime(2026, 3, 12, 9, tzinfo=UTC)),
    ),
    "pay_details_by_operator": to_olga(
        Notice.PAY_DETAILS_CHANGED,
        PayDetailsChanged("YouTube Premium", "grp4tube", None, datetime(2026, 3, 12, 9, tzinfo=UTC)),
    ),
}
