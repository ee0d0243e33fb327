"""Claims about the translations: nothing is missing or unsure, and every place is filled as in English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from substrack.texts import catalogue

TRANSLATED = sorted(path.stem for path in catalogue.DIRECTORY.glob("*.po"))
PLACES = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}|<[^>]+>")


def translation(language: str) -> Catalog:
    with Path(catalogue.DIRECTORY / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def forms(text: object) -> tuple[str, ...]:
    return (
        (text,) if isinstance(text, str) else tuple(map(str, text if isinstance(text, tuple | list) else ()))
    )


def test_german_and_russian_are_there() -> None:
    assert {"de", "ru"} <= set(TRANSLATED) <= set(catalogue.LANGUAGES)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_has_its_translation(sources: Catalog, language: str) -> None:
    known = translation(language)
    missing = [message.id for message in sources if message.id and not is_translated(known, message)]

    assert not missing, f"{len(missing)} of {len(sources)}; run `make words` and translate: {missing[:20]}"


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_unsure_or_without_source(sources: Catalog, language: str) -> None:
    known = translation(language)

    assert not [message.id for message in known if message.id and message.fuzzy]
    assert not [message.id for message in known if message.id and sources.get(key_of(message)) is None]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_place_of_a_sentence_is_filled_as_in_english(language: str) -> None:
    wrong = []
    for message in translation(language):
        if not message.id or not all(forms(message.string)):
            continue
        *_, english = forms(message.id) or ("",)
        for text in forms(message.string):
            said, meant = set(PLACES.findall(text)), set(PLACES.findall(english))
            if said != meant:
                wrong.append((english, text))
    assert not wrong


def test_what_is_counted_names_its_number_in_every_form(sources: Catalog) -> None:
    """Russian says 21 in the form of 1; where 1 has no number, it is a sentence of its own."""
    counted = [message.id for message in sources if isinstance(message.id, tuple)]

    assert counted
    assert not [pair for pair in counted if not all("%(n)s" in form for form in pair)]


def test_russian_counts_in_three_forms() -> None:
    counted = [message for message in translation("ru") if isinstance(message.id, tuple)]

    assert counted
    assert all(len(forms(message.string)) == 3 for message in counted)


def is_translated(known: Catalog, message: Message) -> bool:
    found = known.get(key_of(message))
    return found is not None and bool(forms(found.string)) and all(forms(found.string))


def key_of(message: Message) -> str:
    return forms(message.id)[0]
