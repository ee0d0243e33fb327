"""Claims about pieces of pages that are drawn once: they are never out of date, and belong to nobody else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask, render_template_string
from markupsafe import Markup, escape
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired

from substrack.bootstrap import Runtime
from substrack.services.founding import Founded
from substrack.web import drawing
from substrack.web.forms import PageForm
from substrack.web.unchanged import page_cache_of
from tests.web.admin import cast_of
from tests.web.scenes import claim, youtube_of
from tests.web.support import Browser, browser, form_token

pytestmark = pytest.mark.only_sqlite


@dataclass(frozen=True)
class Row:
    """What a piece is drawn of."""

    name: str


class ColourForm(PageForm):
    """A form with both kinds of fields."""

    name = StringField("Name", [InputRequired("Say a name.")])
    colour = SelectField("Colour", choices={"red": "Red", "blue": "Blue"})


def drawn_on(app: Flask, template: str, path: str = "/", **values: object) -> str:
    with app.test_request_context(path):
        return render_template_string(template, **values)


class TestOnce:
    def test_a_piece_is_drawn_again_only_for_other_values(self, app: Flask) -> None:
        names: list[str] = []

        def name(row: Row) -> str:
            names.append(row.name)
            return escape(row.name)

        with app.test_request_context("/"):
            draw = drawing.once(name)
            pieces = [draw(Row(name)) for name in ("<Ben>", "Mia", "<Ben>")]

        assert pieces == ["&lt;Ben&gt;", "Mia", "&lt;Ben&gt;"]
        assert names == ["<Ben>", "Mia"]

    def test_a_piece_elsewhere_is_another_one(self, app: Flask) -> None:
        places: list[str] = []

        def name(word: str) -> str:
            places.append(word)
            return word

        draw = drawing.once(name)
        for path in ("/", "/?page=2", "/"):
            with app.test_request_context(path):
                draw("here")

        assert len(places) == 2

    def test_nobody_fills_the_memory_with_long_addresses(self, app: Flask) -> None:
        drawn: list[str] = []

        def name(word: str) -> str:
            drawn.append(word)
            return word

        draw = drawing.once(name)
        for _time in range(2):
            with app.test_request_context(f"/?payment={'x' * drawing.LONGEST}"):
                draw("here")

        assert len(drawn) == 2

    def test_text_that_is_safe_already_is_not_taken_for_text_that_is_not(self, app: Flask) -> None:
        with app.test_request_context("/"):
            draw = drawing.once(escape)

            assert (draw(Markup("<b>")), draw("<b>")) == ("<b>", "&lt;b&gt;")

    def test_what_cannot_be_compared_is_drawn_every_time(self, app: Flask) -> None:
        counts: list[int] = []

        def count(rows: list[int]) -> str:
            counts.append(len(rows))
            return ""

        with app.test_request_context("/"):
            draw = drawing.once(count)
            draw([1])
            draw([1])

        assert counts == [1, 1]


class TestFields:
    TEMPLATE = (
        '{% import "partials/ui.html" as ui %}{{ ui.field(form.name, help) }}{{ ui.choice(form.colour) }}'
    )

    def look(self, app: Flask, form: ColourForm, help: str = "") -> str:
        return drawn_on(app, self.TEMPLATE, form=form, help=help)

    def test_an_untouched_field_looks_the_same_as_before(self, app: Flask) -> None:
        assert self.look(app, ColourForm()) == self.look(app, ColourForm())

    def test_what_is_in_a_field_is_shown(self, app: Flask) -> None:
        shown = [self.look(app, ColourForm(name=name, colour=colour)) for name, colour in
                 (("Ben", "red"), ("Mia", "red"), ("Mia", "blue"))]  # fmt: skip

        assert ['value="Ben"' in look for look in shown] == [True, False, False]
        assert ['<option selected value="blue"' in look for look in shown] == [False, False, True]

    def test_choices_and_help_of_another_page_are_its_own(self, app: Flask) -> None:
        other = ColourForm()
        other.colour.choices = {"red": "Rot"}

        first, second = self.look(app, ColourForm(), "As you like."), self.look(app, other, "Wie du magst.")

        assert ("Red" in first, "As you like." in first) == (True, True)
        assert ("Rot" in second, "Red" in second, "As you like." in second) == (True, False, False)

    def test_a_refusal_is_shown_and_gone_with_the_next_page(self, app: Flask) -> None:
        refused = ColourForm()
        refused.validate()

        assert "Say a name." in self.look(app, refused)
        assert "Say a name." not in self.look(app, ColourForm())


class TestPages:
    def test_forms_that_are_drawn_once_carry_the_token_of_who_reads_them(
        self, olga: Browser, app: Flask, runtime: Runtime, home: Founded
    ) -> None:
        cast = cast_of(runtime, home)
        claim(cast, youtube_of(cast, "Ben")["Ben"])
        own, other = olga, browser(app, runtime)
        other.sign_in(runtime, home.user_id)

        own.get("/review")
        page_cache_of(app).clear()
        before, again = drawing.remembered(), own.get("/review").text

        assert drawing.remembered() > before
        assert form_token(again)
        assert 'name="csrf_token" value=""' not in again
        assert own.post("/review", page="/review", act="confirm").status_code == 422
        assert other.post("/review", page="/review", act="confirm").status_code == 422

    def test_nobody_can_write_a_field_that_gets_the_token(
        self, olga: Browser, runtime: Runtime, home: Founded
    ) -> None:
        cast = cast_of(runtime, home)
        trap = '<input type="hidden" name="csrf_token" value="">'
        cast.group(trap)

        shown = olga.get("/groups").text

        assert str(escape(trap)) in shown
        assert trap not in shown
