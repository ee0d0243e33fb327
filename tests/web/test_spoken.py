"""Claims that pages speak one language: whoever reads Russian or German meets no English on their way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

from substrack.services.founding import Founded
from substrack.services.links import renew_pay_link
from substrack.store import Member, User, Workspace
from tests.support.cast import Cast
from tests.web.scenes import claim, youtube_of
from tests.web.support import NOW, Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

NAMES = (
    "Olga Ben Mia Home YouTube Premium SubsTrack Telegram PayPal Deutsch English UK US Test browser env bot"
)
"""What stays as it is in every language."""

NO_WORDS = re.compile(r"\S*[@/{}<>_:]\S*|\b\w+\.jsonl\b|\b[A-Z0-9]{2,}\b")
"""Addresses, links, places to fill, settings, files, codes and abbreviations."""

ENGLISH = (
    "the and you your is are to for from of with paid payment share open here this not how why when they "
    "their it by on saved like everybody who what day amount note member period"
)
"""Words of ours that are not German too."""

READ_ALOUD = ("title", "alt", "aria-label", "placeholder")


class Reader(HTMLParser):
    """What a page says, and where it leads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.leads_to: list[str] = []
        self._silent = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag in ("script", "style")
        told = dict(attrs)
        self.said += [value for name, value in told.items() if name in READ_ALOUD and value]
        if tag == "a" and (told.get("href") or "").startswith("/"):
            self.leads_to.append((told["href"] or "").partition("#")[0])

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.said.append(data.strip())


@pytest.fixture
def members(cast: Cast) -> dict[str, Member]:
    members = youtube_of(cast, "Ben", "Mia")
    claim(cast, members["Ben"], 1)
    return members


@pytest.fixture(params=["de", "ru"])
def language(request: pytest.FixtureRequest, cast: Cast, home: Founded) -> str:
    """What everybody reads who did not choose another."""
    chosen = str(request.param)
    with cast.runtime.transaction() as session:
        session.get_one(User, home.user_id).language = chosen
        session.get_one(Workspace, home.workspace_id).language = chosen
    return chosen


def test_an_admin_meets_no_english(
    app: Flask, olga: Browser, members: dict[str, Member], language: str
) -> None:
    met = {path: english_in(reader.said, language) for path, reader in pages(app, olga)}

    assert len(met) > 25
    assert not {path: words for path, words in met.items() if words}


def test_a_member_meets_no_english(
    zed: Browser, cast: Cast, members: dict[str, Member], language: str
) -> None:
    link = cast.do(renew_pay_link, members["Ben"].contact_id, workspace_id=cast.workspace_id, now=NOW)

    shown = zed.get(cast.runtime.signer.url(link).removeprefix("http://127.0.0.1:8000"))

    assert shown.status_code == 200
    assert not english_in(Reader(shown.text).said, language)


def english_in(said: list[str], language: str) -> set[str]:
    """Pick the English words: in Russian every Latin one but names, in German those that German lacks."""
    text = NO_WORDS.sub(" ", "\n".join(said))
    words = set(re.findall(r"\b[A-Za-z’]{2,}\b", text)) - set(NAMES.split())
    return words if language == "ru" else {word for word in words if word.lower() in ENGLISH.split()}


def pages(app: Flask, browser: Browser) -> Iterator[tuple[str, Reader]]:
    """Follow the links from home, one page of each kind."""
    ways, kinds = ["/", "/groups/new"], set[str]()
    adapter = app.url_map.bind("127.0.0.1")
    for path in ways:
        try:
            endpoint, _values = adapter.match(path.partition("?")[0])
        except HTTPException:
            continue
        if endpoint in kinds or endpoint == "static":
            continue
        kinds.add(endpoint)
        answer = browser.get(path)
        if answer.status_code == 200 and answer.mimetype == "text/html":
            reader = Reader(answer.text)
            ways += reader.leads_to
            yield path, reader
