"""Whatever people type is shown as they typed it; nothing of it runs, leads elsewhere or adds a header."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import pytest
from sqlalchemy import Table, delete, insert, update

from substrack.channels.base import OutgoingMail
from substrack.channels.mime import write_mime
from substrack.domain.errors import Refused
from substrack.domain.letters import Letter
from substrack.domain.pay_methods import check_link
from substrack.services.proofs import NoProof, read_proof
from substrack.store import Base, Contact
from substrack.texts.chat_letters import render_chat
from substrack.texts.letters import render
from substrack.web.access import access_of, local_path
from tests.fakes.telegram_html import parse_html
from tests.security import corpora
from tests.security.test_links import PAGES
from tests.security.test_matrix import path_of
from tests.security.world import World
from tests.texts.samples import SAMPLES
from tests.web.support import NOW

HARMLESS: Final = "owned"
PAYLOADS: Final = (
    '"><script>owned()</script><b onclick=owned()>',
    "'><img src=x onerror=owned()>",
    "</title></textarea></script><svg onload=owned()>",
    "&lt;b&gt;owned {{ 7*7 }}",
)
WORDS: Final = {
    "groups": ("name", "description", "request_sentence"),
    "attempts": ("method", "note"),
    "receipts": ("method", "note", "void_reason"),
    "attempt_items": ("reason",),
    "events": ("reason",),
    "contacts": ("name", "note"),
    "addresses": ("reason",),
    "workspaces": ("name",),
    "users": ("name",),
    "user_sessions": ("agent",),
    "messages": ("last_error",),
    "installation": ("hold_reason", "backup_error"),
    "links": ("chat_name",),
}
"""Columns that hold what somebody typed, or what another program said."""


class Reading(HTMLParser):
    """The elements of a page with the names of their attributes, and what of them would do harm."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.harm: list[str] = []
        self._within = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(sorted(name for name, _value in attrs))))
        self._within = tag
        for name, value in attrs:
            leads = name in ("href", "src", "action", "data", "formaction", "srcdoc", "content")
            if name.startswith("on") or (leads and re.search(r"^\W*\w*script:|^//|owned", value or "")):
                self.harm.append(f"<{tag} {name}={value}>")

    def handle_data(self, data: str) -> None:
        if self._within in ("script", "style") and "owned" in data:
            self.harm.append(f"<{self._within}> {data[:80]}")

    def handle_endtag(self, tag: str) -> None:
        self._within = ""


def type_everywhere(world: World, text: str) -> None:
    """Put a text into every column that takes one, where there is one or could be."""
    with world.runtime.transaction() as session:
        for name, columns in WORDS.items():
            table: Table = Base.metadata.tables[name]
            session.execute(update(table).values(dict.fromkeys(columns, text)))


def reading_paths(world: World) -> Iterator[tuple[str, bool]]:
    """List the pages that show something, and whether one signs in for them."""
    for purpose in PAGES:
        yield f"/{purpose}/{world.links[purpose]}", False
    for rule in world.app.url_map.iter_rules():
        if access_of(world.app, rule.endpoint) == "signed_in" and "GET" in (rule.methods or ()):
            yield path_of(world, rule.endpoint, world.ids)[1], True


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_page_takes_words_for_markup(world: World, payload: str) -> None:
    olga, anybody = world.browser_of(world.cast.olga), world.nobody()
    paths = list(reading_paths(world))
    type_everywhere(world, HARMLESS)
    usual = {path: Reading((olga if mine else anybody).get(path).text) for path, mine in paths}
    type_everywhere(world, payload)
    for path, mine in paths:
        found = Reading((olga if mine else anybody).get(path).text)
        assert found.harm == [], path
        if not path.startswith("/messages/"):  # a longer error is folded
            assert found.elements == usual[path].elements, path


def test_a_list_shows_whatever_people_are_called(world: World) -> None:
    people = [
        {"public_id": f"p{number:011d}", "workspace_id": world.cast.workspace_id, "name": text[:120],
         "created_at": NOW, "note": "", "channel_choice": "both"}
        for number, text in enumerate(corpora.HTML)
        if "\0" not in text
    ]  # fmt: skip
    with world.runtime.transaction() as session:
        session.execute(insert(Contact), people)
    olga, shown = world.browser_of(world.cast.olga), ""
    for page in range(1, 40):
        html = olga.get(f"/people?page={page}").text
        assert Reading(html).harm == []
        shown += html
    with world.runtime.transaction() as session:
        session.execute(delete(Contact).where(Contact.name.in_([one["name"] for one in people])))


