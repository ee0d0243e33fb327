"""Claims about the form of a group in a real browser: it proposes, foretells while one types, asks little."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenWindow
from tests.browser.scene import Scene
from tests.browser.windows import Look

EITHER = pytest.mark.parametrize("look", [Look(), Look(size="phone")], ids=["desktop", "phone"])


@EITHER
def test_who_pays_what_stands_there_while_one_types(window: OpenWindow, scene: Scene, look: Look) -> None:
    olga = window(scene.site, look, user_id=scene.olga)
    olga.open("/groups/new")
    olga.page.get_by_role("radio", name="VPN").check()
    olga.write("What you share", "Proxy")
    olga.write("Price", "20")
    olga.write("Who shares it with you", "Ann, Cem")

    olga.sees("2 people pay 6.67\xa0€ each, every year. Your share is 6.66\xa0€.")
    olga.write("Who shares it with you", "Ann, Cem, Dia, Eve, Finn")
    olga.sees("That makes 6 people; such a plan usually has room for 5.")


def test_a_refusal_goes_when_something_else_is_typed(window: OpenWindow, scene: Scene) -> None:
    olga = window(scene.site, user_id=scene.olga)
    olga.open("/groups/new")
    olga.write("What you share", "Proxy")
    olga.write("Price", "1.234")
    olga.page.locator("main form button[type=submit]").last.click()
    olga.sees("can be read in two ways")
    price = olga.page.locator("[name=price]")
    assert price.get_attribute("aria-invalid") == "true"

    olga.write("Price", "17,99")

    olga.sees_no("can be read in two ways")
    assert price.get_attribute("aria-invalid") == "false"


def test_a_rhythm_that_was_chosen_is_kept_by_the_next_tile(window: OpenWindow, scene: Scene) -> None:
    olga = window(scene.site, user_id=scene.olga)
    olga.open("/groups/new")
    olga.page.get_by_label("Paid").select_option("week")
    olga.page.get_by_role("radio", name="VPN").check()

    assert olga.page.get_by_label("Paid").input_value() == "week"
    assert olga.page.get_by_label("What you share").get_attribute("placeholder") == "such as the VPN"


def test_a_new_group_fits_into_one_and_a_half_screens(window: OpenWindow, scene: Scene) -> None:
    olga = window(scene.site, user_id=scene.olga)
    olga.open("/groups/new")

    assert olga.page.evaluate("document.documentElement.scrollHeight / window.innerHeight") <= 1.5


def test_another_price_is_looked_at_without_scripts(window: OpenWindow, scene: Scene) -> None:
    olga = window(scene.site, Look(scripts=False), user_id=scene.olga)
    olga.open(f"/groups/{scene.places['group']}/prices")
    olga.page.fill("input[name=amount]", "99.99")
    olga.press("Show what changes")

    olga.sees("nothing has changed yet")
    olga.press("Change something")
    assert olga.page.input_value("input[name=amount]") == "99.99"


def test_fields_side_by_side_stand_in_a_row_however_long_their_labels_are(
    window: OpenWindow, scene: Scene
) -> None:
    olga = window(scene.site, user_id=scene.olga)
    olga.open("/groups/new")
    olga.unfold("More")

    tops = {
        name: olga.page.locator(f"[name={name}]").evaluate("one => one.getBoundingClientRect().top")
        for name in ("every", "billing_day", "tolerance", "heads_up_days")
    }
    assert tops["every"] == tops["billing_day"]
    assert tops["tolerance"] == tops["heads_up_days"]
