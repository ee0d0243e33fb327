"""Who acts, through which edge, and whether they decide about others."""

import pytest

from substrack.domain.actors import OPERATOR, TIME, Actor, ActorKind, Via, credit_of


def test_an_actor_is_kind_edge_and_key() -> None:
    assert Actor.user(7, Via.TELEGRAM) == Actor(ActorKind.USER, Via.TELEGRAM, 7)
    assert Actor.user(7) == Actor(ActorKind.USER, Via.WEB, 7)
    assert Actor.contact(8, Via.TELEGRAM) == Actor(ActorKind.CONTACT, Via.TELEGRAM, 8)
    assert Actor.contact(8) == Actor(ActorKind.CONTACT, Via.LINK, 8)


def test_credit_acts_in_the_course_of_somebodys_act() -> None:
    assert credit_of(Actor.user(7, Via.TELEGRAM)) == Actor(ActorKind.CREDIT, Via.TELEGRAM, 7)


@pytest.mark.parametrize(
    ("actor", "decides", "seconds"),
    [
        (Actor.user(7), True, 10),
        (Actor.contact(8), False, 10),
        (Actor.user(7, Via.TELEGRAM), True, 10),
        (OPERATOR, True, 0),
        (TIME, False, 0),
        (credit_of(OPERATOR), False, 0),
    ],
)
def test_only_admins_and_the_operator_decide_and_people_may_undo(
    actor: Actor, decides: bool, seconds: int
) -> None:
    assert (actor.decides, actor.undo_seconds) == (decides, seconds)
