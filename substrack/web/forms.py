"""Forms: what was typed is kept, and every "no" stands beside the field it is about.

Shape (missing, too long) is checked here with WTForms; meaning is the services', whose `Refused` comes back
into the form. CSRF tokens are not part of a form: `access.guard` checks them before the view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import request
from flask.typing import ResponseReturnValue
from wtforms import Field, FieldList, Form, FormField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from substrack.domain.errors import NotFound, Phrase, Refused
from substrack.services.tries import TooManyTries
from substrack.texts.refusals import in_words
from substrack.texts.words import Words

AForm = TypeVar("AForm", bound="PageForm")

WAS: Final = "was_"
"""What the names of those hidden fields begin with that carry what a page showed."""


class Said(str):
    """A refusal as an English sentence that still knows what was refused, so that it can be said again."""

    def __new__(cls, refused: Refused) -> Said:
        said = super().__new__(cls, refused)
        said.refused = refused
        return said

    refused: Refused


class PageForm(Form):
    """A form of ours; `refusal` is the sentence that belongs to no field."""

    refusal: str | None = None

    def refuse(self, refused: Refused) -> None:
        """Show why a service refused, beside the field it names."""
        field = self._fields.get(refused.field or "")
        if field is None:
            self.refusal = Said(refused)
        else:
            field.errors = [*field.errors, Said(refused)]

    def speak(self, _: Words) -> None:
        """Put labels and refusals into a language; pages do that with every form they show."""
        for field in self:
            _speak(field, _)
        self.refusal = _say(self.refusal, _) if self.refusal else None

    def look(self) -> object:
        """Gather what decides how it looks; a form that was filled or refused looks like no other."""
        if self.is_refused or any(field.raw_data for field in self):
            return object()
        return tuple(look_of(field) for field in self)

    def shown(self) -> dict[str, str]:
        """Name what the fields said when their page was made; the page sends it along with what is typed."""
        return {name: request.form.get(name, _text(field)) for name, field in self._shown_fields()}

    def is_changed(self, name: str) -> bool:
        """Tell whether somebody typed something else than their page showed: only that is theirs to change.

        What another wrote in the meantime then stays. Without what was shown, all counts as typed.
        """
        return request.form.get(f"{WAS}{name}") != _text(self[name])

    def _shown_fields(self) -> list[tuple[str, Field]]:
        return [(f"{WAS}{name}", field) for name, field in self._fields.items()]

    @property
    def is_refused(self) -> bool:
        """Tell whether anything stands in the way."""
        return self.refusal is not None or any(field.errors for field in self)


def look_of(field: Field) -> tuple[Any, ...]:
    """Gather what decides how an untouched field looks."""
    given = tuple((field.render_kw or {}).items()), tuple(vars(field.flags).items())
    choices = (field.choices or ()) if isinstance(field, SelectField) else ()
    offered = tuple(choices.items() if isinstance(choices, dict) else choices)
    return type(field), field.id, field.label.text, field.data, offered, *given


def posted(form: type[AForm]) -> AForm:
    """Fill a form with what the browser sent."""
    return form(request.form)


def answer(
    form: PageForm, act: Callable[[], ResponseReturnValue], show: Callable[[], str]
) -> ResponseReturnValue:
    """Do what a form asks for; when it cannot be done, show it again as it was typed (status 422).

    After too many tries the status is 429 (RFC 6585, section 4).
    """
    if form.validate():
        try:
            return act()
        except NotFound:
            raise
        except TooManyTries as refused:
            form.refuse(refused)
            return show(), 429, {"Retry-After": str(refused.seconds)}
        except Refused as refused:
            form.refuse(refused)
    return show(), 422


def required(sentence: str, *, maximum: int) -> list[InputRequired | Length]:
    """Validators of a field that must be filled and stays within `maximum` characters."""
    return [InputRequired(sentence), Length(max=maximum, message=too_long(maximum))]


def too_long(maximum: int) -> str:
    """Say how much a field takes."""
    return Said(Refused("Keep this to %(most)s characters.", most=maximum))


def email_field(label: str = "Email address") -> Field:
    """Make the field of an email address; whether it is one, the service says."""
    return StringField(label, required("Enter an email address.", maximum=320))


def _text(field: Field) -> str:
    return "" if field.data is None else str(field.data)


def _speak(field: Field, _: Words) -> None:
    """Put a field into a language, or those it holds: their errors are theirs, and it only gathers them."""
    field.label.text = _(field.label.text) if field.label.text else ""
    if isinstance(field, FieldList | FormField):
        for inner in field:
            _speak(inner, _)
        return
    field.errors = [_say(error, _) for error in field.errors]
    if isinstance(field, SelectField):
        field.choices = _choices(field.choices, _)


def _choices(choices: Any, _: Words) -> Any:
    """Translate those words of a choice that are ours; names and zones stay."""
    if isinstance(choices, dict):
        return {value: _word(label, _) for value, label in choices.items()}
    if callable(choices) or choices is None:
        return choices
    return [(value, _word(label, _)) for value, label in choices]


def _word(label: str, _: Words) -> str:
    return _(str(label)) if isinstance(label, Phrase) else label


def _say(sentence: str, _: Words) -> str:
    return in_words(sentence.refused, _) if isinstance(sentence, Said) else _(sentence)
