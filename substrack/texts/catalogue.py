"""Translations: which languages there are, and a message in one of them.

The locale is an argument everywhere: nothing here asks who is signed in or which request runs, because
gettext without a context silently answers in English. Catalogues are the `translations/<language>.po` beside
this module, compiled when a language is first needed (about 80 ms); what has no translation stays English.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from substrack.domain.errors import Phrase
from substrack.domain.former import former_number

DIRECTORY = Path(__file__).parent / "translations"
DEFAULT = "en"

FORMATS: Mapping[str, str] = MappingProxyType({"en": "en_150"})
"""Language → the locale its money and dates follow: English without a country is written as in Europe
("4.00 €", "5 March 2026"; CLDR's en_150), because CLDR's plain `en` is that of the United States."""

LANGUAGE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "en": "English",
        "en_GB": "English (UK)",
        "en_US": "English (US)",
        "de": "Deutsch",
        "ru": "Русский",
    }
)
"""The languages a person can choose, each by its own name."""

LANGUAGES = tuple(LANGUAGE_NAMES)


def language_of(*wishes: str | None) -> str:
    """Choose the first wish that we can write in: the contact's, the workspace's, a browser's ("en-US").

    Falls back to `DEFAULT`.
    """
    known = {language.lower(): language for language in LANGUAGES}
    for wish in wishes:
        typed = (wish or "").replace("-", "_").lower()
        found = known.get(typed) or known.get(typed.partition("_")[0])
        if found is not None:
            return found
    return DEFAULT


FORMER_NAME = Phrase("Former member %(number)s")


@cache
def format_locale(locale: str) -> Locale:
    """Return the locale by whose rules money, dates and lists are written."""
    return Locale.parse(FORMATS.get(locale, locale), sep="_")


def gettext(message: str, locale: str, **values: object) -> str:
    """Translate a message and fill its `%(name)s` places."""
    text = _translations(locale).gettext(message)
    return text % _shown(values, locale) if values else text


def ngettext(singular: str, plural: str, n: int, locale: str, **values: object) -> str:
    """Translate the form of a message that fits `n`, which also fills `%(n)s`."""
    return _translations(locale).ngettext(singular, plural, n) % ({"n": n} | _shown(values, locale))


def shown_name(value: object, locale: str) -> object:
    """Translate the neutral name of somebody who was erased; anything else stays as it is."""
    number = former_number(value)
    if number is None:
        return value
    return _translations(locale).gettext(str(FORMER_NAME)) % {"number": number}


def _shown(values: Mapping[str, object], locale: str) -> dict[str, object]:
    return {name: shown_name(value, locale) for name, value in values.items()}


@cache
def _translations(locale: str) -> NullTranslations:
    """Compile the catalogue of a locale, else of its language; plural forms are Babel's for it (CLDR)."""
    for name in (locale, locale.partition("_")[0]):
        file = DIRECTORY / f"{name}.po"
        if file.exists():
            return _compiled(file, name)
    return NullTranslations()


def _compiled(file: Path, locale: str) -> Translations:
    compiled = BytesIO()
    with file.open("rb") as text:
        write_mo(compiled, read_po(text, locale=locale))
    compiled.seek(0)
    return Translations(compiled)
