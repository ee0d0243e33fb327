"""GET and HEAD write nothing: whoever opens whatever page, the database stays as it was."""

from __future__ import annotations

from substrack.web.access import access_of
from tests.security.test_links import PAGES
from tests.security.test_matrix import path_of
from tests.security.world import World

QUERIES = ("", "?page=2&language=de&q=ben&year=2026&before=9&act=confirm")


def reading_paths(world: World) -> list[str]:
    paths = ["/", "/nothing", *(f"/{purpose}/{world.links[purpose]}" for purpose in PAGES)]
    paths += [f"/pay/{world.links['pay']}/link", f"/pay/{world.links['pay']}/", "/pay/replaced"]
    for rule in world.app.url_map.iter_rules():
        access = access_of(world.app, rule.endpoint)
        is_page = access in ("signed_in", "public") and "filename" not in rule.arguments
        if is_page and "GET" in (rule.methods or ()):
            paths.append(path_of(world, rule.endpoint, world.ids)[1])
    return paths


def test_opening_and_peeking_at_every_page_writes_nothing(world: World) -> None:
    who = [world.nobody(), world.browser_of(world.cast.olga), world.browser_of(world.ada)]
    paths = reading_paths(world)
    before = world.rows()
    for browser in who:
        for path in paths:
            for query in QUERIES if browser is who[1] else QUERIES[:1]:
                for method in ("GET", "HEAD"):
                    assert browser.client.open(path + query, method=method).status_code < 500, path + query
    assert world.rows() == before


def test_no_page_that_takes_forms_answers_to_get(world: World) -> None:
    olga = world.browser_of(world.cast.olga)
    before = world.rows()
    for rule in world.app.url_map.iter_rules():
        only_forms = "POST" in (rule.methods or ()) and access_of(world.app, rule.endpoint) == "signed_in"
        if only_forms:
            method, path, _names = path_of(world, rule.endpoint, world.ids)
            assert method == "POST"
            assert olga.client.get(path, query_string={"act": "confirm", "reason": "x"}).status_code < 500
    assert world.rows() == before
