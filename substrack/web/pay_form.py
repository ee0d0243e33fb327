"""The form of the member's page: what one may say with a press, and how it is refused."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from datetime import date

from flask import request
from wtforms import FileField, SelectField, SelectMultipleField, StringField, TextAreaField

from substrack.domain.errors import Conflict, Phrase, Refused
from substrack.services.proofs import MAX_BYTES, NoProof, SafeProof, read_proof
from substrack.texts.words import Words
from substrack.web.forms import PageForm


@dataclass(frozen=True)
class Rest:
    """Until when requests rest; `choice` names that day in the list, by its date where no other does."""

    until: date
    choice: str


class NothingTicked(Refused):
    """The press names no payment."""

    field = "payment"

    def __init__(self) -> None:
        super().__init__("Tick at least one of these first.")


class NoLongerOpen(Conflict):
    """What was said is about a share that was claimed or decided since the page was shown."""

    whole = Phrase(
        "This is no longer open: it was said to be paid, or settled, in the meantime. Nothing was sent."
    )
    part = Phrase(
        "Part of this is no longer open: it was said to be paid, or settled, in the meantime. "
        "Nothing was sent; press again for the rest."
    )

    def __init__(self, field: str, *, in_part: bool) -> None:
        super().__init__(self.part if in_part else self.whole, field=field)


def check_all_taken(taken: Sized, wanted: Sized, *, field: str) -> None:
    """Refuse a press of which a service took less than was wanted; the caller's transaction is undone.

    Raises:
        NoLongerOpen.
    """
    if len(taken) < len(wanted):
        raise NoLongerOpen(field, in_part=len(taken) > 0)


class PayForm(PageForm):
    """What a member may say; which fields count depends on the button."""

    payment = SelectMultipleField(validate_choice=False)
    until = SelectField(choices=(), validate_choice=False)
    amount = StringField()
    paid_on = StringField()
    method = StringField()
    note = TextAreaField()
    proof = FileField()
    text = TextAreaField()

    rest: Rest | None = None
    """What rests at the moment: "Not yet" keeps to it unless another day is chosen."""

    safe_proof: SafeProof | None = None
    """What may be kept of the file that was sent, once it was taken."""

    def take_proof(self) -> None:
        """Make the file that was sent safe to keep, if there is one.

        Raises:
            ProofTooLarge, NoProof.
        """
        sent = request.files.get(self.proof.name)
        if sent:
            self.safe_proof = read_proof(sent.stream.read(MAX_BYTES + 1))
        elif self.proof.data:  # a browser that can't send files tells their names
            raise NoProof

    def ask_for_file_again(self) -> None:
        """Say that a file was not kept when something else was refused; no browser fills it in again."""
        if request.files.get(self.proof.name) and not self.proof.errors:
            self.proof.errors = [Phrase("Your file was not kept. Choose it once more.")]

    def speak(self, _: Words) -> None:
        """Name the fields, and say what was refused, in the language of the page."""
        super().speak(_)
        offered = [("days", _("in 3 days")), ("week", _("next week")), ("first", _("on the 1st"))]
        if self.rest is not None and self.rest.choice not in dict(offered):
            offered.insert(0, (self.rest.choice, _("on %(day)s", day=_.day(self.rest.until))))
        self.until.choices = offered
        if self.rest is not None:
            self.until.data = self.until.data or self.rest.choice
        labels = {
            self.until: _("Ask me again"),
            self.amount: _("Amount, if it was a different one"),
            self.paid_on: _("Day you paid"),
            self.method: _("How"),
            self.note: _("A note"),
            self.proof: _("A picture or PDF of it"),
            self.text: _("What is off?"),
        }
        for field, words in labels.items():
            field.label.text = words

    @property
    def has_wrong_detail(self) -> bool:
        """Tell whether one of the details that are folded away was refused."""
        details = (self.proof, self.amount, self.paid_on, self.method, self.note)
        return any(field.errors for field in details)
