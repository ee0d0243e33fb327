"""What a group costs from a date on."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField

from substrack.domain.cycles import local_date
from substrack.queries.groups import GroupRow, find_group, load_group
from substrack.queries.groups import prices as list_prices
from substrack.services.prices import set_price
from substrack.web.access import signed_in
from substrack.web.fields import optional_day, read_amount
from substrack.web.forms import PageForm, answer, posted, required
from substrack.web.pages import page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("prices", __name__, url_prefix="/groups")


class PriceForm(PageForm):
    """A price and the day it begins; the next unopened period if empty."""

    amount = StringField("Price", required("Enter the price.", maximum=40))
    from_on = optional_day("From")


@blueprint.get("/<public_id>/prices")
@signed_in
def show(public_id: str) -> str:
    """List a group's prices, with a form for the next."""
    group = _group(public_id)
    return _show(group, PriceForm(from_on=group.next_start))


@blueprint.post("/<public_id>/prices")
@signed_in
def change(public_id: str) -> ResponseReturnValue:
    """Set the price from a date on."""
    group, form = _group(public_id), posted(PriceForm)
    return answer(form, lambda: _set(group, form), lambda: _show(group, form))


def _set(group: GroupRow, form: PriceForm) -> ResponseReturnValue:
    amount = read_amount(form.amount.data, group.currency, field="amount")
    with runtime().transaction() as session:
        set_price(
            session, group.id, amount=amount, from_on=form.from_on.data, by=by_me(), now=runtime().now()
        )
    flash("The price is set. Members hear of it a week before it counts.", "done")
    return redirect(url_for("groups.show", public_id=group.public_id), 303)


def _show(group: GroupRow, form: PriceForm) -> str:
    return page("web/prices.html", group=group, form=form, prices=list_prices(reading(), group.id))


def _group(public_id: str) -> GroupRow:
    group_id = find_group(reading(), me().workspace_id, public_id)
    return load_group(reading(), group_id, today=local_date(runtime().now(), me().time_zone))
