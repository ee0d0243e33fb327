"""What pages about decisions share: where one came from, Undo, and the calm answer to who comes too late."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from substrack.domain.actors import ActorKind
from substrack.domain.notices import Channel
from substrack.queries.answers import answer_channels
from substrack.queries.deciding import LastDecision, name_of
from substrack.services.asking_undo import stop_asking
from substrack.services.bill_undo import take_back_bill
from substrack.services.ledger import DecidedAlready
from substrack.services.undo import TooLateToUndo, undo_decision
from substrack.texts.catalogue import language_of
from substrack.texts.decisions import decided_sentence, done_sentence
from substrack.texts.refusals import in_words as say
from substrack.web.access import local_path, signed_in
from substrack.web.errors import answer_refusal
from substrack.web.pages import mail_is_kept, my_words
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("decisions", __name__, url_prefix="/decisions")


@blueprint.post("/<correlation_id>/undo")
@signed_in
def undo(correlation_id: str) -> ResponseReturnValue:
    """Put one decision or request, and those made in the same press, back as it was."""
    wanted = (correlation_id, *request.form.getlist("also")[:100])
    late = [refused for refused in map(_undo, wanted) if refused]
    undone = len(wanted) - len(late)
    if not late:
        flash("Undone; everything is as it was before.", "done")
    elif undone:
        _ = my_words()
        said = _("Undone: %(undone)s. Not undone: %(left)s.", undone=undone, left=len(late))
        flash(f"{said} {say(late[0], _)}", "refused")
    else:
        flash(say(late[0], my_words()), "refused")
    return back()


@blueprint.app_errorhandler(DecidedAlready)
def answer_too_late(error: DecidedAlready) -> ResponseReturnValue:
    """Say who decided what in the meantime, on the page the press came from."""
    told = in_words(error)
    if not current_user.is_authenticated or "next" not in request.form:
        return answer_refusal(told)
    flash(str(told), "refused")
    return back()


def in_words(error: DecidedAlready) -> DecidedAlready:
    """Give a refusal the sentence "Olga confirmed this at 10:04; nothing was changed."."""
    reading().rollback()  # what came first may be newer than what this request has read
    name = name_of(reading(), error.actor_kind, error.actor_id)
    error.sentence, error.facts = _sentence(error.verb, error.actor_kind, name, error.at), {}
    error.args = (error.sentence,)
    return error


def decided_words(last: LastDecision | None) -> str:
    """Say what was done last, for somebody whose press changed nothing."""
    if last is None:
        return _sentence(None, None, None, None)
    return _sentence(last.verb, last.kind, last.actor, last.at)


def done_words(last: LastDecision) -> str:
    """Say what was done last, for somebody who only looks."""
    zone = ZoneInfo(me().time_zone)
    at, now = last.at.astimezone(zone), runtime().now().astimezone(zone)
    return done_sentence(last.verb, last.kind, last.actor, at, now=now, locale=my_words().locale)


def flash_decision(sentence: str, *correlation_ids: str | None) -> None:
    """Tell on the next page what was decided and whether members will hear, with a button that undoes it."""
    made = [one for one in correlation_ids if one]
    flash(" ".join(filter(None, (sentence, _who_hears(made)))), " ".join(["done", *made]))


def back(endpoint: str = "review.show") -> ResponseReturnValue:
    """Go back to the page that a form says it was on, else to `endpoint`."""
    before = local_path(request.form.get("next", "").rstrip("?"))
    return redirect(before or url_for(endpoint), 303)


def is_only_kept(channels: Collection[Channel]) -> bool:
    """Tell whether what goes by these channels stays under Messages, for want of a mail server."""
    return set(channels) == {Channel.EMAIL} and mail_is_kept()


def kept_words() -> str:
    """Say that an answer is not sent, but kept."""
    return my_words()("No mail server is set, so the answer is kept under Messages.")


def _who_hears(correlation_ids: Sequence[str]) -> str | None:
    reading().rollback()  # the decision is newer than what this request has read
    channels = answer_channels(reading(), correlation_ids)
    _ = my_words()
    if is_only_kept(channels):
        return kept_words()
    if not channels:
        return None
    return _("The member will hear.") if len(correlation_ids) == 1 else _("The members will hear.")


def _undo(correlation_id: str) -> TooLateToUndo | None:
    """Undo one decision; when that can't be done any more, say why and go on to the others."""
    try:
        with runtime().transaction() as session:
            by, now = by_me(), runtime().now()
            is_asking = stop_asking(session, correlation_id, by=by, now=now)
            if not is_asking and not take_back_bill(session, correlation_id, by=by, now=now):
                undo_decision(session, correlation_id, by=by, now=now)
    except TooLateToUndo as refused:
        return refused
    return None


def _sentence(verb: str | None, kind: ActorKind | None, name: str | None, at: datetime | None) -> str:
    """Write the sentence for whoever is signed in; by a link, in English and UTC."""
    zone = ZoneInfo(me().time_zone if current_user.is_authenticated else "UTC")
    language = me().language if current_user.is_authenticated else None
    return decided_sentence(
        verb,
        kind,
        name,
        at.astimezone(zone) if at else None,
        now=runtime().now().astimezone(zone),
        locale=language_of(language),
    )
