"""Claims that whoever reads German or Russian meets no English: in letters, chats, templates and modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from jinja2 import Environment, nodes

from substrack.bootstrap import ROOT
from substrack.texts.chat_letters import render_chat
from substrack.texts.letters import render
from tests.texts.samples import SAMPLES

ENGLISH = re.compile(
    r"\b(the|and|you|your|is|are|to|from|of|with|by|paid|payment|share|shares|open|here|this|not|it|on|via"
    r"|hi|hello|how|amount|reference|period|left|owe|today|every|month)\b",
    re.IGNORECASE,
)
"""Words of ours that German and Russian lack."""

WRITTEN_BY_PEOPLE = re.compile(
    r"Or in cash on Thursdays|The price is still the old one|Tell me if you no longer use it"
    r"|I left in February|Nothing came by the 10th|Sent it on Sunday|Forbidden: bot was blocked by the user"
    r"|Until the 14th, so half is yours|Was this not paid in cash|It was, sorry"
    r"|https?://\S+|\S+@\S+|/\w+"
)
"""What the samples quote, and addresses and commands."""

PAGES = sorted((ROOT / "templates").rglob("*.html"))
SPEAKING = ("bot", "domain", "queries", "services", "texts", "web")
FOR_OPERATORS = {ROOT / "substrack" / "web" / "metrics.py"}
MODULES = sorted(
    {file for layer in SPEAKING for file in (ROOT / "substrack" / layer).rglob("*.py")} - FOR_OPERATORS
)
SAME_EVERYWHERE = re.compile(r"SubsTrack|@BotFather|/\w+|\w*TOKEN=\S+|\d+:AbC|-help|-error")
SENTENCE = re.compile(r"[A-Z“%].* .*[.?!…]")

each_language = pytest.mark.parametrize("language", ["de", "ru"])


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


@each_language
@pytest.mark.parametrize("name", SAMPLES)
def test_a_letter_says_nothing_in_english(name: str, language: str) -> None:
    rendered = render(replace(SAMPLES[name], locale=language))

    seen = re.sub(r"<style.*?</style>|<[^>]+>", " ", rendered.html, flags=re.DOTALL)
    assert not english_in(f"{rendered.from_name}\n{rendered.subject}\n{rendered.text}\n{seen}")


@each_language
@pytest.mark.parametrize("name", SAMPLES)
def test_a_chat_says_nothing_in_english(name: str, language: str) -> None:
    rendered = render_chat(replace(SAMPLES[name], locale=language))

    assert not english_in(re.sub(r"<[^>]+>", " ", rendered.html))


@pytest.mark.parametrize("file", PAGES, ids=short)
def test_a_template_has_no_words_outside_of_translations(file: Path) -> None:
    assert not list(bare_words(file.read_text("utf-8")))


@pytest.mark.parametrize("file", MODULES, ids=short)
def test_a_sentence_in_a_module_is_gathered_for_translation(file: Path, sources: Catalog) -> None:
    """Kept for the next page, refused or put into a table: what is not gathered stays English."""
    known = {form for message in sources for form in forms(message.id)}

    assert not [text for text in literals(ast.parse(file.read_text("utf-8"))) if text not in known]


def english_in(text: str) -> list[str]:
    return [line for line in WRITTEN_BY_PEOPLE.sub("", text).splitlines() if ENGLISH.search(line)]


def forms(text: object) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else (str(text),)


class _Bare(HTMLParser):
    """Collects what a page would say as it stands in the template."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.words += [value or "" for name, value in attrs if name in ("title", "alt", "aria-label")]
        self.words += [value or "" for name, value in attrs if name == "placeholder"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def bare_words(template: str) -> Iterator[str]:
    """Find words between tags, in attributes that are read aloud, and handed to a macro untranslated."""
    page = _Bare()
    page.feed(
        re.sub(
            r"{% block body_class %}\w+|{%.*?%}|{{.*?}}|{#.*?#}|<style>.*?</style>",
            "",
            template,
            flags=re.DOTALL,
        )
    )
    yield from (word for word in page.words if re.search(r"[A-Za-z]{2,}", SAME_EVERYWHERE.sub("", word)))
    code = Environment().parse(template)
    said = {
        id(word) for call in code.find_all(nodes.Call) if is_said(call) for word in call.find_all(nodes.Const)
    }
    for word in code.find_all(nodes.Const):
        if isinstance(word.value, str) and id(word) not in said and re.match(r"[A-Z][a-z’]+", word.value):
            yield word.value


def is_said(call: nodes.Call) -> bool:
    if isinstance(call.node, nodes.Getattr):
        return call.node.attr == "ngettext"
    return isinstance(call.node, nodes.Name) and call.node.name == "_"


def literals(module: ast.Module) -> Iterator[str]:
    """Find the sentences of a module, without docstrings and what is put together."""
    silent = [node.value for node in ast.walk(module) if isinstance(node, ast.Expr)]
    silent += [part for node in ast.walk(module) if isinstance(node, ast.JoinedStr) for part in node.values]
    passed_over = {id(node) for node in silent}
    for node in ast.walk(module):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in passed_over else None
        if isinstance(text, str) and SENTENCE.fullmatch(text):
            yield text
