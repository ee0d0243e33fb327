"""Who may do what: every page is tried as everybody, with what is theirs and with what is not.

A route that is in no list here fails a test; so does one whose argument nobody has named.
"""

from __future__ import annotations

import re
import time
from typing import Final

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from substrack.domain.actors import Actor
from substrack.web.access import access_of
from tests.security.world import World, as_it_was
from tests.web.support import Browser, form_token

ARGUMENTS: Final = {
    "admins.withdraw": "person",
    "admins": "user",
    "asking.ask_group": "group",
    "asking.preview": "group",
    "asking.set_sentence": "group",
    "asking": "person",
    "attachments": "attachment",
    "chats.on_person": "person",
    "decisions": "decision",
    "group_archive": "group",
    "group_members": "group",
    "group_terms": "group",
    "groups": "group",
    "hurrying": "person",
    "members.ask_join": "group",
    "members.ask_tell": "group",
    "members.join": "group",
    "members.tell": "group",
    "members": "member",
    "messages": "message",
    "money_in": "receipt",
    "objections": "objection",
    "payments": "payment",
    "people": "person",
    "periods": "period",
    "personal": "person",
    "prices": "group",
    "profile": "session",
    "review": "claim",
}
"""What a route's argument names: by endpoint, else by blueprint."""

FIELDS: Final = {
    "act": "unlink",
    "amount": "1.00",
    "answer": "x",
    "email": "zed2@example.net",
    "from_on": "2026-05-01",
    "left_on": "2026-04-01",
    "name": "Zed was here",
    "note": "Zed was here",
    "price": "12.00",
    "reason": "Zed was here",
    "text": "Zed was here",
    "total": "12.00",
    "version": "1",
    "yes": "1",
}
"""Something for every form that asks for words or sums."""

OTHERS: Final = {"act": "confirm", "year": "2026"}
"""Arguments that name no row."""

HELD_TOGETHER: Final = {"decisions.undo"}
"""Answers for a whole press: it says what could not be undone, and leads back."""


def endpoints(app: Flask, access: str) -> list[str]:
    return sorted(
        rule.endpoint for rule in app.url_map.iter_rules() if access_of(app, rule.endpoint) == access
    )


