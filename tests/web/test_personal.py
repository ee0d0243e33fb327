"""A person's data on their page: handed out and erased, under a fresh password."""

import io
import json
from datetime import timedelta
from zipfile import ZipFile

import pytest

from substrack.bootstrap import Runtime
from substrack.services.founding import Founded
from tests.support.cast import Cast
from tests.web.admin import cast_of, contact_named
from tests.web.forms import fill
from tests.web.support import PASSWORD, Browser, TurnableClock

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def cast(runtime: Runtime, home: Founded) -> Cast:
    return cast_of(runtime, home)


@pytest.fixture
def page(cast: Cast) -> str:
    """Let Ben be in a group; give the page about his data."""
    cast.join(cast.group(), "Ben")
    return f"/people/{contact_named(cast, 'Ben').public_id}/data"


class TestExport:
    def test_everything_is_downloaded_as_a_zip_that_nothing_keeps(self, olga: Browser, page: str) -> None:
        answer = olga.post(f"{page}/export", page=page)
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=person-")
        with ZipFile(io.BytesIO(answer.data)) as archive:
            assert "ben@example.org" in archive.read("data.json").decode()

    def test_later_it_takes_the_password(self, olga: Browser, page: str, clock: TurnableClock) -> None:
        clock.turn(timedelta(minutes=10))
        asked = olga.post(f"{page}/export", page=page)
        assert (asked.status_code, asked.mimetype) == (422, "text/html")
        answer = olga.client.post(
            f"{page}/export", data=fill(asked.text, "your_password") | {"your_password": PASSWORD}
        )
        with ZipFile(io.BytesIO(answer.data)) as archive:
            assert json.loads(archive.read("data.json"))["contacts"][0]["name"] == "Ben"
