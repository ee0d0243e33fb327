"""People's data: all that is known about one person, to hand it to them, or to erase it.

Only under a fresh password: whoever sits down at an open browser shall not walk off with it.
"""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from substrack.channels.mailbox import MailboxChannel
from substrack.domain.errors import Phrase
from substrack.queries.erasing import load_standing
from substrack.queries.people import find_contact, load_contact
from substrack.queries.personal_export import load_personal_data
from substrack.services.accounts import Role
from substrack.services.erasing import erase_contact
from substrack.services.handing_out import note_handed_out
from substrack.services.roles import OwnersOnly, check_whose_account
from substrack.texts.personal import data_archive
from substrack.upkeep.erasures import try_to_keep_erasures
from substrack.web.access import signed_in
from substrack.web.confirming import ask_password, needs_password
from substrack.web.pages import my_words, page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("personal", __name__, url_prefix="/people")


@blueprint.get("/<public_id>/data")
@signed_in
def show(public_id: str) -> str:
    """Say what can be done about what is known of a person."""
    return _show(_key(public_id))


@blueprint.post("/<public_id>/data/export")
@signed_in
def export(public_id: str) -> ResponseReturnValue:
    """Hand out everything known about a person, and the proofs they sent."""
    contact_id, now = _key(public_id), runtime().now()
    if "back" in request.form:
        return redirect(url_for("personal.show", public_id=public_id), 303)
    if needs_password():
        return ask_password(my_words()("You are getting everything that is known about somebody."))
    with runtime().transaction() as session:
        note_handed_out(session, contact_id, by=by_me(), now=now)
    data = load_personal_data(reading(), contact_id)
    response = Response(data_archive(data.as_dict(now), data.files), content_type="application/zip")
    response.headers.set("Content-Disposition", "attachment", filename=f"person-{public_id}.zip")
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/<public_id>/data/erase")
@signed_in
def erase(public_id: str) -> ResponseReturnValue:
    """Erase a person for good, once it was said and ticked what that means."""
    contact_id, now = _key(public_id), runtime().now()
    if "back" in request.form:
        return redirect(url_for("personal.show", public_id=public_id), 303)
    if not request.form.get("sure"):
        flash(Phrase("Tick that you mean it; there is no way back."), "refused")
        return redirect(url_for("personal.show", public_id=public_id), 303)
    if needs_password():
        return ask_password(my_words()("You are erasing somebody for good."))
    anyway = bool(request.form.get("anyway"))
    with runtime().transaction() as session:
        erased = erase_contact(session, contact_id, anyway=anyway, by=by_me(), now=now)
        MailboxChannel(runtime().mail_dir).remove(erased.files)
    reading().rollback()
    runtime().empty_log()
    with runtime().reading() as session:
        is_noted = try_to_keep_erasures(session, runtime().settings)
    flash(Phrase("Erased. The books stay as they were."), "done")
    if not is_noted:
        flash(
            Phrase("It could not be noted beside the backups: after a restore, erase this person again."),
            "refused",
        )
    return redirect(url_for("people.show_list"), 303)


def _show(contact_id: int) -> str:
    standing = load_standing(reading(), contact_id)
    return page(
        "web/personal.html",
        contact=load_contact(reading(), contact_id),
        standing=standing,
        may_hand_out=_may_hand_out(contact_id),
        may_erase=me().role is Role.OWNER or not standing.is_admin,
    )


def _may_hand_out(contact_id: int) -> bool:
    try:
        check_whose_account(reading(), contact_id, by=by_me())
    except OwnersOnly:
        return False
    return True


def _key(public_id: str) -> int:
    return find_contact(reading(), me().workspace_id, public_id)
