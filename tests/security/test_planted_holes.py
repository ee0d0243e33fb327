"""Each defence is taken away once, and the test that watches it must notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from substrack.services import links
from substrack.services.links import LinkSigner
from substrack.web import access
from substrack.web.access import Access
from tests.security import test_input, test_links, test_matrix, test_reading
from tests.security.world import World

Hole = Callable[[World, pytest.MonkeyPatch], None]
Check = Callable[[World], None]


def no_form_tokens(_world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(access.csrf, "protect", lambda: None)


def no_look_at_the_origin(_world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(access, "_is_from_elsewhere", lambda **_how: False)


def no_sign_in(_world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setitem(access._CHECKS, Access.SIGNED_IN, lambda: None)


def no_signatures(_world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LinkSigner, "read", lambda _self, _purpose, token: token.partition(".")[0])


def tokens_as_they_come(_world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(links, "_is_as_written", lambda _signature: True)


def no_limits(world: World, patch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_CONTENT_LENGTH", "MAX_FORM_MEMORY_SIZE"):
        patch.setitem(world.app.config, name, None)
    patch.setattr(access.csrf, "protect", lambda: None)


def words_are_markup(world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(world.app.jinja_env, "autoescape", False)
    patch.setattr(world.app.jinja_env, "bytecode_cache", None)
    patch.setattr(world.app.jinja_env, "cache", {})


def opening_leaves_a_trace(world: World, patch: pytest.MonkeyPatch) -> None:
    show = world.app.view_functions["groups.show_list"]

    def show_and_note() -> object:
        test_input.type_everywhere(world, "seen")
        return show()

    show_and_note.access = Access.SIGNED_IN  # type: ignore[attr-defined]
    patch.setitem(world.app.view_functions, "groups.show_list", show_and_note)


def mangled(purpose: str, name: str) -> Check:
    return lambda world: test_links.TestTokens().test_a_mangled_one_is_refused_like_one_that_never_was(
        world, purpose, name
    )


def elsewhere(how: str) -> Check:
    return lambda world: test_matrix.test_no_form_that_comes_from_elsewhere_changes_anything(world, how)


HOLES: Final[dict[str, tuple[Hole, Check]]] = {
    "forms need no token": (no_form_tokens, elsewhere("without a token")),
    "forms may come from anywhere": (no_look_at_the_origin, elsewhere("from another site")),
    "pages need no session": (
        no_sign_in,
        test_matrix.test_nobody_reads_or_changes_anything_behind_the_sign_in,
    ),
    "links need no signature": (no_signatures, mangled("pay", "its own key")),
    "a signature may be spelled otherwise": (tokens_as_they_come, mangled("pay", "a trailing =")),
    "forms may be of any size": (no_limits, test_matrix.test_too_much_is_turned_away_at_once),
    "words are taken for markup": (
        words_are_markup,
        lambda world: test_input.test_no_page_takes_words_for_markup(world, test_input.PAYLOADS[0]),
    ),
    "a page that is opened writes": (
        opening_leaves_a_trace,
        test_reading.test_opening_and_peeking_at_every_page_writes_nothing,
    ),
}


@pytest.mark.parametrize("name", list(HOLES))
def test_a_hole_is_noticed(fresh_world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    make_hole, check = HOLES[name]
    world = fresh_world
    assert world.ids
    assert world.links
    make_hole(world, monkeypatch)
    with pytest.raises((AssertionError, AttributeError)):
        check(world)
