"""The form of one way to pay, as part of a group's form, and why one can't be kept.

What a way must be to be one is said in `domain.pay_methods`.
"""

from __future__ import annotations

from typing import Final

from wtforms import Form, SelectField

from substrack.domain.errors import Phrase, Refused
from substrack.domain.pay_methods import MAX_HOLDER, MAX_LABEL, PayKind, PayMethod, pay_method
from substrack.domain.pay_recognition import recognise
from substrack.web.fields import area, line
from substrack.web.forms import Said

RECOGNISED: Final = ""
WAYS: Final = {
    RECOGNISED: Phrase("as it is written"),
    PayKind.LINK.value: Phrase("a payment link"),
    PayKind.IBAN.value: Phrase("a bank account (IBAN)"),
    PayKind.UPI.value: Phrase("a UPI ID"),
    PayKind.TEXT.value: Phrase("in words"),
}

_BESIDE: Final = {
    "pay_link": "value",
    "iban": "value",
    "vpa": "value",
    "text": "value",
    "holder": "holder",
    "label": "label",
}
"""Which field of this form a refusal is about."""


class WayForm(Form):
    """One way to pay; without a value it is left out, without a kind it is recognised."""

    kind = SelectField("Read it as", choices=WAYS, default=RECOGNISED)
    value = area("A payment link, an IBAN, or in words", maximum=4000)
    holder = line("Account holder, for an IBAN", maximum=MAX_HOLDER)
    label = line("Called, such as PayPal", maximum=MAX_LABEL)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was typed, so that it is no way to pay."""
        return not (self.value.data or "").strip()

    def method(self, payer: str) -> PayMethod:
        """Read it; an account without a holder is the payer's.

        Raises:
            Refused: a link, an IBAN or its holder is none; `refuse` shows which.
        """
        value = self.value.data or ""
        holder = (self.holder.data or "").strip() or payer
        fields = {"url": value, "iban": value, "vpa": value, "text": value, "holder": holder}
        return pay_method(self.kind.data or recognise(value), fields, self.label.data)

    def refuse(self, refused: Refused) -> None:
        """Show a refusal beside the field that it is about."""
        beside = self[_BESIDE.get(refused.field or "", "value")]
        beside.errors = [*beside.errors, Said(refused)]


def typed_way(method: PayMethod) -> dict[str, str]:
    """Give a way to pay as somebody would type it."""
    # What is recognised anyway stays so, so that an account can be replaced by a link in one field.
    kind = RECOGNISED if recognise(method.value) is method.kind else method.kind.value
    return {
        "kind": kind,
        "value": method.value,
        "holder": method.fields.get("holder", ""),
        "label": method.label or "",
    }
