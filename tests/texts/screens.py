"""Each screen of the bot's own, as Olga's circle would get it; the golden files show each in full.

A name is that of the function that draws it, and after a dash the case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from substrack.bot.asking import NotYours
from substrack.domain.actors import ActorKind
from substrack.domain.bills import HowToPay, Item
from substrack.domain.chat_buttons import Do, Subject, SubjectKind, data
from substrack.domain.chat_cards import (
    Card,
    ClaimCard,
    ClaimItem,
    Decision,
    MemberCard,
    MemberItem,
    NoteCard,
    Standing,
)
from substrack.domain.claims import RejectReason
from substrack.domain.errors import Refused
from substrack.domain.letters import Claim, Claims
from substrack.domain.money import Money
from substrack.domain.notices import Notice
from substrack.services.chat_replacing import TooLateToObject
from substrack.services.claims import TooManyClaims
from substrack.services.proofs import NoProof, ProofTooLarge
from substrack.services.putting_off import TooManyObjections
from substrack.services.undo import TooLateToUndo
from substrack.texts import chat_screens as screens
from substrack.texts.chat_keyboards import Rows, keyboard, later_keyboard, reject_keyboard, with_status
from substrack.texts.chat_letters import render_chat
from tests.texts.samples import MIA, PITCH, SAMPLES, VPN, YOUTUBE, euros, to_olga, ways

Drawn = tuple[str, Rows]

NOW = datetime(2026, 3, 12, 10, 4, tzinfo=UTC)
SUBJECT = Subject(SubjectKind.MESSAGE, "k3m9wq7tz2bc")
OLGA_ID = "a7x2mk9pqr4t"
BY_OLGA = Decision("confirm", ActorKind.USER, "Olga", NOW)
REJECTED = Decision("reject", ActorKind.USER, "Olga", NOW, RejectReason.NOT_RECEIVED)

ANSWERED = Decision("answer", ActorKind.USER, "Olga", NOW, "Half is <yours>.")
UNANSWERED = Decision("dismiss", ActorKind.USER, "Olga", NOW)

OPEN = MemberItem(YOUTUBE, Standing.OPEN)
RESTING = MemberItem(VPN, Standing.OPEN, asks_again_on=date(2026, 4, 1))
CLAIMED = MemberItem(VPN, Standing.CLAIMED)
DONE = MemberItem(YOUTUBE, Standing.CLOSED, BY_OLGA)
VOID = MemberItem(PITCH, Standing.VOID)

IBAN_ONLY = replace(ways(euros(400), "K7M2PQ"), ways=ways(euros(400), "K7M2PQ").ways[1:2])
NO_WAY = HowToPay("Mia", ("Football pitch",), Money(5000, "JPY"), ("QQ7WEF",), ())

REFUSALS: Sequence[Refused] = (
    NotYours(),
    TooLateToUndo(),
    TooLateToObject(),
    TooManyClaims(),
    TooManyObjections(),
    ProofTooLarge(),
    NoProof(),
)


def member_card(*items: MemberItem) -> MemberCard:
    return MemberCard(SUBJECT, items, NOW)


def claim_card(
    name: str = "Ben",
    *items: Item,
    decision: Decision | None = None,
    undo: str | None = None,
    proofs: int = 0,
) -> ClaimCard:
    named = tuple(ClaimItem(item, 2, decision, waits=decision is None) for item in items or (YOUTUBE,))
    total = sum((each.item.left for each in named[1:]), named[0].item.left)
    return ClaimCard("c1aimb3npaid", name, total, named, "0123456789", proofs, NOW, undo)


BEN_PAID = claim_card(proofs=1)
MIA_PAID = claim_card("Mia", YOUTUBE, VPN)
WAITING = (BEN_PAID, MIA_PAID)
BOOKED_ALREADY = replace(
    claim_card("Mia", YOUTUBE, VPN),
    amount=euros(0),
    items=tuple(ClaimItem(item, 2, expected=euros(0)) for item in (YOUTUBE, VPN)),
)
CLAIMED_TWO = to_olga(
    Notice.CLAIM_RECEIVED, Claims((Claim(MIA, euros(1400), (YOUTUBE, VPN), made_on=date(2026, 3, 10)),))
)


def shown(letter: str, card: Card) -> Drawn:
    """Show a message of the outbox as it stands with what became of it."""
    html = render_chat(SAMPLES[letter], has_answers=bool(keyboard(card, "en"))).html
    return with_status(html, card, "en"), keyboard(card, "en")


def pending(cards: Sequence[ClaimCard], *, page: int = 1, last: int = 1, undo: str | None = None) -> Drawn:
    total = len(cards) + 5 * (last - 1)
    keys = screens.pending_keyboard(cards, admin=OLGA_ID, page=page, last=last, undo=undo, locale="en")
    return screens.pending_screen(cards, total=total, page=page, last=last, locale="en"), keys


def status(*items: MemberItem, dues: Sequence[tuple[str, date]] = ()) -> Drawn:
    card = member_card(*items)
    return screens.status_screen(card, dues, "en"), keyboard(card, "en")


SCREENS: dict[str, Drawn] = {
    "help_screen-member": (screens.help_screen("en", is_linked=True, is_admin=False), ()),
    "help_screen-admin": (screens.help_screen("en", is_linked=True, is_admin=True), ()),
    "help_screen-stranger": (screens.help_screen("en", is_linked=False, is_admin=False), ()),
    "not_linked": (screens.not_linked("en"), ()),
    "in_group": (screens.in_group("en"), ()),
    "dead_code": (screens.dead_code("en"), ()),
    "needs_sign_in": (screens.needs_sign_in("en"), ()),
    "status_screen-owing": status(
        OPEN, RESTING, dues=[("YouTube Premium", date(2026, 4, 1)), ("VPN", date(2026, 6, 1))]
    ),
    "status_screen-waiting": status(OPEN, CLAIMED),
    "status_screen-nothing": status(dues=[("YouTube Premium", date(2026, 4, 1))]),
    "status_screen-admin": (
        screens.status_screen(member_card(), [], "en", to_check=2),
        (),
    ),
    "pending_screen-with_notes": pending(
        [replace(BEN_PAID, made_on=date(2026, 3, 10), paid_on=date(2026, 3, 9), note="On Sunday.\n<Thanks!>")]
    ),
    "pending_screen-booked_already": pending([BOOKED_ALREADY]),
    "shown-claim_booked_already": shown("claim_booked_already", BOOKED_ALREADY),
    "proof_caption": (screens.proof_caption(MIA_PAID, "en"), ()),
    "pending_screen-nothing": pending(()),
    "pending_screen-two": pending(WAITING),
    "pending_screen-paged": pending(WAITING, page=2, last=2),
    "pending_screen-just_confirmed": pending((), undo="d3c1s10nabcd"),
    "confirm_page_screen": (
        screens.confirm_page_screen(WAITING, "en"),
        screens.confirm_page_keyboard(WAITING, admin=OLGA_ID, page=1, digest="0123456789", locale="en"),
    ),
    "how_to_pay_screen": (
        screens.how_to_pay_screen([ways(euros(1400), "K7M2PQ", "X4TB9R"), NO_WAY], "en"),
        (),
    ),
    "how_to_pay_screen-nothing": (screens.how_to_pay_screen([], "en"), ()),
    "qr_caption": (screens.qr_caption(IBAN_ONLY, "en"), ()),
    "ask_reason": (
        screens.ask_reason(BEN_PAID, "en"),
        (screens.never_mind("en", Do.REJECT_OTHER, BEN_PAID.claim_id, BEN_PAID.seen),),
    ),
    "ask_how_much": (
        screens.ask_how_much(BEN_PAID, "en"),
        (screens.never_mind("en", Do.TOO_LITTLE, BEN_PAID.claim_id, BEN_PAID.seen),),
    ),
    "ask_objection": (
        screens.ask_objection("en"),
        (screens.never_mind("en", Do.OBJECT, str(SUBJECT)),),
    ),
    "ask_answer": (
        screens.ask_answer("Ben", "en"),
        (screens.never_mind("en", Do.ANSWER, "N0teAb0utIt2"),),
    ),
    "ask_what_for": screens.ask_what_for([YOUTUBE, VPN], "en"),
    "ask_what_for-nothing": screens.ask_what_for([], "en"),
    "ask_language": screens.ask_language("en"),
    "ask_unlink": screens.ask_unlink("en"),
    "new_invitation": (screens.new_invitation("Ben", "https://t.me/substrack_bot?start=c0de", "en"), ()),
    "said-refusals": ("\n".join(screens.said(str(each)) for each in REFUSALS), ()),
    "shown-objection": shown("objection", NoteCard("N0teAb0utIt2", NOW)),
    "shown-objection_answered": shown("objection", NoteCard("N0teAb0utIt2", NOW, ANSWERED)),
    "shown-objection_without_answer": shown("objection", NoteCard("N0teAb0utIt2", NOW, UNANSWERED)),
    "shown-request_to_be_put_off": (render_chat(SAMPLES["request"]).html, later_keyboard(SUBJECT, "en")),
    "shown-request_put_off": shown("request_several", member_card(OPEN, RESTING, VOID)),
    "shown-request_claimed": shown("request_several", member_card(DONE, CLAIMED, VOID)),
    "shown-request_received": shown("request", member_card(DONE)),
    "shown-claim": shown("claim_received", BEN_PAID),
    "shown-claim_of_several": (render_chat(CLAIMED_TWO, has_answers=True).html, keyboard(MIA_PAID, "en")),
    "shown-claim_to_be_rejected": (
        render_chat(SAMPLES["claim_received"]).html,
        reject_keyboard(BEN_PAID, "en", back=data(Do.BACK)),
    ),
    "shown-claim_just_rejected": shown("claim_received", claim_card(decision=REJECTED, undo="d3c1s10nabcd")),
    "shown-claim_confirmed": shown("claim_received", claim_card(decision=BY_OLGA)),
}