def path_of(world: World, endpoint: str, ids: dict[str, str]) -> tuple[str, str, bool]:
    """Give method and address of a route, and whether it names a row."""
    (rule,) = world.app.url_map.iter_rules(endpoint)
    (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
    values: dict[str, str] = {}
    for name in rule.arguments:
        kind = ARGUMENTS.get(endpoint) or ARGUMENTS.get(endpoint.partition(".")[0])
        if name in OTHERS:
            values[name] = OTHERS[name]
        else:
            assert kind is not None, f"nobody has named what {rule.rule} is about"
            values[name] = ids[kind]
    path = re.sub(r"<(?:[a-z]+(?:\(.*?\))?:)?([a-z_]+)>", lambda found: values[found[1]], rule.rule)
    return method, path, bool(rule.arguments - OTHERS.keys())


def ask(who: Browser, method: str, path: str) -> TestResponse:
    """Open a page or send its form, with a token that belongs to whoever is signed in."""
    if method == "GET":
        return who.get(path)
    token = form_token(who.get("/profile").text)
    return who.client.post(path, data=FIELDS | ({"csrf_token": token} if token else {}))


def test_nobody_reads_or_changes_anything_behind_the_sign_in(world: World) -> None:
    before, nobody = world.rows(), world.nobody()
    for endpoint in endpoints(world.app, "signed_in"):
        method, path, _names = path_of(world, endpoint, world.ids)
        answer = ask(nobody, method, path)
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/sign-in"), path
    assert world.rows() == before


def test_whoever_holds_a_link_of_a_member_is_nobody_elsewhere(world: World) -> None:
    holder = world.nobody()
    assert holder.get(f"/pay/{world.links['pay']}").status_code == 200
    before = world.rows()
    for endpoint in endpoints(world.app, "signed_in"):
        method, path, _names = path_of(world, endpoint, world.ids)
        assert ask(holder, method, path).status_code == 303, path
    assert world.rows() == before


def test_the_owner_of_another_workspace_finds_nothing_of_olgas(world: World) -> None:
    zed = world.browser_of(world.zed.olga)
    before, other = world.rows(), {}
    for endpoint in endpoints(world.app, "signed_in"):
        method, path, names = path_of(world, endpoint, world.ids)
        if names:
            answer = ask(zed, method, path)
            if answer.status_code != (303 if endpoint in HELD_TOGETHER else 404):
                other[endpoint] = answer.status_code
            assert world.rows() == before, path
    assert other == {}


def test_no_page_of_another_workspace_names_anybody_of_olgas(world: World) -> None:
    zed = world.browser_of(world.zed.olga)
    for endpoint in endpoints(world.app, "signed_in"):
        method, path, names = path_of(world, endpoint, world.ids)
        if method == "GET" and not names:
            assert not re.search(r"Olga|Ben\b|Mia|Theo|YouTube Premium</", zed.get(path).text), path


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_admins_open_every_page_of_their_own(world: World, who: str) -> None:
    mine = world.browser_of(world.cast.olga if who == "owner" else world.ada)
    for endpoint in endpoints(world.app, "signed_in"):
        method, path, _names = path_of(world, endpoint, world.ids)
        if method == "GET":
            assert mine.get(path).status_code in (200, 302, 303), path


OWNER_ONLY: Final = {
    "admins.invite",
    "admins.make_admin",
    "admins.make_owner",
    "admins.remove",
    "admins.withdraw",
    "home.release",
}
"""Forms that only an owner may send; every other one is for any admin."""

OWN_ONLY: Final = {"profile.sign_out_elsewhere"}
"""Forms about what is one's own: here it is Olga's browser."""

LACKS_ROLE: Final = b"Only an owner can do that."


def send_and_look(world: World, who: Actor, endpoint: str) -> tuple[TestResponse, bool]:
    """Send a form on a database that is put back; return the answer, and whether anything was written."""
    method, path, _names = path_of(world, endpoint, world.ids)
    with as_it_was(world):
        mine = world.browser_of(who)
        before = world.rows()
        return ask(mine, method, path), world.rows() != before


def test_a_plain_admin_may_send_every_form_but_what_only_owners_may(world: World) -> None:
    ada, refused = world.ada, set()
    for endpoint in endpoints(world.app, "signed_in"):
        if path_of(world, endpoint, world.ids)[0] != "POST":
            continue
        answer, has_written = send_and_look(world, ada, endpoint)
        is_there = answer.status_code not in (403, 404)
        if is_there and LACKS_ROLE not in answer.data:
            continue
        owners, _ = send_and_look(world, world.cast.olga, endpoint)
        if LACKS_ROLE in answer.data or owners.status_code not in (403, 404):
            refused.add(endpoint)
            assert LACKS_ROLE not in owners.data, endpoint
            assert not has_written, endpoint
    assert refused == OWNER_ONLY | OWN_ONLY


def test_every_route_has_somebody_who_may(world: World) -> None:
    rules = world.app.url_map.iter_rules()
    assert [rule.rule for rule in rules if access_of(world.app, rule.endpoint) is None] == []


UNASKED: Final = {
    "without a token": ({}, {}),
    "with a made-up token": ({"csrf_token": "made-up"}, {}),
    "from another site": (None, {"Sec-Fetch-Site": "cross-site"}),
    "from a site beside ours": (None, {"Sec-Fetch-Site": "same-site"}),
    "from another origin": (None, {"Origin": "https://owned.example"}),
    "from nowhere": (None, {"Origin": "null"}),
}
"""What a form brings that no page of ours sent: other fields, or None for a good token; and headers."""


@pytest.mark.parametrize("how", list(UNASKED))
def test_no_form_that_comes_from_elsewhere_changes_anything(world: World, how: str) -> None:
    olga, (sent, headers) = world.browser_of(world.cast.olga), UNASKED[how]
    token = {"csrf_token": form_token(olga.get("/profile").text) or ""} if sent is None else sent
    before = world.rows()
    for endpoint in endpoints(world.app, "signed_in"):
        method, path, _names = path_of(world, endpoint, world.ids)
        if method == "POST":
            answer = olga.client.post(path, data=FIELDS | token, headers=headers)
            assert answer.status_code in (400, 403), f"{path}: {answer.status_code}"
    assert world.rows() == before


LINK_OF: Final = {
    "chats.on_pay": "pay",
    "decide": "decide",
    "entering": "enter",
    "joining.accept": "invite",
    "joining.set_up": "setup",
    "pay": "pay",
    "pay_reach": "pay",
    "recovery.reset": "reset",
    "unsubscribe": "unsubscribe",
}
"""Which link a route by link is opened with: by endpoint, else by blueprint."""


def form_path(world: World, rule: Rule) -> str:
    """Give the address that somebody who may would send a form to."""
    access = access_of(world.app, rule.endpoint)
    if access == "signed_in":
        return path_of(world, rule.endpoint, world.ids)[1]
    if access == "by_link":
        purpose = LINK_OF.get(rule.endpoint) or LINK_OF[rule.endpoint.partition(".")[0]]
        return rule.rule.replace("<token>", world.links[purpose])
    return re.sub("<int.*>", "1", rule.rule)


def test_too_much_is_turned_away_at_once(world: World) -> None:
    olga = world.browser_of(world.cast.olga)
    token = form_token(olga.get("/profile").text) or ""
    flood = b'{"note": "' + b"x" * 11_000_000 + b'"}'
    words = f"csrf_token={token}&note=".encode() + b"x" * 1_000_000
    upload = b'--x\r\nContent-Disposition: form-data; name="proof"; filename="proof.pdf"\r\n\r\n' + flood
    paths = [
        form_path(world, rule) for rule in world.app.url_map.iter_rules() if "POST" in (rule.methods or ())
    ]
    before = world.rows()
    for kind, body in {
        "application/json": flood,
        "application/x-www-form-urlencoded": words,
        "multipart/form-data; boundary=x": upload,
    }.items():
        for path in paths:
            began = time.process_time()
            answer = olga.client.post(path, data=body, content_type=kind)
            assert 400 <= answer.status_code < 500, f"{path}: {kind}"
            assert time.process_time() - began < 1, path
    assert world.rows() == before
