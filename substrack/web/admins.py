"""The admins of the workspace, and inviting another."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField

from substrack.domain.errors import Phrase
from substrack.queries.accounts import list_invites, list_users
from substrack.services.invitations import invite_admin
from substrack.services.presses import find_made
from substrack.web.access import signed_in
from substrack.web.forms import PageForm, answer, email_field, posted, required
from substrack.web.pages import flash_sent, page
from substrack.web.presses import this_press
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("admins", __name__, url_prefix="/admins")


class InvitationForm(PageForm):
    """Who is to help."""

    name = StringField("Name", required("Enter their name.", maximum=100))
    email = email_field()


@blueprint.get("")
@signed_in
def show() -> str:
    """List who administers the workspace and who is invited to."""
    return _show(InvitationForm())


@blueprint.post("")
@signed_in
def invite() -> ResponseReturnValue:
    """Mail an invitation."""
    form = posted(InvitationForm)
    return answer(form, lambda: _invite(form), lambda: _show(form))


def _invite(form: InvitationForm) -> ResponseReturnValue:
    press = this_press()
    with runtime().transaction() as session:
        if find_made(session, me().workspace_id, press, by=by_me()) is None:
            invite_admin(
                session,
                me().workspace_id,
                email=form.email.data or "",
                name=form.name.data or "",
                by=by_me(),
                now=runtime().now(),
                press=press,
            )
    flash_sent(
        Phrase("An invitation is on its way to %(address)s."),
        Phrase("The invitation to %(address)s is kept under Messages, not sent: no mail server is set."),
        address=form.email.data,
    )
    return redirect(url_for("admins.show"), 303)


def _show(form: InvitationForm) -> str:
    workspace_id, now = me().workspace_id, runtime().now()
    return page(
        "web/admins.html",
        form=form,
        users=list_users(reading(), workspace_id),
        invites=list_invites(reading(), workspace_id, now=now),
    )
