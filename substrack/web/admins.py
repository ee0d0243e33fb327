"""The admins of the workspace: who owns it, inviting and removing. Owners act, and show anew who they are."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, StringField

from substrack.domain.errors import NotFound, Phrase, Refused
from substrack.queries.accounts import UserRow, list_invites, list_users
from substrack.services.accounts import Role
from substrack.services.invitations import invite_admin, withdraw_invite
from substrack.services.presses import find_made
from substrack.services.roles import change_role, remove_admin
from substrack.services.suppression import AddressErased
from substrack.web.access import signed_in
from substrack.web.confirming import ask_password, needs_password
from substrack.web.forms import PageForm, answer, email_field, posted, required
from substrack.web.pages import flash_sent, my_words, page
from substrack.web.presses import this_press
from substrack.web.reading import reading, runtime
from substrack.web.sessions import by_me, me

blueprint = Blueprint("admins", __name__, url_prefix="/admins")


class InvitationForm(PageForm):
    """Who is to help."""

    name = StringField("Name", required("Enter their name.", maximum=100))
    email = email_field()
    wanted_again = BooleanField("Yes, they want to be written to again")

    asks_again = False

    def refuse(self, refused: Refused) -> None:
        self.asks_again = self.asks_again or isinstance(refused, AddressErased)
        super().refuse(refused)


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


@blueprint.post("/invitations/<public_id>/withdraw")
@signed_in
def withdraw(public_id: str) -> ResponseReturnValue:
    """End an invitation that nobody has accepted."""
    with runtime().transaction() as session:
        withdraw_invite(session, me().workspace_id, public_id, by=by_me(), now=runtime().now())
    flash("The invitation works no more.", "done")
    return redirect(url_for("admins.show"), 303)


@blueprint.get("/<public_id>")
@signed_in
def show_one(public_id: str) -> str:
    """Show one admin, and what an owner can do about them."""
    return page("web/admin.html", admin=_find(public_id), may_act=_owns())


@blueprint.post("/<public_id>/owner")
@signed_in
def make_owner(public_id: str) -> ResponseReturnValue:
    """Let an admin own the workspace as well."""
    return _change_role(public_id, Role.OWNER)


@blueprint.post("/<public_id>/admin")
@signed_in
def make_admin(public_id: str) -> ResponseReturnValue:
    """Let an owner be an admin."""
    return _change_role(public_id, Role.ADMIN)


@blueprint.post("/<public_id>/remove")
@signed_in
def remove(public_id: str) -> ResponseReturnValue:
    """Let somebody administer no more."""
    admin = _find(public_id)
    if _owns() and needs_password():
        return ask_password(my_words()("%(who)s is about to lose access.", who=admin.name))
    with runtime().transaction() as session:
        remove_admin(session, me().workspace_id, public_id, by=by_me(), now=runtime().now())
    flash(my_words()("%(who)s administers no more.", who=admin.name), "done")
    return redirect(url_for("admins.show"), 303)


def _invite(form: InvitationForm) -> ResponseReturnValue:
    if _owns() and needs_password():
        return ask_password(my_words()("Whoever you invite will see and decide everything here."))
    press = this_press()
    with runtime().transaction() as session:
        if find_made(session, me().workspace_id, press, by=by_me()) is None:
            invite_admin(
                session,
                me().workspace_id,
                email=form.email.data or "",
                name=form.name.data or "",
                wanted_again=form.wanted_again.data,
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


def _change_role(public_id: str, role: Role) -> ResponseReturnValue:
    admin = _find(public_id)
    if _owns() and needs_password():
        return ask_password(my_words()("You are about to change what %(who)s may do.", who=admin.name))
    with runtime().transaction() as session:
        change_role(session, me().workspace_id, public_id, role=role, by=by_me(), now=runtime().now())
    flash("Saved.", "done")
    return redirect(url_for("admins.show"), 303)


def _owns() -> bool:
    """Tell whether to offer what owners do; whether they may, the services say."""
    return me().role is Role.OWNER


def _find(public_id: str) -> UserRow:
    found = [one for one in list_users(reading(), me().workspace_id) if one.public_id == public_id]
    if not found:
        raise NotFound("There is no such user.")
    return found[0]


def _show(form: InvitationForm) -> str:
    workspace_id, now = me().workspace_id, runtime().now()
    return page(
        "web/admins.html",
        form=form,
        users=list_users(reading(), workspace_id),
        invites=list_invites(reading(), workspace_id, now=now),
        may_act=_owns(),
    )
