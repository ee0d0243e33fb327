"""The sample workspace of `demo` as a scene: which of its claims and people are worth a picture."""

from __future__ import annotations

from sqlalchemy import func, select

from substrack.cli.demo import EMAIL
from substrack.domain.actors import Actor
from substrack.domain.payments import ASKABLE, Status
from substrack.store import Attempt, AttemptItem, AttemptState, Contact, Payment, RoleGrant, User
from tests.browser.places import find_places
from tests.browser.scene import Scene
from tests.browser.site import Site
from tests.support.cast import Cast, make_stranger


def furnish(site: Site) -> Scene:
    """Find what there is to see; the newcomer is Zed, in a workspace of his own."""
    olga = select(RoleGrant).join(User).where(User.email_key == EMAIL)
    with site.runtime.reading() as session:
        role = session.scalars(olga).one()
    cast = Cast(site.runtime, role.workspace_id, Actor.user(role.user_id), role.contact_id)
    newcomer = _newcomer(site)
    places = find_places(
        cast,
        _waiting_claim(cast),
        owing=_somebody_owing(cast),
        settled=_somebody_settled(cast),
        now=site.clock(),
    )
    return Scene(site, role.user_id, newcomer, places)


def _newcomer(site: Site) -> int:
    """Find Zed, who is there already when the sample was kept."""
    with site.runtime.reading() as session:
        known = session.scalar(select(User.id).where(User.email_key == "zed@example.net"))
    made = known or make_stranger(site.runtime).olga.id
    assert made is not None
    return made


def _waiting_claim(cast: Cast) -> Attempt:
    """Find a claim to check, in the first group that has one."""
    query = select(Attempt).join(AttemptItem).join(Payment).where(Attempt.state == AttemptState.OPEN)
    first = query.order_by(Payment.group_id, Attempt.id).limit(1)
    return cast.read(lambda session: session.scalars(first).one())


def _somebody_owing(cast: Cast) -> int:
    """Find a person with about two things to pay, in one currency: neither a bare nor an unusual page."""
    query = select(Payment.contact_id).where(Payment.status.in_(ASKABLE), Payment.voided_at.is_(None))
    grouped = query.group_by(Payment.contact_id)
    currencies = func.count(Payment.currency.distinct())
    usual = grouped.order_by(currencies, func.abs(func.count() - 2), Payment.contact_id).limit(1)
    return cast.read(lambda session: session.scalars(usual).one())


def _somebody_settled(cast: Cast) -> int:
    """Find a person whose payments are all closed."""
    open_ones = select(Payment.contact_id).where(Payment.status.in_((*ASKABLE, Status.MEMBER_CONFIRMED)))
    query = select(Contact.id).where(
        Contact.workspace_id == cast.workspace_id,
        Contact.id != cast.olga_contact,
        Contact.id.not_in(open_ones),
    )
    return cast.read(lambda session: session.scalars(query.order_by(Contact.id).limit(1)).one())
