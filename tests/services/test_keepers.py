"""Claims about letters on behalf of a payer who does not administer: they name who hears of an answer."""

from __future__ import annotations

from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.domain.notices import Notice
from substrack.services.people import add_contact
from substrack.store import Group, RoleGrant, User
from tests.support.cast import Cast, at

ASKED_AT = at("2026-02-05")


def paid_to_mia(cast: Cast) -> Group:
    mia = cast.do(add_contact, cast.workspace_id, name="Mia", by=cast.olga, now=at("2026-01-10"))
    return cast.group(payer_id=mia.id)


def request_to_ben(cast: Cast, group: Group) -> str:
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    cast.tick(ASKED_AT)
    [request] = cast.messages(contact_id=ben.contact_id, notice=Notice.REQUEST)
    return cast.text_of(request, ASKED_AT)


def test_a_request_says_who_is_paid_and_who_hears_of_it(cast: Cast) -> None:
    text = request_to_ben(cast, paid_to_mia(cast))
    assert "Please send it to Mia when you can." in text
    assert "Say so here and Olga will know:" in text


def test_a_payer_who_administers_hears_of_it_themselves_whoever_came_first(cast: Cast) -> None:
    ada = cast.second_admin()
    group = cast.group(payer_id=contact_of(cast, ada))
    text = request_to_ben(cast, group)
    assert "Say so here and Ada will know:" in text


def test_who_administers_no_more_hears_of_nothing(cast: Cast) -> None:
    ada = cast.second_admin()
    group = cast.group(payer_id=contact_of(cast, ada))
    with cast.runtime.transaction() as session:
        session.get_one(User, ada.id).deactivated_at = at("2026-01-20")
    text = request_to_ben(cast, group)
    assert "Please send it to Ada when you can." in text
    assert "Say so here and Olga will know:" in text


def contact_of(cast: Cast, admin: Actor) -> int:
    query = select(RoleGrant.contact_id).where(RoleGrant.user_id == admin.id)
    return cast.read(lambda session: session.scalars(query).one())
