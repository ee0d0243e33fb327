"""Review: every claim that waits, of every group, oldest first; decided one by one or several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from flask import Blueprint, flash, request
from flask.typing import ResponseReturnValue

from substrack.domain.cycles import local_date
from substrack.domain.errors import NotFound, Refused
from substrack.domain.money import Money
from substrack.queries.booked import load_booked
from substrack.queries.claims import claim_currency, find_claim, load_claim, payments_of_claim
from substrack.queries.deciding import last_decision_on_claim
from substrack.queries.groups import GroupRow, find_group, load_group
from substrack.queries.quick_presses import is_decided_quickly
from substrack.queries.review import load_claims
from substrack.services.claim_decisions import ClaimDecided, ClaimOutcome, confirm_claim, reject_claim
from substrack.services.deciding import ReasonMissing
from substrack.services.ledger import DecidedAlready
from substrack.texts.bills import what_for
from substrack.texts.decisions import booked_sentences, confirmed_sentences
from substrack.texts.refusals import in_words
from substrack.web.access import signed_in
from substrack.web.decisions import back, decided_words, done_words, flash_decision
from substrack.web.fields import LookAgain, read_sum, read_version
from substrack.web.pages import my_words, page
from substrack.web.paging import numbered
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me
from substrack.web.unchanged import my_page

blueprint = Blueprint("review", __name__, url_prefix="/review")


@dataclass(frozen=True)
class Retry:
    """A press that was refused: what had been typed, and what to change."""

    amount: str = ""
    reason: str = ""
    field: str | None = None
    sentence: str | None = None
    ticked: frozenset[str] = frozenset()


@blueprint.get("")
@signed_in
def show() -> str:
    """List the claims that wait, or those of one group.

    `?ticked=all` has them ticked, for somebody without scripts as well.
    """
    return my_page(lambda: _show_all(Retry()))


@blueprint.get("/<public_id>")
@signed_in
def show_one(public_id: str) -> str:
    """Show one claim, and what became of it."""
    return _show_one(public_id, Retry())


@blueprint.post("/<public_id>/confirm")
@signed_in
def confirm(public_id: str) -> ResponseReturnValue:
    """Book the money of one claim: the sum it states, or what was typed where a form asks for a sum."""
    typed = request.form.get("amount")
    return _decide(public_id, lambda key: _confirm(key, request.form.get("versions", ""), typed), _said)


@blueprint.post("/<public_id>/reject")
@signed_in
def reject(public_id: str) -> ResponseReturnValue:
    """Say that the money of one claim did not come, and why."""
    reason = request.form.get("reason", "")
    return _decide(public_id, lambda key: _reject(key, request.form.get("versions", ""), reason), _said_no)


@blueprint.post("")
@signed_in
def decide_several() -> ResponseReturnValue:
    """Confirm or reject every ticked claim; each is a decision of its own, and one Undo puts all back."""
    chosen = dict(value.split(" ", 1) for value in request.form.getlist("claim") if " " in value)
    reason, is_confirming = request.form.get("reason", ""), request.form.get("act") == "confirm"
    if not chosen:
        return _show_all(
            Retry(reason=reason, field="claim", sentence=my_words()("Tick at least one of these first."))
        ), 422
    if not is_confirming and not reason.strip():
        return _show_refused(ReasonMissing(), reason, chosen), 422
    tried = {key: _try(key, versions, None if is_confirming else reason) for key, versions in chosen.items()}
    done = [one for one in tried.values() if isinstance(one, ClaimOutcome)]
    refused = {key: one for key, one in tried.items() if isinstance(one, Refused)}
    _tell_several(done, len(tried) - len(done) - len(refused), is_confirming=is_confirming)
    if not refused:
        return back()
    reading().rollback()  # what was decided just now is no longer to be listed
    return _show_refused(next(iter(refused.values())), reason, refused), 422


def _decide(
    public_id: str, act: Callable[[int], ClaimOutcome], said: Callable[[ClaimOutcome], str]
) -> ResponseReturnValue:
    attempt_id = find_claim(reading(), me().workspace_id, public_id)
    try:
        outcome = act(attempt_id)
    except ClaimDecided:
        flash(decided_words(last_decision_on_claim(reading(), attempt_id)), "done")
        return back()
    except (NotFound, DecidedAlready, LookAgain):
        raise
    except Refused as refused:
        typed = request.form
        sentence = in_words(refused, my_words())
        retry = Retry(typed.get("amount", ""), typed.get("reason", ""), refused.field, sentence)
        return _show_one(public_id, retry), 422
    flash_decision(said(outcome), outcome.correlation_id)
    return back()


def _confirm(attempt_id: int, versions: str, typed: str | None) -> ClaimOutcome:
    """Confirm a claim: the sum it states where none was asked for (None), else what was typed."""
    amount = None if typed is None else read_sum(typed, claim_currency(reading(), attempt_id))
    with runtime().transaction() as session:
        return confirm_claim(
            session,
            attempt_id,
            amount=amount,
            by=by_me(),
            now=runtime().now(),
            versions=read_versions(versions, payments_of_claim(session, attempt_id)),
        )


def _reject(attempt_id: int, versions: str, reason: str) -> ClaimOutcome:
    with runtime().transaction() as session:
        return reject_claim(
            session,
            attempt_id,
            reason=reason,
            by=by_me(),
            now=runtime().now(),
            versions=read_versions(versions, payments_of_claim(session, attempt_id)),
        )


def read_versions(shown: str, payments: dict[str, int]) -> dict[int, int]:
    """Read the versions a form has shown ("payment:version …") by the payments' keys; no others.

    Raises:
        LookAgain.
    """
    pairs = [one.partition(":") for one in shown.split()]
    if not pairs:
        raise LookAgain
    return {payments[name]: read_version(version) for name, _colon, version in pairs if name in payments}


def _try(public_id: str, versions: str, reason: str | None) -> ClaimOutcome | Refused | None:
    """Decide one of several, or say why not, and leave the others alone; None when somebody was before."""
    try:
        attempt_id = find_claim(reading(), me().workspace_id, public_id)
        if reason is None:
            return _confirm(attempt_id, versions, None)
        return _reject(attempt_id, versions, reason)
    except (ClaimDecided, DecidedAlready, LookAgain, NotFound):
        return None
    except Refused as refused:
        return refused


def _said(outcome: ClaimOutcome) -> str:
    """Say what a confirmation did, by what was booked and what the payments are now."""
    _, attempt = my_words(), outcome.attempt
    reading().rollback()  # the decision is newer than what this request has read
    booked = load_booked(reading(), attempt.id, correlation_id=outcome.correlation_id)
    left = sum(one.amount_minor - one.received_minor - one.written_off_minor for one in outcome.payments)
    return confirmed_sentences(booked, Money(left, attempt.currency), _)


def _said_no(outcome: ClaimOutcome) -> str:
    _, attempt = my_words(), outcome.attempt
    return _("Rejected: %(amount)s.", amount=_.money(Money(attempt.amount_minor, attempt.currency)))


def _tell_several(done: list[ClaimOutcome], late: int, *, is_confirming: bool) -> None:
    _, n = my_words(), len(done)
    if done:
        said = _("Confirmed: %(n)s.", n=n) if is_confirming else _("Rejected: %(n)s.", n=n)
        flash_decision(said, *(outcome.correlation_id for outcome in done))
    if late:
        flash(_("Decided or changed in the meantime: %(n)s. Nothing was changed there.", n=late), "refused")


def _show_refused(refused: Refused, reason: str, ticked: Iterable[str]) -> str:
    """Show the list with those still ticked that could not be decided, and why."""
    sentence = in_words(refused, my_words())
    return _show_all(Retry(reason=reason, field="reason", sentence=sentence, ticked=frozenset(ticked)))


def _show_all(retry: Retry) -> str:
    group = _group()
    rows = load_claims(reading(), me().workspace_id, group_id=group.id if group else None, number=numbered())
    if request.args.get("ticked") == "all" and not retry.field:
        retry = replace(retry, ticked=frozenset(row.public_id for row in rows.rows))
    return page("web/review.html", group=group, rows=rows, what_for=what_for, retry=retry)


def _group() -> GroupRow | None:
    """Load the group whose claims alone are wanted, if any."""
    public_id, now = request.args.get("group"), runtime().now()
    if not public_id:
        return None
    group_id = find_group(reading(), me().workspace_id, public_id)
    return load_group(reading(), group_id, today=local_date(now, me().time_zone))


def _show_one(public_id: str, retry: Retry) -> str:
    attempt_id = find_claim(reading(), me().workspace_id, public_id)
    row = load_claim(reading(), me().workspace_id, attempt_id)
    last = None if row.is_open else last_decision_on_claim(reading(), attempt_id)
    said = done_words(last) if last else None
    booked = None if row.is_open else load_booked(reading(), attempt_id)
    came = booked_sentences(booked, None if row.is_void else row.amount, my_words()) if booked else None
    return page(
        "web/claim.html",
        row=row,
        what_for=what_for,
        retry=retry,
        said=said,
        came=came,
        can_book=row.is_void and booked is None,
        is_quick=is_decided_quickly(reading(), attempt_id, last),
    )
