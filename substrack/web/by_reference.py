"""From a line of an account statement to the payment it names, or to the person whose payments it names."""

from __future__ import annotations

from collections.abc import Sequence

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue

from substrack.domain.payments import ASKABLE, OPEN
from substrack.domain.references import split_references
from substrack.domain.statement_lines import amount_in
from substrack.queries.finding import NotListed
from substrack.queries.ledger_lists import PaymentRow, find_payment, list_payments_named_in, load_payment
from substrack.queries.people import load_contact
from substrack.web.pages import my_words
from substrack.web.reading import reading
from substrack.web.sessions import me


def lead(typed: str) -> ResponseReturnValue:
    """Go to the one payment that a line names; where it names several, to money in from their person.

    A line with another sum than the one payment takes leads to money in as well, where the sum can be seen.
    What leads nowhere leads back with a sentence: no code, codes of several people.
    """
    found = list_payments_named_in(reading(), me().workspace_id, typed) or _by_id(typed)
    if not found:
        flash("No payment has that reference code. It has six letters and digits.", "refused")
        return _back(typed)
    _tell_unknown(typed, found)
    if len(found) == 1 and not _comes_with_another_sum(typed, found[0]):
        return redirect(url_for("payments.show", public_id=found[0].public_id), 303)
    open_ones = [row for row in found if row.status in OPEN and row.voided_at is None]
    _tell_closed([row for row in found if row not in open_ones])
    if not open_ones:
        return _back(typed)
    if len({(row.contact_id, row.payer_id, row.left.currency) for row in open_ones}) > 1:
        return _tell_several(typed, open_ones)
    codes = " ".join(row.reference for row in open_ones)
    said = amount_in(typed, open_ones[0].left.currency)
    return redirect(
        url_for(
            "money_in.show",
            account=_key(open_ones[0]),
            references=codes,
            said=said.major() if said else None,
        ),
        303,
    )


def _comes_with_another_sum(typed: str, row: PaymentRow) -> bool:
    is_open = row.status in ASKABLE and row.voided_at is None
    return is_open and amount_in(typed, row.left.currency) not in (None, row.left)


def _by_id(typed: str) -> list[PaymentRow]:
    try:
        return [load_payment(reading(), find_payment(reading(), me().workspace_id, typed))]
    except NotListed:
        return []


def _back(typed: str) -> ResponseReturnValue:
    return redirect(url_for("money_in.show", reference=typed), 303)


def _tell_unknown(typed: str, found: Sequence[PaymentRow]) -> None:
    """Say which codes are nobody's; among other words, nobody knows what was meant to be a code."""
    known, _ = {row.reference for row in found}, my_words()
    unknown = [code for code in split_references(typed) if code not in known]
    if unknown:
        flash(_("No payment has the reference %(codes)s.", codes=_.listed(unknown)), "refused")


def _tell_closed(rows: Sequence[PaymentRow]) -> None:
    _ = my_words()
    if rows:
        codes = _.listed([row.reference for row in rows])
        flash(_("Nothing is open any more of %(codes)s.", codes=codes), "done")


def _tell_several(typed: str, rows: Sequence[PaymentRow]) -> ResponseReturnValue:
    _ = my_words()
    whose = [_("%(code)s of %(name)s", code=row.reference, name=row.member) for row in rows]
    flash(
        _("These belong to different accounts; find one at a time: %(whose)s.", whose=_.listed(whose)),
        "refused",
    )
    return _back(typed)


def _key(row: PaymentRow) -> str:
    payer = load_contact(reading(), row.payer_id)
    return f"{row.contact_public_id}.{payer.public_id}.{row.left.currency}"
