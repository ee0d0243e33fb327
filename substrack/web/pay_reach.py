"""How a member is reached, and by which link: what they decide about it on their own page.

The chat has its own module (`web.chats`). A link is replaced by a press only, and the new one goes to the
address on file, so that whoever else holds the old one does not see it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.notices import Channel
from substrack.queries.pay_reach import Reader, load_reader
from substrack.services.addresses import resubscribe, unsubscribe
from substrack.services.fresh_links import replace_own_link
from substrack.services.people import edit_contact
from substrack.services.visits import PayVisit, open_pay
from substrack.texts.catalogue import LANGUAGES
from substrack.texts.reaching import link_comes
from substrack.web.access import by_link
from substrack.web.pages import bare_page, bare_words, reader_language
from substrack.web.reading import reading, runtime

blueprint = Blueprint("pay_reach", __name__)


@blueprint.post("/pay/<token>/reach")
@by_link
def change(token: str) -> ResponseReturnValue:
    """Do what was pressed, then show the page again."""
    act = _ACTS.get(request.form.get("act", ""))
    if act is None:
        abort(400)
    with runtime().transaction() as session:
        act(session, open_pay(session, runtime().signer, token, now=runtime().now()))
    language = None if request.form["act"] == "language" else request.args.get("language")
    return redirect(url_for("pay.show", token=token, language=language, _anchor="reach"), 303)


@blueprint.get("/pay/<token>/link")
@by_link
def ask_about_link(token: str) -> ResponseReturnValue:
    """Ask once more before a link is made dead: what opens mails for others presses every button in reach."""
    contact_id = open_pay(reading(), runtime().signer, token, now=runtime().now()).contact_id
    reader = load_reader(reading(), contact_id)
    return bare_page("web/pay_link.html", language=_language_of(reader), is_sent=bool(reader.answers))


@blueprint.post("/pay/<token>/link")
@by_link
def replace_link(token: str) -> ResponseReturnValue:
    """Make this link dead; lead to the new one only who is reached no other way."""
    now = runtime().now()
    with runtime().transaction() as session:
        contact_id = open_pay(session, runtime().signer, token, now=now).contact_id
        reader = load_reader(session, contact_id)
        link = replace_own_link(session, contact_id, by=Actor.contact(contact_id), now=now)
        url = runtime().signer.url(link) if link else None
    told = url_for("pay_reach.show_replaced", by=sorted(reader.answers), language=_language_of(reader))
    return redirect(url or told, 303)


@blueprint.get("/pay/replaced")
@by_link
def show_replaced() -> ResponseReturnValue:
    """Say where the new link is; knows nobody, for the old one is dead, and may be loaded again."""
    channels = {channel for channel in Channel if channel in request.args.getlist("by")}
    language = request.args.get("language")
    comes = link_comes(channels, bare_words(language).locale)
    return bare_page("web/pay_replaced.html", language=language, comes=comes)


def _language_of(reader: Reader) -> str:
    return request.args.get("language") or reader_language(reader.language, reader.home_language)


def _choose_language(session: Session, visit: PayVisit) -> None:
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        abort(400)
    by = Actor.contact(visit.contact_id)
    edit_contact(session, visit.contact_id, language=language, by=by, now=runtime().now())


def _stop_requests(session: Session, visit: PayVisit) -> None:
    unsubscribe(session, _mailbox(session, visit), by=Actor.contact(visit.contact_id), now=runtime().now())


def _want_requests(session: Session, visit: PayVisit) -> None:
    resubscribe(session, _mailbox(session, visit), by=Actor.contact(visit.contact_id), now=runtime().now())


def _mailbox(session: Session, visit: PayVisit) -> int:
    """Find the mailbox the page speaks of; it may have been taken away since."""
    mailbox_id = load_reader(session, visit.contact_id).mailbox_id
    if mailbox_id is None:
        abort(404)
    return mailbox_id


_ACTS: Final[dict[str, Callable[[Session, PayVisit], None]]] = {
    "language": _choose_language,
    "stop": _stop_requests,
    "start": _want_requests,
}
