"""Home: what needs the admin now, then the groups, the money that is still out, and how it went."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from substrack.domain.cycles import local_date
from substrack.domain.errors import Phrase
from substrack.queries.accounts import list_invites
from substrack.queries.chats import find_username
from substrack.queries.groups import GroupRow
from substrack.queries.held import load_held
from substrack.queries.home import load_needs
from substrack.queries.home_groups import load_cards, load_out
from substrack.queries.home_history import History, MonthRow, load_history
from substrack.queries.home_invites import ChatInvite, load_chat_invites, load_pay_links
from substrack.queries.home_owing import load_longest_owing
from substrack.queries.home_people import UnreachableRow
from substrack.queries.home_signs import load_signs
from substrack.queries.open_payments import load_longest_due
from substrack.queries.review import load_claims
from substrack.services.installation import Waiting, release_hold
from substrack.services.upcoming import load_next_askings
from substrack.texts.bills import what_for
from substrack.texts.home import (
    asks_when,
    days_taken,
    due_when,
    month_letter,
    month_name,
    opens_when,
    this_month,
    who_is_missing,
)
from substrack.texts.words import Words
from substrack.web.access import signed_in
from substrack.web.charts import Bar, Mark, bars
from substrack.web.drawing import fixed
from substrack.web.pages import backup_notes, installation, installation_notes, mail_is_kept, my_words, page
from substrack.web.reading import reading, runtime
from substrack.web.review import Retry
from substrack.web.sessions import me
from substrack.web.unchanged import my_page

blueprint = Blueprint("home", __name__)

CLAIMS_ON_HOME: Final = 5
OWING_ON_HOME: Final = 5


@dataclass(frozen=True)
class Reach:
    """Addresses to hand to people ourselves: into Telegram for those invited, their own page for the others.

    Keyed by the people's public ids.
    """

    invites: tuple[ChatInvite, ...]
    chats: dict[str, str]
    pages: dict[str, str]


@dataclass(frozen=True)
class Charts:
    """How the year went: two rows of bars and the figures behind them."""

    history: History
    collected: tuple[Bar, ...]
    collected_told: str
    days: tuple[Bar, ...]
    days_told: str


@blueprint.get("/")
@signed_in
def show() -> str:
    """Show what waits for a decision, and how the groups stand."""
    return my_page(_show)


def _show() -> str:
    now, workspace_id = runtime().now(), me().workspace_id
    today = local_date(now, me().time_zone)
    signs = load_signs(reading(), workspace_id, today=today, now=now)
    longest = load_longest_due(reading(), workspace_id)
    needs = load_needs(reading(), workspace_id, signs, longest, has_bot=_has_bot(), today=today, now=now)
    words, hold = my_words(), installation()
    groups = load_cards(reading(), workspace_id, longest, today=today)
    return page(
        "web/home.html",
        claims=load_claims(reading(), workspace_id, limit=CLAIMS_ON_HOME),
        owing=load_longest_owing(reading(), longest, limit=OWING_ON_HOME),
        needs=needs,
        reach=_reach(needs.cut_off),
        admin_invites=list_invites(reading(), workspace_id, now=now) if signs.has_invites else (),
        cards=groups.cards,
        has_more_groups=groups.has_more,
        askings=load_next_askings(reading(), [card.group.id for card in groups.cards], now=now),
        out=load_out(reading(), workspace_id, longest, all_of_it=_all_of_it()),
        charts=_year(workspace_id, today, is_long=signs.has_long_year),
        steps=signs.steps,
        hold=hold,
        held=load_held(reading()) if hold.restored_from else None,
        installation=(*installation_notes(), *backup_notes(hold, now)),
        is_kept=mail_is_kept(),
        is_owner=_is_owner(),
        retry=Retry(),
        what_for=what_for,
        due_when=fixed(due_when, today=today, _=words),
        asks_when=fixed(asks_when, today=today, _=words),
        who_is_missing=fixed(who_is_missing, _=words),
        opens=fixed(_opens, _=words),
        month_name=fixed(month_name, _=words),
    )


@blueprint.post("/hold/release")
@signed_in
def release() -> ResponseReturnValue:
    """Let mail go out again after a hold, with or without what waits since a restore; for the owner."""
    if not _is_owner():
        abort(404)
    chosen = request.form.get("waiting", "")
    waiting = Waiting(chosen) if chosen in list(Waiting) else None
    with runtime().transaction() as session:
        released = release_hold(session, waiting=waiting)
    flash(
        Phrase("Mail goes out again.")
        if released
        else Phrase("Sending was not on hold; nothing was changed."),
        "done",
    )
    return redirect(url_for("home.show"), 303)


def _reach(cut_off: Collection[UnreachableRow]) -> Reach:
    """Write the addresses that can be handed to people; they are made by a press elsewhere, never here."""
    now, workspace_id, signer = runtime().now(), me().workspace_id, runtime().signer
    invites = load_chat_invites(reading(), workspace_id, now=now) if _has_bot() else ()
    username = find_username(reading(), workspace_id) if _has_bot() else None
    links = load_pay_links(reading(), [row.public_id for row in cut_off], now=now)
    return Reach(
        invites=tuple(one for one in invites if username),
        chats={one.public_id: _chat_url(username, one.jti) for one in invites if username},
        pages={public_id: signer.url(link) for public_id, link in links.items()},
    )


def _chat_url(username: str, jti: str) -> str:
    return f"https://t.me/{username}?start={runtime().signer.start_code(jti)}"


def _charts(history: History | None) -> Charts | None:
    if history is None:
        return None
    _ = my_words()
    sums = [(month, month.collected.minor, _.money(month.collected)) for month in history.months]
    waits = [(month, month.days, days_taken(month.days, _)) for month in history.months]
    return Charts(
        history=history,
        collected=_bars(sums, _),
        collected_told=this_month(sums[-1][-1], _),
        days=_bars(waits, _),
        days_told=this_month(waits[-1][-1], _),
    )


def _bars(months: Sequence[tuple[MonthRow, int | None, str]], _: Words) -> tuple[Bar, ...]:
    return bars(
        [
            Mark(month_letter(month.starts_on, _), size, f"{month_name(month.starts_on, _)}: {told}")
            for month, size, told in months
        ]
    )


def _has_bot() -> bool:
    return runtime().settings.telegram_token is not None


def _opens(group: GroupRow, is_next: bool, _: Words) -> str:
    """Say when a group opens its next period by itself, by the day of its zone."""
    opens_on = local_date(group.next_open_at, group.time_zone) if group.next_open_at else None
    return opens_when(group.state, opens_on, _, is_next=is_next)


def _year(workspace_id: int, today: date, *, is_long: bool) -> Charts | str | None:
    """Draw how the year went; "later" when that is only done for who asks for it."""
    if is_long and not _all_of_it():
        return "later"
    currency = request.args.get("currency")
    return _charts(load_history(reading(), workspace_id, today=today, currency=currency))


def _all_of_it() -> bool:
    """Tell whether everything is to be added up, however much there is."""
    return request.args.get("all") == "1" or "currency" in request.args


def _is_owner() -> bool:
    return me().role.value == "owner"
