"""One claim behind `/decide/<token>`: two buttons for the admin whom the mail was sent to.

The token is the authority, and it stands for that admin. Looking changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, request
from flask.typing import ResponseReturnValue
from wtforms import StringField

from substrack.domain.actors import UNDO_SECONDS, Actor, ActorKind, Via
from substrack.domain.errors import Phrase
from substrack.domain.money import Money
from substrack.queries.booked import load_booked
from substrack.queries.claims import ClaimRow, claim_currency, load_claim, payments_of_claim
from substrack.queries.deciding import LastDecision, find_decider, last_act_on_claim, last_decision_on_claim
from substrack.queries.quick_presses import is_decided_quickly
from substrack.services.claim_decisions import ClaimDecided, confirm_claim, reject_claim
from substrack.services.deciding import clean_reason
from substrack.services.ledger import DecidedAlready
from substrack.services.links import DeadLink
from substrack.services.undo import TooLateToUndo, undo_decision
from substrack.services.visits import DecideVisit, open_decide
from substrack.texts.bills import what_for
from substrack.texts.catalogue import language_of
from substrack.texts.decisions import booked_sentences, done_sentence
from substrack.web.access import by_link
from substrack.web.fields import read_optional_sum
from substrack.web.forms import PageForm, Said, answer, posted
from substrack.web.pages import bare_page, bare_words
from substrack.web.reading import reading, runtime
from substrack.web.review import read_versions

blueprint = Blueprint("decide", __name__, url_prefix="/decide")

UNDO_WINDOW: Final = timedelta(seconds=UNDO_SECONDS[Via.LINK])
TOO_LATE: Final = Phrase(
    "Something changed since this page was shown; nothing was done. Here is how it stands now."
)


class DecideForm(PageForm):
    """What goes with a decision."""

    reason = StringField("Why, if you reject")
    amount = StringField("Another sum arrived")


@blueprint.get("/<token>", strict_slashes=False)
@by_link
def show(token: str) -> str:
    """Show the claim, or what became of it."""
    return _show(_open(token), DecideForm())


@blueprint.post("/<token>", strict_slashes=False)
@by_link
def decide(token: str) -> ResponseReturnValue:
    """Confirm, reject or undo as the admin of this link; who comes too late reads what was decided."""
    act, form, visit = request.form.get("act", ""), posted(DecideForm), _open(token)
    if act == "undo":
        return _undo(visit)
    if act not in ("confirm", "reject"):
        abort(400)
    return answer(form, lambda: _decide(act, form, visit), lambda: _show(visit, form))


def _decide(act: str, form: DecideForm, visit: DecideVisit) -> ResponseReturnValue:
    amount = read_optional_sum(form.amount.data, claim_currency(reading(), visit.attempt_id))
    now, by = runtime().now(), Actor.user(visit.user_id, Via.LINK)
    try:
        with runtime().transaction() as session:
            payments = payments_of_claim(session, visit.attempt_id)
            versions = read_versions(request.form.get("versions", ""), payments)
            key = visit.attempt_id
            if act == "confirm":
                confirm_claim(session, key, amount=amount, by=by, now=now, versions=versions)
            else:
                reason = form.reason.data or ""
                reject_claim(session, key, reason=reason, by=by, now=now, versions=versions)
    except (ClaimDecided, DecidedAlready):
        if _is_repeated(act, form, amount, visit):
            return _again()
        form.refusal = TOO_LATE
        return _show(visit, form), 409
    return _again()


def _is_repeated(act: str, form: DecideForm, amount: Money | None, visit: DecideVisit) -> bool:
    """Tell whether a press says again what this admin decided last, as the second of a double tap does."""
    reading().rollback()  # what was decided is newer than what has been read
    last = last_act_on_claim(reading(), visit.attempt_id, act, user_id=visit.user_id)
    if last is None:
        return False
    if act == "reject":
        return clean_reason(form.reason.data or "") == last.reason
    booked = load_booked(reading(), visit.attempt_id, correlation_id=last.correlation_id)
    return amount is None or (booked is not None and amount == booked.amount)


def _undo(visit: DecideVisit) -> ResponseReturnValue:
    try:
        with runtime().transaction() as session:
            last = last_decision_on_claim(session, visit.attempt_id)
            if last is None:
                raise TooLateToUndo
            by = Actor.user(visit.user_id, Via.LINK)
            undo_decision(session, last.correlation_id, by=by, now=runtime().now())
    except TooLateToUndo as refused:
        return _show(visit, DecideForm(), refusal=Said(refused)), 409
    return _again()


def _again() -> ResponseReturnValue:
    """Show the page as it is from now on; a reload of it repeats nothing."""
    return redirect(request.script_root + request.full_path.rstrip("?"), 303)


def _open(token: str) -> DecideVisit:
    return open_decide(reading(), runtime().signer, token, now=runtime().now())


def _show(visit: DecideVisit, form: DecideForm, *, refusal: str | None = None) -> str:
    reading().rollback()  # what was just refused was refused by something newer than what has been read
    decider = find_decider(reading(), visit.workspace_id, visit.user_id)
    if decider is None:
        raise DeadLink
    now, zone = runtime().now(), ZoneInfo(decider.time_zone)
    row = load_claim(reading(), visit.workspace_id, visit.attempt_id)
    last = last_decision_on_claim(reading(), visit.attempt_id)
    booked = None if row.is_open else load_booked(reading(), visit.attempt_id)
    claimed, words = None if row.is_void else row.amount, bare_words(decider.language)
    is_mine = last is not None and last.kind is ActorKind.USER and last.actor_id == visit.user_id
    form.refusal = form.refusal or refusal
    return bare_page(
        "web/decide.html",
        language=decider.language,
        form=form,
        row=row,
        decider=decider,
        what_for=what_for,
        said=_said(row, last, now.astimezone(zone), language_of(decider.language)),
        came=booked_sentences(booked, claimed, words) if booked else None,
        can_book=row.is_void and booked is None,
        is_quick=not row.is_open and is_decided_quickly(reading(), visit.attempt_id, last),
        can_undo=is_mine and not row.is_open and last is not None and now - last.at <= UNDO_WINDOW,
    )


def _said(row: ClaimRow, last: LastDecision | None, now: datetime, locale: str) -> str | None:
    """Say what was decided; None while the claim waits."""
    if row.is_open or last is None:
        return None
    at = last.at.astimezone(now.tzinfo)
    return done_sentence(last.verb, last.kind, last.actor, at, now=now, locale=locale)
