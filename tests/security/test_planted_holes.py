"""Each defence is taken away once, and the test that watches it must notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from substrack.channels import mime
from substrack.services import invitations, links, proofs, roles, tries
from substrack.services.access import check_admin
from substrack.services.links import LinkSigner
from substrack.web import access, admitting, security, sessions
from substrack.web.access import Access
from tests.channels import test_mime
from tests.security import test_input, test_links, test_matrix, test_reading
from tests.security.world import World
from tests.services import test_proofs
from tests.web.test_second_factor import Phone
from tests.web.test_second_factor import TestSigningIn as SigningIn
from tests.web.test_security import TestHeaders as Headers
from tests.web.test_sign_in_limits import TestAnAccount as AnAccount

Hole = Callable[[World, pytest.MonkeyPatch], None]
Check = Callable[[World], None]


def no_form_tokens(_world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(access.csrf, "protect", lambda: None)


def no_look_at_the_origin(_world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(access, "_is_from_elsewhere", lambda **_how: False)


def no_sign_in(world: World, patch: pytest.MonkeyPatch) -> None:
    """Take whoever comes for Zed."""
    cookie = world.browser_of(world.zed.olga).client.get_cookie("substrack-session")
    assert cookie is not None
    patch.setattr(sessions, "_token_of", lambda _received: cookie.value)


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


def no_counting(_world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tries, "_write", lambda *_what: None)


def no_second_step(_world: World, patch: pytest.MonkeyPatch) -> None:
    find = admitting._credentials
    patch.setattr(admitting, "_credentials", lambda user_id: replace(find(user_id), has_second_factor=False))


def admins_are_owners(_world: World, patch: pytest.MonkeyPatch) -> None:
    for module in (roles, invitations):
        patch.setattr(module, "check_owns", check_admin)


def no_content_policy(_world: World, patch: pytest.MonkeyPatch) -> None:
    patch.delitem(security.ON_EVERY_ANSWER, "Content-Security-Policy")


def proofs_as_they_come(_world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(proofs, "_write_anew", lambda content: content)


def headers_as_they_come(_world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(mime, "_one_word", str)


def mangled(purpose: str, name: str) -> Check:
    return lambda world: test_links.TestTokens().test_a_mangled_one_is_refused_like_one_that_never_was(
        world, purpose, name
    )


def elsewhere(how: str) -> Check:
    return lambda world: test_matrix.test_no_form_that_comes_from_elsewhere_changes_anything(world, how)


def password_alone(world: World) -> None:
    assert world.cast.olga.id is not None
    phone = Phone(world.runtime, world.cast.olga.id)
    SigningIn().test_the_password_alone_opens_nothing(world.runtime, phone, world.nobody())


HOLES: Final[dict[str, tuple[Hole, Check]]] = {
    "forms need no token": (no_form_tokens, elsewhere("without a token")),
    "forms may come from anywhere": (no_look_at_the_origin, elsewhere("from another site")),
    "pages need no session": (
        no_sign_in,
        test_matrix.test_nobody_reads_or_changes_anything_behind_the_sign_in,
    ),
    "tries are not counted": (
        no_counting,
        lambda world: AnAccount().test_other_spellings_of_an_address_are_the_same_account(world.app),
    ),
    "the second step is left out": (no_second_step, password_alone),
    "admins may do what owners may": (
        admins_are_owners,
        test_matrix.test_a_plain_admin_may_send_every_form_but_what_only_owners_may,
    ),
    "pages say nothing about whose code may run": (
        no_content_policy,
        lambda world: Headers().test_every_answer_is_strict(world.browser_of(world.cast.olga), "/"),
    ),
    "proofs are kept as they come": (
        proofs_as_they_come,
        lambda _world: test_proofs.test_metadata_is_left_behind(),
    ),
    "links need no signature": (no_signatures, mangled("pay", "its own key")),
    "a signature may be spelled otherwise": (tokens_as_they_come, mangled("pay", "a trailing =")),
    "forms may be of any size": (no_limits, test_matrix.test_too_much_is_turned_away_at_once),
    "words are taken for markup": (
        words_are_markup,
        lambda world: test_input.test_no_page_takes_words_for_markup(world, test_input.PAYLOADS[0]),
    ),
    "a header is written as it comes": (
        headers_as_they_come,
        lambda _world: test_mime.test_no_value_can_add_a_header("\r\n"),
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
    with pytest.raises((AssertionError, ValueError)):  # the latter from the library that a header meets next
        check(world)