def swap(value: Any, text: str) -> Any:
    """Say something else wherever a letter has words of people."""
    if isinstance(value, tuple):
        return tuple(swap(each, text) for each in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed: dict[str, Any] = {}
    for field in fields(value):
        now = getattr(value, field.name)
        if isinstance(now, str) and type(now) is str and field.name in PEOPLES_WORDS:
            changed[field.name] = text
        elif is_dataclass(now) or isinstance(now, tuple):
            changed[field.name] = swap(now, text)
    return replace(value, **changed)


PEOPLES_WORDS: Final = {
    "name", "group", "description", "note", "method", "reason", "question", "answer", "by", "text", "holder",
    "label", "workspace", "invited_by", "noted_by", "payer",
}  # fmt: skip


@pytest.mark.parametrize("name", list(SAMPLES))
def test_no_letter_takes_words_for_markup(name: str) -> None:
    usual = render(swap(SAMPLES[name], HARMLESS))
    assert usual is not None
    for payload in PAYLOADS:
        letter = render(swap(SAMPLES[name], payload))
        assert letter is not None
        found = Reading(letter.html)
        assert found.harm == []
        assert found.elements == Reading(usual.html).elements


@pytest.mark.parametrize("name", list(SAMPLES))
def test_no_chat_message_takes_words_for_markup(name: str) -> None:
    def kinds(text: str) -> list[str]:
        shown = render_chat(swap(SAMPLES[name], text)).html
        return [entity["type"] for entity in parse_html(shown)[1]]

    usual = kinds(HARMLESS)
    for payload in PAYLOADS:
        assert kinds(payload) == usual


def test_a_letter_says_whatever_a_note_says() -> None:
    claim: Letter = SAMPLES["claim_received"]
    for text in corpora.HTML:
        letter = render(swap(claim, text))
        assert letter is not None
        assert Reading(letter.html).harm == [], text
        parse_html(render_chat(swap(claim, text)).html)


def test_no_name_or_subject_adds_a_header_or_a_recipient() -> None:
    mail = OutgoingMail(
        to="ben@example.org",
        from_name="Olga",
        from_address="subs@example.org",
        subject="x",
        text="x",
        html="<p>x</p>",
        message_id="abc",
        date=datetime(2026, 3, 1, tzinfo=UTC),
        reply_to="olga@example.org",
    )
    usual = message_from_bytes(write_mime(mail)).keys()
    for text in corpora.HEADER_LINES:
        written = write_mime(replace(mail, from_name=text, subject=text))
        built = message_from_bytes(written)
        assert built.keys() == usual, text
        head = written.partition(b"\r\n\r\n")[0]
        assert not re.search(rb"(?im)^(bcc|x-owned|set-cookie|location):", head), text
        assert b"\r\n\r\n" not in head
        assert built["To"] == "ben@example.org"


def test_no_link_that_runs_or_hides_becomes_a_way_to_pay() -> None:
    for link in corpora.LINKS:
        with pytest.raises(Refused):
            check_link(link)


def test_nobody_is_led_to_another_site(world: World) -> None:
    for wanted in corpora.REDIRECTS:
        with world.app.test_request_context("/sign-in"):
            path = local_path(wanted)
        if path is not None:
            assert path.startswith("/"), wanted
            assert not re.match(r"/[/\\]", path), wanted
            assert "\\" not in path, wanted
            assert urlsplit(urljoin("http://127.0.0.1:8000/sign-in", path)).netloc == "127.0.0.1:8000"


def test_no_file_that_is_no_picture_or_pdf_is_kept() -> None:
    for content, _name in corpora.UPLOADS:
        with pytest.raises(NoProof):
            read_proof(content)


def test_there_are_a_thousand_cases() -> None:
    assert corpora.count() >= 1000


def test_every_column_of_words_is_named() -> None:
    for name, columns in WORDS.items():
        assert set(columns) <= set(Base.metadata.tables[name].columns.keys())
