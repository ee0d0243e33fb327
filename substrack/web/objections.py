"""What members wrote because something is off: read it, mend what is wrong, answer or leave it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField

from substrack.domain.errors import Phrase
from substrack.queries.answers import answer_channels
from substrack.queries.objections import Ending, Objection, load_objection
from substrack.services.objections import ObjectionAnswered, answer_objection, dismiss_objection
from substrack.texts.bills import what_for
from substrack.texts.decisions import done_sentence
from substrack.web.access import signed_in
from substrack.web.decisions import back, is_only_kept, kept_words
from substrack.web.forms import PageForm, answer, posted
from substrack.web.pages import my_words, page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("objections", __name__, url_prefix="/objections")


class AnswerForm(PageForm):
    """What an admin answers."""

    text = TextAreaField("Your answer")


@blueprint.get("/<objection>")
@signed_in
def show(objection: str) -> str:
    """Show a note, what it is about, and a place for the answer."""
    return _show(objection, AnswerForm())


@blueprint.post("/<objection>/answer")
@signed_in
def reply(objection: str) -> ResponseReturnValue:
    """Send an answer to who wrote."""
    form = posted(AnswerForm)
    return answer(form, lambda: _reply(objection, form), lambda: _show(objection, form))


@blueprint.post("/<objection>/dismiss")
@signed_in
def dismiss(objection: str) -> ResponseReturnValue:
    """Leave a note without an answer."""
    _find(objection)
    try:
        with runtime().transaction() as session:
            dismiss_objection(session, objection, by=by_me(), now=runtime().now())
    except ObjectionAnswered:
        return _too_late(objection)
    flash(Phrase("Left without an answer; nobody was told."), "done")
    return back("home.show")


def _reply(objection: str, form: AnswerForm) -> ResponseReturnValue:
    name = _find(objection).name
    try:
        with runtime().transaction() as session:
            text, now = form.text.data or "", runtime().now()
            answered = answer_objection(session, objection, text=text, by=by_me(), now=now)
    except ObjectionAnswered:
        return _too_late(objection)
    flash(_answered(name, answered), "done")
    return back("home.show")


def _answered(name: str, correlation_id: str) -> str:
    """Say whether the answer goes out, or where else it is read."""
    reading().rollback()  # the answer is newer than what this request has read
    channels, _ = answer_channels(reading(), [correlation_id]), my_words()
    if is_only_kept(channels):
        return f"{_('Answered.')} {kept_words()}"
    if not channels:
        return _("Answered. %(name)s reads it on their own page.", name=name)
    return _("Answered. %(name)s will read it.", name=name)


def _too_late(objection: str) -> ResponseReturnValue:
    """Lead to the page that says who answered, and what."""
    flash(Phrase("Somebody was faster, or it was written anew; nothing was sent."), "refused")
    return redirect(url_for("objections.show", objection=objection), 303)


def _find(objection: str) -> Objection:
    return load_objection(reading(), me().workspace_id, objection)


def _show(objection: str, form: AnswerForm) -> str:
    row = _find(objection)
    return page(
        "web/objection.html",
        row=row,
        form=form,
        ended=_ended(row.ending) if row.ending else None,
        what_for=what_for,
        came_from=request.form.get("next", ""),
    )


def _ended(ending: Ending) -> str:
    here = ZoneInfo(me().time_zone)
    now = runtime().now().astimezone(here)
    at = ending.at.astimezone(here)
    return done_sentence(ending.verb, ending.kind, ending.by, at, now=now, locale=my_words().locale)
