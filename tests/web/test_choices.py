"""Claims about choices and answers whose words wait in a table: they are said in the reader's language."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from substrack.bootstrap import Runtime
from substrack.services.asking_now import NotToBeAsked
from substrack.services.founding import Founded
from substrack.store import User
from substrack.texts.words import Words
from tests.support.cast import Cast
from tests.web.admin import cast_of, contact_named
from tests.web.scenes import youtube_of
from tests.web.support import Browser

pytestmark = pytest.mark.only_sqlite


@pytest.fixture
def cast(runtime: Runtime, home: Founded) -> Cast:
    cast = cast_of(runtime, home)
    youtube_of(cast, "Ben")
    with runtime.transaction() as session:
        session.execute(update(User).values(language="de"))
    return cast


@pytest.mark.parametrize(
    ("page", "option"),
    [
        ("/groups/new", "wie es geschrieben ist"),
        ("/groups/new", "ein Bankkonto (IBAN)"),
        ("/people/{ben}", "Wie alle hier"),
        ("/money-in?account={account}", "alles, was offen ist"),
    ],
)
def test_a_choice_is_offered_in_german(cast: Cast, olga: Browser, page: str, option: str) -> None:
    accounts = re.findall(r'name="account" value="([^"]+)"', olga.get("/").text)
    path = page.format(ben=contact_named(cast, "Ben").public_id, account=accounts[0])
    options = re.findall(r"<option[^>]*>([^<]*)</option>", olga.get(path).text)

    assert option in options, options[:12]


@pytest.mark.parametrize("language", ["de", "ru"])
def test_why_somebody_is_not_asked_is_said_in_each_language(language: str) -> None:
    for sentence in NotToBeAsked.SENTENCES.values():
        assert Words(language)(sentence) != sentence, sentence
