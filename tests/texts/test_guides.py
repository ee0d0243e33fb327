"""Claims about the guides: what they call a button or a heading is what the pages call it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from substrack.bootstrap import ROOT
from substrack.texts import catalogue

PLACE = re.compile(r"%\(\w+\)s")
GUIDES = sorted((ROOT / "docs" / "guide").glob("*.md"))


@pytest.fixture(scope="module")
def said() -> list[str]:
    """Every English sentence of the pages, its places open to anything."""
    with (catalogue.DIRECTORY / "de.po").open("rb") as file:
        messages = [message.id for message in read_po(file, locale="de") if message.id]
    forms = (form for message in messages for form in ([message] if isinstance(message, str) else message))
    return [open_places(form) for form in forms if re.search(r"[a-z]", PLACE.sub("", form))]


@pytest.mark.parametrize("guide", GUIDES, ids=[path.stem for path in GUIDES])
def test_a_guide_names_only_what_the_pages_say(guide: Path, said: list[str]) -> None:
    assert not [name for name in names(guide.read_text("utf-8")) if not is_said(name, said)]


def test_both_guides_are_there_and_their_pictures_too() -> None:
    assert [path.stem for path in GUIDES] == ["admins", "members"]
    for page in (*GUIDES, ROOT / "README.md"):
        shown = re.findall(r"[\w./-]*screenshots/[\w-]+\.png", page.read_text("utf-8"))
        assert shown
        assert not [name for name in shown if not (page.parent / name).exists()]


def names(text: str) -> Iterator[str]:
    """Find what stands in bold."""
    return (match[1] for match in re.finditer(r"\*\*(.+?)\*\*", text.replace("\n", " ")))


def is_said(name: str, said: list[str]) -> bool:
    """Tell whether a page says this, alone or at an end of a sentence ("More: currency, …")."""
    part = re.escape(name)
    return any(re.fullmatch(one, name) or one.startswith(part) or one.endswith(part) for one in said)


def open_places(sentence: str) -> str:
    """Make a pattern of a sentence, in which a place may hold anything."""
    return ".+".join(re.escape(straight(part)) for part in PLACE.split(sentence))


def straight(text: str) -> str:
    """Write apostrophes as the guides do."""
    return text.replace("’", "'")
