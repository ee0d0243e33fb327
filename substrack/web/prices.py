"""What a group costs from a date on."""

from __future__ import annotations

from datetime import date

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from wtforms import StringField

from substrack.domain.cycles import local_date
from substrack.queries.groups import GroupRow, find_group, load_group
from substrack.queries.groups import prices as list_prices
from substrack.services.prices import announced_on, set_price
from substrack.web.access import signed_in
from substrack.web.fields import optional_day, read_amount
from substrack.web.forms import PageForm, answer, posted, required
from substrack.web.pages import my_words, page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me
from substrack.web.simulating import Proposal, is_going_back, propose

blueprint = Blueprint("prices", __name__, url_prefix="/groups")


class PriceForm(PageForm):
    """A price and the day it begins; the next unopened period if empty."""

    amount = StringField("Price", required("Enter the price.", maximum=40))
    from_on = optional_day("Counts from")


@blueprint.get("/<public_id>/prices")
@signed_in
def show(public_id: str) -> str:
    """List a group's prices, with a form for the next."""
    group = _group(public_id)
    return _show(group, PriceForm(from_on=group.next_start))


@blueprint.post("/<public_id>/prices")
@signed_in
def change(public_id: str) -> ResponseReturnValue:
    """Show what another price does, and set it once that was seen."""
    group, form = _group(public_id), posted(PriceForm)
    if is_going_back():
        return _show(group, form)
    return answer(form, lambda: propose(_proposal(group, form)), lambda: _show(group, form))


def _proposal(group: GroupRow, form: PriceForm) -> Proposal:
    amount = read_amount(form.amount.data, group.currency, field="amount")
    from_on: date | None = form.from_on.data
    now = runtime().now()

    def set_it(session: Session, tells: bool) -> None:
        set_price(session, group.id, amount=amount, from_on=from_on, announces=tells, by=by_me(), now=now)

    return Proposal(
        group=group,
        title=my_words()("Another price"),
        act=set_it,
        day=from_on or group.next_start,
        done=my_words()("The price is set."),
        why=None,
        told_on=lambda starts_on: announced_on(reading(), group.id, starts_on, now=now),
    )


def _show(group: GroupRow, form: PriceForm) -> str:
    return page("web/prices.html", group=group, form=form, prices=list_prices(reading(), group.id))


def _group(public_id: str) -> GroupRow:
    group_id = find_group(reading(), me().workspace_id, public_id)
    return load_group(reading(), group_id, today=local_date(runtime().now(), me().time_zone))
