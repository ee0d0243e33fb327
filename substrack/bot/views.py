"""Messages as they are now: those of the outbox with what stands below them, and the bot's own screens."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from substrack.bot.reactions import PendingView, Screen, StatusView, View
from substrack.domain.chat_buttons import seen
from substrack.domain.chat_cards import ClaimCard, MemberCard
from substrack.queries.chat_cards import load_contact_card
from substrack.queries.chat_subjects import ShownMessage, next_dues, public_id_of, show_claim
from substrack.queries.chats import ChatContact
from substrack.queries.review import load_claims
from substrack.services.concealing import reveal
from substrack.services.links import LinkSigner
from substrack.texts.chat_keyboards import Key, keyboard, with_status
from substrack.texts.chat_screens import pending_keyboard, pending_screen, status_screen

CLAIMS_A_SCREEN = 5


def draw_shown(shown: ShownMessage, locale: str, signer: LinkSigner) -> Screen:
    """Draw a message of the outbox: its words, what became of it, its buttons.

    Links stay where no button does what they are for, and where the page has what was left out here.
    """
    is_answered_here = isinstance(shown.card, MemberCard | ClaimCard) and not shown.is_shortened
    kept = () if is_answered_here else shown.links
    links = tuple((Key(text, url=reveal(url, signer)),) for text, url in kept)
    html = with_status(reveal(shown.html, signer), shown.card, locale)
    return Screen(html, (*keyboard(shown.card, locale), *links))


def draw_view(session: Session, view: View, *, now: datetime) -> Screen:
    """Draw one of the bot's own screens."""
    match view:
        case StatusView(person):
            return draw_status(session, person, now=now)
        case PendingView(admin, page, undo):
            return draw_pending(session, admin, page, undo=undo, now=now)


def draw_status(session: Session, person: ChatContact, *, now: datetime) -> Screen:
    """Draw what one person owes."""
    card = load_contact_card(session, person.contact_id, now=now)
    dues = [(each.group, each.due_on) for each in next_dues(session, person.contact_id)]
    to_check = load_claims(session, person.workspace_id, limit=1).total if person.is_admin else 0
    html = status_screen(card, dues, person.language, to_check=to_check)
    return Screen(html, keyboard(card, person.language))


def draw_pending(
    session: Session, admin: ChatContact, page: int, *, undo: str | None = None, now: datetime
) -> Screen:
    """Draw a page of the claims that wait; `undo` is a decision that can be taken back from it."""
    cards, total, page, last = pending_cards(session, admin, page, now=now)
    html = pending_screen(cards, total=total, page=page, last=last, locale=admin.language)
    name = public_id_of(session, admin.contact_id)
    keys = pending_keyboard(cards, admin=name, page=page, last=last, undo=undo, locale=admin.language)
    return Screen(html, keys)


def pending_cards(
    session: Session, admin: ChatContact, page: int, *, now: datetime
) -> tuple[list[ClaimCard], int, int, int]:
    """Load the claims of a page, how many there are in all, the page that it is, and the last one."""
    found = load_claims(session, admin.workspace_id, number=page, limit=CLAIMS_A_SCREEN)
    cards = [show_claim(session, row.id, user_id=admin.user_id, now=now) for row in found.rows]
    return cards, found.total, found.number, max(1, -(-found.total // CLAIMS_A_SCREEN))


def seen_on_page(cards: Sequence[ClaimCard]) -> str:
    """Digest everything a page of claims shows."""
    return seen((each.item.payment_id, each.version) for card in cards for each in card.waiting)


def ids_of(people: Collection[ChatContact]) -> list[int]:
    """List the keys of people."""
    return [person.contact_id for person in people]
