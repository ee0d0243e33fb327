"""Every page that a browser can open, and under which address of the scene.

A name is the endpoint, with what is special about the visit behind it. A new page that is in neither list
fails a test.
"""

from __future__ import annotations

from typing import Final

from flask import Flask

from substrack.web.access import access_of
from tests.browser.scene import Scene
from tests.browser.windows import Window

VISITS: Final = {
    "admins.show": "/admins",
    "admins.show_one": "/admins/{user}",
    "asking.preview": "/groups/{group}/ask",
    "asking.preview_all": "/ask",
    "asking.preview_person": "/people/{person}/ask",
    "asking.preview_person who owes": "/people/{debtor}/ask",
    "asking.show_message": "/people/{person}/message",
    "asking.show_message to who owes": "/people/{debtor}/message",
    "auth.ask_sign_in": "/sign-in",
    "decide.show": "/decide/{decide}",
    "group_archive.ask": "/groups/{group}/archive",
    "group_terms.ask_edit": "/groups/{group}/edit",
    "group_terms.ask_new": "/groups/new",
    "groups.show": "/groups/{group}",
    "group_members.show": "/groups/{group}/members",
    "groups.show_terms": "/groups/{group}/terms",
    "groups.show_list": "/groups",
    "home.show": "/",
    "home.show to a newcomer": "/",
    "joining.ask_invited": "/invite/{invite}",
    "journal.show": "/journal",
    "journal.show of one group": "/journal?group={group}",
    "members.ask_join": "/groups/{group}/members/new",
    "members.ask_tell": "/groups/{group}/tell",
    "members.show": "/members/{member}",
    "messages.show": "/messages",
    "messages.show_one": "/messages/{message}",
    "money_in.show": "/money-in",
    "money_in.show from one person": "/money-in?account={person}.{payer}.{currency}",
    "objections.show": "/objections/{objection}",
    "pay.show to who owes": "/pay/{owing}",
    "pay.show to who waits": "/pay/{waiting}",
    "pay.show to who has credit": "/pay/{settled}",
    "pay.show a dead link": "/pay/x",
    "pay_reach.ask_about_link": "/pay/{owing}/link",
    "pay_reach.show_replaced": "/pay/replaced?by=email",
    "payments.show": "/payments/{payment}",
    "people.show": "/people/{person}",
    "people.show_list": "/people",
    "people.show_statement": "/people/{person}/statement/2026",
    "personal.show": "/people/{person}/data",
    "periods.show": "/periods/{period}",
    "previews.show": "/messages/preview",
    "prices.show": "/groups/{group}/prices",
    "profile.show": "/profile",
    "recovery.ask": "/reset",
    "recovery.choose": "/reset/{reset}",
    "review.show": "/review",
    "review.show to a newcomer": "/review",
    "review.show_one": "/review/{claim}",
    "second_factor.show": "/profile/second-factor",
    "settings.show": "/settings",
    "settings.show_defaults": "/settings/groups",
    "settings.show_mail": "/settings/mail",
    "telegram.show": "/settings/telegram",
    "unsubscribe.show": "/unsubscribe/{unsubscribe}",
    "nothing there": "/nothing",
}

NO_PAGES: Final = {
    "static": "files",
    "bootstrap.static": "files",
    "attachments.show": "files",
    "messages.show_letter": "framed by a page",
    "previews.show_letter": "framed by a page",
    "auth.ask_code": "only between the two steps of a sign-in",
    "provider.ask": "leads to another site",
    "provider.answer": "leads to another page",
    "entering.ask": "one button, in no mail: its words are tried where it is used",
    "health.live": "for programs",
    "health.ready": "for programs",
    "metrics.show": "for programs",
    "payments.find": "leads to another page",
    "groups.show_journal": "leads to another page",
    "joining.ask_setup": "only where nobody is set up: the journey begins there",
}


def endpoints_to_visit(app: Flask) -> set[str]:
    """List the endpoints that answer to GET with a page."""
    reading = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    return reading - NO_PAGES.keys()


def visited_endpoints() -> set[str]:
    """List the endpoints whose pages are visited."""
    return {name.partition(" ")[0] for name in VISITS if "." in name}


def visitor(scene: Scene, name: str) -> int | None:
    """Tell who opens a page: whoever must be signed in for it, else nobody in particular."""
    if access_of(scene.site.app, name.partition(" ")[0]) != "signed_in":
        return None
    return scene.newcomer if name.endswith("newcomer") else scene.olga


def visit(window: Window, scene: Scene, name: str) -> None:
    """Open a page and make sure that it is the one that was meant."""
    path = VISITS[name].format(**scene.places)
    answer = window.page.goto(f"{scene.site.url}{path}")
    is_refusal = name in ("pay.show a dead link", "nothing there")
    assert answer is not None
    assert answer.status == (404 if is_refusal else 200), f"{path}: {answer.status}"
    assert answer.url == f"{scene.site.url}{path}", f"{path} led to {answer.url}"
