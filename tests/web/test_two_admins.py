"""Claims about two admins with one form open each: who saves last undoes nothing that the other typed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from substrack.domain.shares import SplitKind
from substrack.queries.people import load_contact
from substrack.queries.workspaces import load_workspace_settings
from substrack.store import Member
from tests.support.cast import Cast
from tests.web.admin import contact_named
from tests.web.forms import apply, fill, send
from tests.web.support import NOW, Browser

pytestmark = pytest.mark.only_sqlite


def _both(olga: Browser, page: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    """Open a form twice, and send either with what was typed into it."""
    forms = [fill(olga.get(page).text, next(iter(first))) for _ in range(2)]
    for form, typed in zip(forms, (first, second), strict=True):
        assert olga.client.post(page, data=form | typed).status_code == 303


def test_settings_keep_what_each_typed(cast: Cast, olga: Browser) -> None:
    _both(olga, "/settings", {"collection_day": "15", "language": "de"}, {"name": "The Millers"})

    kept = cast.read(lambda session: load_workspace_settings(session, cast.workspace_id))
    assert (kept.name, kept.language, kept.collection_day) == ("The Millers", "de", 15)


def test_what_new_groups_begin_with_keeps_what_each_typed(cast: Cast, olga: Browser) -> None:
    _both(olga, "/settings/groups", {"grace_days": "7", "part_period": "days"}, {"hour": "18"})

    kept = cast.read(lambda session: load_workspace_settings(session, cast.workspace_id)).group_defaults
    assert (kept.grace_days, kept.part_period.value, kept.hour) == (7, "days", 18)


def test_a_person_keeps_what_each_typed(cast: Cast, olga: Browser) -> None:
    ben = cast.join(cast.group(), "Ben")
    page = f"/people/{contact_named(cast, 'Ben').public_id}"
    _both(olga, page, {"collection_day": "3", "time_zone": "Asia/Tokyo"}, {"name": "Benno"})

    kept = cast.read(lambda session: load_contact(session, ben.contact_id))
    assert (kept.name, kept.time_zone, kept.collection_day) == ("Benno", "Asia/Tokyo", 3)


def test_a_member_keeps_what_each_typed(cast: Cast, olga: Browser) -> None:
    group = cast.group("Phone", "30.00", split=SplitKind.WEIGHTS)
    ben = cast.join(group, "Ben")
    cast.join(group, "Mia")
    cast.tick(NOW)
    page = f"/members/{ben.public_id}"
    former = fill(olga.get(page).text, "weight")
    apply(olga, page, "weight", weight="5")

    shown = olga.client.post(page, data=former | {"joined_on": "2026-01-20"})
    if shown.status_code == 200:
        shown = olga.client.post(page, data=fill(shown.text, "seen"))

    assert shown.status_code == 303
    now = cast.read(lambda session: session.get_one(Member, ben.id))
    assert (now.weight, now.joined_on) == (5, date(2026, 1, 20))


def test_a_refused_form_still_knows_what_it_first_showed(cast: Cast, olga: Browser) -> None:
    refused = send(olga, "/settings", "name", name="", language="de")
    send(olga, "/settings", "name", language="ru")

    again = fill(refused.text, "name") | {"name": "The Millers"}
    assert olga.client.post("/settings", data=again).status_code == 303

    kept = cast.read(lambda session: load_workspace_settings(session, cast.workspace_id))
    assert (kept.name, kept.language) == ("The Millers", "de"), "German was typed, after English was shown"
