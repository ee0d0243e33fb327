"""The member's page behind `/pay/<token>`: say "I've paid", "not yet" or "something's off".

The token is the only authority; no cookie is read or set. GET and HEAD change nothing, not even how long the
link lives, and every form waits for a person to press its button.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from dateutil.relativedelta import MO, relativedelta
from flask import Blueprint, abort, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from substrack.domain.actors import Actor
from substrack.domain.bills import HowToPay
from substrack.domain.cycles import local_date
from substrack.domain.errors import Phrase
from substrack.queries.finding import NotListed
from substrack.queries.pay_ahead import Coming
from substrack.queries.pay_page import PayPage, find_own_payments, load_pay_page
from substrack.queries.pay_reach import load_reader, zone_of
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.fresh_links import may_be_ours, send_fresh_link
from substrack.services.links import DeadLink
from substrack.services.proofs import MAX_BYTES, claim_with_proof
from substrack.services.putting_off import object_to_payments, snooze_payments
from substrack.services.visits import PayVisit, open_pay
from substrack.texts.ahead import after_bills, comes_when, covered_for
from substrack.texts.bills import keepers_of, totals, what_for
from substrack.texts.catalogue import LANGUAGE_NAMES
from substrack.texts.reaching import answer_comes, request_comes
from substrack.texts.scan_codes import Outline, scan_codes
from substrack.texts.verdicts import verdict_in_words
from substrack.texts.words import Words
from substrack.web.access import by_link
from substrack.web.chats import linking_of
from substrack.web.drawing import fixed
from substrack.web.errors import error_page
from substrack.web.fields import read_optional_day, read_optional_sum
from substrack.web.forms import answer, posted
from substrack.web.pages import bare_page, bare_words, reader_language
from substrack.web.pay_form import NothingTicked, PayForm, Rest, check_all_taken
from substrack.web.pay_head import head_of
from substrack.web.pieces import address
from substrack.web.reading import reading, runtime
from substrack.web.security import takes_file
from substrack.web.unchanged import same_page

JUST: Final = timedelta(minutes=5)
"""For how long the answer to a press has a word of thanks for what was said, should it be loaded again."""

blueprint = Blueprint("pay", __name__, url_prefix="/pay")


@blueprint.get("/<token>", strict_slashes=False)
@by_link
def show(token: str) -> ResponseReturnValue:
    """Show what this person owes, ready to be confirmed by one press."""
    try:
        visit = open_pay(reading(), runtime().signer, token, now=runtime().now())
    except DeadLink:
        return _dead()
    return same_page(lambda: _show(visit, token, PayForm()), visit)


@blueprint.post("/<token>", strict_slashes=False)
@by_link
@takes_file(most_bytes=MAX_BYTES)
def say(token: str) -> ResponseReturnValue:
    """Do what the pressed button says, then show the page as it is from now on."""
    act = request.form.get("act", "")
    if act == "fresh":
        return _send_fresh(token)
    if act != "show" and act not in _ACTS:
        abort(400)
    form = posted(PayForm)
    try:
        visit = open_pay(reading(), runtime().signer, token, now=runtime().now())
        return answer(form, lambda: _act(act, form, token), lambda: _show_again(visit, token, form))
    except DeadLink:
        return _dead()


@blueprint.errorhandler(RequestEntityTooLarge)
def answer_too_large(_error: RequestEntityTooLarge) -> ResponseReturnValue:
    """Say what to do instead; of what was sent nothing was read, so nothing can be kept."""
    _ = bare_words(request.args.get("language"))
    return error_page(
        413,
        title=_("This file is too large"),
        sentence=_(
            "Nothing was sent, and nobody was told. A picture or PDF may have up to 10 MB; "
            "a screenshot will do. Go back and press again with a smaller file, or without one."
        ),
        back="",
    )


def _act(act: str, form: PayForm, token: str) -> ResponseReturnValue:
    now = runtime().now()
    if act == "show":
        return _lead_to(form.payment.data or [])
    if act == "claim":
        form.take_proof()  # before the transaction, for a picture takes its time
    with runtime().transaction() as session:
        visit = open_pay(session, runtime().signer, token, now=now)
        named = form.payment.data or []
        payments = find_own_payments(session, visit.contact_id, named)
        if len(payments) < len(set(named)):
            raise NotListed("payment")
        if not payments:
            raise NothingTicked
        _ACTS[act](session, visit.contact_id, payments, form, now)
    return redirect(_here(said=_SAID.get(act)), 303)


def _lead_to(chosen: Sequence[str]) -> ResponseReturnValue:
    """Lead to the page with sums, links and codes for what is ticked; this changes nothing."""
    if not chosen:
        raise NothingTicked
    return redirect(_here(chosen), 303)


def _here(chosen: Sequence[str] = (), *, said: str | None = None) -> str:
    """Write the address of this page in the language it is read in; `said` has it answer a press."""
    kept = [("language", one) for one in request.args.getlist("language")]
    answers = [("said", said)] if said else []
    query = urlencode([*kept, *answers, *(("payment", one) for one in chosen)])
    return f"{request.script_root}{request.path}{'?' if query else ''}{query}"


def _claim(
    session: Session, contact_id: int, payments: Mapping[int, str], form: PayForm, now: datetime
) -> None:
    currency = next(iter(payments.values()))
    proof = form.safe_proof
    claim: Callable[..., object] = partial(claim_with_proof, proof=proof) if proof else claim_payments
    claim(
        session,
        contact_id,
        payments,
        amount=read_optional_sum(form.amount.data, currency),
        paid_on=read_optional_day(form.paid_on.data, field="paid_on"),
        method=form.method.data,
        note=form.note.data,
        by=Actor.contact(contact_id),
        now=now,
    )


def _snooze(
    session: Session, contact_id: int, payments: Mapping[int, str], form: PayForm, now: datetime
) -> None:
    today = local_date(now, zone_of(session, contact_id))
    until = _chosen_day(form.until.data or "", today)
    by = Actor.contact(contact_id)
    taken = snooze_payments(session, contact_id, payments, until=until, by=by, now=now)
    check_all_taken(taken, payments, field="until")


def _object(
    session: Session, contact_id: int, payments: Mapping[int, str], form: PayForm, now: datetime
) -> None:
    by = Actor.contact(contact_id)
    taken = object_to_payments(session, contact_id, payments, text=form.text.data or "", by=by, now=now)
    check_all_taken(taken, payments, field="text")


def _withdraw(
    session: Session, contact_id: int, payments: Mapping[int, str], _form: PayForm, now: datetime
) -> None:
    withdraw_claim(session, contact_id, payments, by=Actor.contact(contact_id), now=now)


_ACTS: Final[Mapping[str, Callable[[Session, int, Mapping[int, str], PayForm, datetime], None]]] = {
    "claim": _claim,
    "snooze": _snooze,
    "object": _object,
    "withdraw": _withdraw,
}


_SAID: Final[Mapping[str, str]] = {"claim": "paid", "snooze": "later"}
"""What the address of the page after a press says, so that the page answers it."""


def _in_three_days(today: date) -> date:
    return today + timedelta(days=3)


def _next_monday(today: date) -> date:
    return today + relativedelta(days=1, weekday=MO)


def _next_first(today: date) -> date:
    return today + relativedelta(months=1, day=1)


_LATER: Final = {"days": _in_three_days, "week": _next_monday, "first": _next_first}


def _chosen_day(choice: str, today: date) -> date:
    """Read until when it is to rest: a day of the list, or the date until which it rests already."""
    if choice in _LATER:
        return _LATER[choice](today)
    try:
        until = date.fromisoformat(choice)
    except ValueError:
        return _in_three_days(today)
    return until if until > today else _in_three_days(today)


def _rest(until: date | None, today: date) -> Rest | None:
    """Name the day until which it rests as the list does."""
    if until is None:
        return None
    return Rest(until, next((name for name, day in _LATER.items() if day(today) == until), until.isoformat()))


def _show_again(visit: PayVisit, token: str, form: PayForm) -> str:
    form.ask_for_file_again()
    if form.has_wrong_detail and form.refusal is None:
        form.refusal = Phrase("Nothing was sent yet. Look at what is marked below, then press again.")
    return _show(visit, token, form)


def _show(visit: PayVisit, token: str, form: PayForm) -> str:
    now = runtime().now()
    reader = load_reader(reading(), visit.contact_id)
    today = local_date(now, reader.time_zone)
    rows = load_pay_page(reading(), visit.contact_id, reader, choice=_choice(form), today=today)
    form.rest = _rest(rows.asks_again_on, today)
    wished = request.args.get("language")
    url = url_for if wished else address  # what somebody typed is not remembered
    language = wished or reader_language(reader.language, reader.home_language)
    _ = bare_words(language)
    return bare_page(
        "web/pay.html",
        language=language,
        rows=rows,
        named=tuple(request.args.getlist("payment")),
        form=form,
        today=today,
        just_said=_just_said(rows, now),
        rests_until=_rests_until(rows),
        verdicts=[verdict_in_words(verdict, _) for verdict in rows.verdicts],
        keepers=keepers_of(rows.items, _),
        totals=totals(rows.chosen),
        head=head_of(rows, today, _),
        what_for=what_for,
        codes=_codes(rows.how_to_pay),
        coming=tuple(_coming(row, today, _) for row in rows.coming),
        comes=(answer_comes(reader.answers, _.locale), request_comes(reader.requests, _.locale)),
        chat=linking_of(visit.contact_id, visit.workspace_id),
        chat_action=url("chats.on_pay", token=token, language=wished),
        reach_action=url("pay_reach.change", token=token, language=wished),
        link_page=url("pay_reach.ask_about_link", token=token, language=wished),
        zoned=fixed(_zoned, time_zone=reader.time_zone),
        languages=tuple(LANGUAGE_NAMES.items()),
    )


def _just_said(rows: PayPage, now: datetime) -> bool:
    """Tell whether the page answers a press of "I've paid": the address says so, and it was just now."""
    is_answer = request.method != "POST" and request.args.get("said") == "paid"
    return is_answer and bool(rows.waiting) and now - rows.waiting[0].made_at < JUST


def _rests_until(rows: PayPage) -> date | None:
    """Say until when nobody reminds them of what is asked for, as they wished.

    None where some of it does not rest by their wish, unless the page answers a press of "Not yet".
    """
    asked = [owing for owing in rows.owing if not owing.has_left]
    wished = [owing.asks_again_on for owing in asked if owing.is_wished and owing.asks_again_on]
    is_answer = request.method != "POST" and request.args.get("said") == "later"
    return max(wished) if wished and (is_answer or len(wished) == len(asked)) else None


def _choice(form: PayForm) -> list[str] | None:
    """Read which payments are ticked: on the form that was refused, or in the address; None for all of them.

    An empty name in the address says that none is.
    """
    if request.form.get("act") in ("claim", "snooze", "show"):  # the others have boxes of their own
        return form.payment.data or []
    named = request.args.getlist("payment")
    return [one for one in named if one] if named else None


def _codes(ways: Sequence[HowToPay]) -> tuple[tuple[Outline | None, ...], ...]:
    """Draw the codes to scan: for each transfer those of its ways, where there is one."""
    drawn = {(code.how, code.way): code.outline() for code in scan_codes(ways)}
    return tuple(tuple(drawn.get((how, way)) for way in how.ways) for how in ways)


def _zoned(instant: datetime, time_zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(time_zone))


def _coming(row: Coming, today: date, _: Words) -> tuple[Coming, str, str | None, str]:
    """Put one period to come into words: when it is due, how far credit reaches, and what then."""
    covered = covered_for(row.unit, row.every, row.covered, _.locale) if row.covered else None
    rest = after_bills(row.unless, is_covered=covered is not None, locale=_.locale)
    return row, comes_when(row.due_on, row.collected_on, today, _), covered, rest


def _send_fresh(token: str) -> ResponseReturnValue:
    if may_be_ours(runtime().signer, token):
        with runtime().transaction() as session:
            send_fresh_link(session, runtime().signer, token, now=runtime().now())
    return bare_page("web/pay_fresh.html")


def _dead() -> ResponseReturnValue:
    """Say the same, to the byte, about every link that opens no page."""
    return make_response(bare_page("web/pay_dead.html"), 404)
