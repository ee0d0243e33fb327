"""What admins do with buttons: confirm, reject, undo, look at proofs, and work through what waits.

Every decision carries what its button showed; when that changed in the meantime nothing is decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from substrack.bot.asking import Ask, NotYours, decider
from substrack.bot.reactions import PendingView, Reaction, Screen
from substrack.bot.views import draw_pending, ids_of, pending_cards, seen_on_page
from substrack.domain.chat_buttons import Do, WhyNot, data
from substrack.domain.chat_cards import ClaimCard
from substrack.domain.claims import RejectReason
from substrack.queries.chat_subjects import (
    OneClaim,
    find_claim_by_id,
    find_claimed_payment,
    find_contact_id,
    find_decision,
    find_decisions_made_with,
    find_shown,
    load_proofs,
    name_of_contact,
    public_id_of,
    show_claim,
)
from substrack.queries.chats import ChatContact, load_chat
from substrack.services.chats import chat_code, find_live_code, issue_chat_code
from substrack.services.claim_decisions import confirm_claim, hold_claims, reject_claim
from substrack.services.payments import confirm_payment
from substrack.services.undo import TooLateToUndo, undo_decision
from substrack.texts.chat_keyboards import decided_in_words, reject_keyboard
from substrack.texts.chat_screens import (
    confirm_page_keyboard,
    confirm_page_screen,
    new_invitation,
    proof_caption,
)

_REASONS: Final[Mapping[WhyNot, RejectReason]] = MappingProxyType(
    {WhyNot.NOT_RECEIVED: RejectReason.NOT_RECEIVED}
)


def confirm(ask: Ask) -> Reaction:
    """Confirm everything of a claim that waits."""
    admin, claim, card = claim_at(ask)
    if (late := too_late(ask, claim, card)) is not None:
        return late
    confirm_claim(ask.session, claim.attempt_id, by=decider(admin), now=ask.now, versions=claim.versions)
    _ = ask.words
    if card.amount.minor:
        toast = _("Confirmed: %(amount)s from %(name)s.", amount=_.money(card.amount), name=card.name)
    else:
        toast = _("Confirmed. No more money was booked.")
    return Reaction(toast, redraws=True, view=pending_view(ask, admin))


def confirm_one(ask: Ask) -> Reaction:
    """Confirm one payment of a claim."""
    found, version = find_claimed_payment(ask.session, ask.data.argument(0)), ask.data.number(1)
    if found is None or version is None:
        raise NotYours
    workspace_id, payment_id = found
    admin = ask.admin(workspace_id)
    outcome = confirm_payment(ask.session, payment_id, by=decider(admin), now=ask.now, version=version)
    _ = ask.words
    toast = _("Confirmed.") if outcome.changed else _("This was confirmed already.")
    return Reaction(toast, redraws=True, view=PendingView(admin, 1))


def show_reasons(ask: Ask) -> Reaction:
    """Offer the reasons to reject a claim."""
    admin, claim, card = claim_at(ask)
    if (late := too_late(ask, claim, card)) is not None:
        return late
    page = ask.data.argument(2)
    back = data(Do.PENDING, public_id_of(ask.session, admin.contact_id), page) if page else data(Do.BACK)
    return Reaction(keys=reject_keyboard(card, admin.language, back=back, page=page))


def reject_for(ask: Ask) -> Reaction:
    """Reject a claim for a reason that needs no typing."""
    why = ask.data.argument(2)
    if why not in _REASONS:
        raise NotYours
    return reject(ask, _REASONS[WhyNot(why)].value, page_place=3)


def undo(ask: Ask) -> Reaction:
    """Put a decision back as it was."""
    admin = ask.admin(find_decision(ask.session, ask.data.argument(0)))
    undo_decision(ask.session, ask.data.argument(0), by=decider(admin), now=ask.now)
    return Reaction(ask.words("Undone; it waits as before."), redraws=True, view=PendingView(admin, 1))


def show_proofs(ask: Ask) -> Reaction:
    """Hand an admin the files that came with a claim."""
    claim = find_claim_by_id(ask.session, ask.data.argument(0))
    if claim is None:
        raise NotYours
    admin = ask.admin(claim.workspace_id)
    card = show_claim(ask.session, claim.attempt_id, user_id=admin.user_id, now=ask.now)
    says = []
    for proof in load_proofs(ask.session, claim.attempt_id):
        is_picture = proof.kind.startswith("image/")
        says.append(
            Screen(
                proof_caption(card, admin.language),
                photo=proof.content if is_picture else None,
                document=None if is_picture else proof.content,
                is_reply=True,
            )
        )
    return Reaction(says=tuple(says))


def show_pending(ask: Ask) -> Reaction:
    """Show a page of what waits: in place of the page before, or as a message of its own below a notice."""
    admin, page = _admin_and_page(ask)
    screen = draw_pending(ask.session, admin, page, now=ask.now)
    if find_shown(ask.session, ids_of(ask.people), ask.number, now=ask.now) is not None:
        return Reaction(says=(screen,))
    return Reaction(shows=screen)


def ask_about_page(ask: Ask) -> Reaction:
    """Name the people and sums of a page before all of them are confirmed."""
    admin, page = _admin_and_page(ask)
    cards, _total, page, _last = pending_cards(ask.session, admin, page, now=ask.now)
    if not cards:
        return Reaction(redraws=True, view=PendingView(admin, page))
    keys = confirm_page_keyboard(
        cards,
        admin=public_id_of(ask.session, admin.contact_id),
        page=page,
        digest=seen_on_page(cards),
        locale=admin.language,
    )
    return Reaction(shows=Screen(confirm_page_screen(cards, admin.language), keys))


def confirm_page(ask: Ask) -> Reaction:
    """Confirm every claim that the second tap named, or none when the page is another one by now."""
    admin, page = _admin_and_page(ask)
    listed, _total, page, _last = pending_cards(ask.session, admin, page, now=ask.now)
    claims = hold_claims(ask.session, [card.claim_id for card in listed])
    cards, _total, page, _last = pending_cards(ask.session, admin, page, now=ask.now)
    view = PendingView(admin, page)
    if not cards or seen_on_page(cards) != ask.data.argument(2) or [c.claim_id for c in cards] != [*claims]:
        return Reaction(_changed(ask), is_alert=True, redraws=True, view=view)
    for claim in claims.values():
        outcome = confirm_claim(
            ask.session, claim.attempt_id, by=decider(admin), now=ask.now, versions=claim.versions
        )
        done = outcome.correlation_id
    toast = ask.words.ngettext("Confirmed %(n)s payment.", "Confirmed %(n)s payments.", len(cards))
    return Reaction(toast, redraws=True, view=replace(view, undo=done), fades_to=view)


def undo_page(ask: Ask) -> Reaction:
    """Put everything back that one press confirmed, or nothing."""
    found = find_decisions_made_with(ask.session, ask.data.argument(0))
    admin = ask.admin(found.workspace_id if found else None)
    view = pending_view(ask, admin, 1)
    try:
        with ask.session.begin_nested():
            for correlation_id in reversed(found.correlation_ids if found else ()):
                undo_decision(ask.session, correlation_id, by=decider(admin), now=ask.now)
    except TooLateToUndo as late:
        return Reaction(ask.words(str(late)), is_alert=True, redraws=True, view=view)
    return Reaction(ask.words("Undone; they wait as before."), redraws=True, view=view)


def make_new_code(ask: Ask) -> Reaction:
    """Make a new invitation for somebody who came with an old one; the one just made is shown again."""
    found = find_contact_id(ask.session, ask.data.argument(0))
    if found is None:
        raise NotYours
    workspace_id, contact_id = found
    admin, signer = ask.admin(workspace_id), ask.bot.runtime.signer
    if load_chat(ask.session, contact_id).is_linked:
        name = name_of_contact(ask.session, contact_id)
        return Reaction(ask.words("%(name)s has linked a chat since.", name=name), is_alert=True)
    if ask.bot.username is None:
        return Reaction(ask.words("I don’t know my own name yet; try again in a minute."), is_alert=True)
    live = find_live_code(ask.session, signer, contact_id, now=ask.now)
    code = live.code if live else chat_code(signer, issue_chat_code(ask.session, contact_id, now=ask.now))
    url = f"https://t.me/{ask.bot.username}?start={code}"
    return Reaction(
        says=(
            Screen(
                new_invitation(name_of_contact(ask.session, contact_id), url, admin.language), is_reply=True
            ),
        )
    )


def claim_at(ask: Ask, place: int = 0) -> tuple[ChatContact, OneClaim, ClaimCard]:
    """Look up the claim that an argument names, with the admin who may decide about it.

    Raises:
        NotYours: there is none, or the chat stands for no admin there.
    """
    claim = find_claim_by_id(ask.session, ask.data.argument(place))
    if claim is None:
        raise NotYours
    admin = ask.admin(claim.workspace_id)
    return admin, claim, show_claim(ask.session, claim.attempt_id, user_id=admin.user_id, now=ask.now)


def too_late(
    ask: Ask, claim: OneClaim, card: ClaimCard, *, seen_place: int = 1, page_place: int = 2
) -> Reaction | None:
    """Say who decided what, or that something changed, since the button was shown.

    The card tells: it was read after the claim, and another may have decided between the two.
    """
    admin = ask.admin(claim.workspace_id)
    view = pending_view(ask, admin, page_place)
    if not card.waiting:
        return Reaction(decided_in_words(card, ask.locale), redraws=True, view=view)
    if card.seen != ask.data.argument(seen_place):
        return Reaction(_changed(ask), is_alert=True, redraws=True, view=view)
    return None


def reject(ask: Ask, reason: str, *, claim_place: int = 0, page_place: int) -> Reaction:
    """Reject a claim, unless it is too late, and say that the member will read why."""
    admin, claim, card = claim_at(ask, claim_place)
    late = too_late(ask, claim, card, seen_place=claim_place + 1, page_place=page_place)
    if late is not None:
        return late
    by = decider(admin)
    reject_claim(ask.session, claim.attempt_id, reason=reason, by=by, now=ask.now, versions=claim.versions)
    toast = ask.words("Rejected; %(name)s will read why.", name=card.name)
    return Reaction(toast, redraws=True, view=pending_view(ask, admin, page_place))


def _admin_and_page(ask: Ask) -> tuple[ChatContact, int]:
    found, page = find_contact_id(ask.session, ask.data.argument(0)), ask.data.number(1)
    if found is None or page is None:
        raise NotYours
    return ask.admin(found[0]), max(1, page)


def pending_view(ask: Ask, admin: ChatContact, page_place: int = 2) -> PendingView:
    """Name the page of the list that a button says it stands on; the first one where it says none."""
    return PendingView(admin, max(1, ask.data.number(page_place) or 1))


def _changed(ask: Ask) -> str:
    return ask.words("Something changed since this was shown; nothing was done. Please look again.")
