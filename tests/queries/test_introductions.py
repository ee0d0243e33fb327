"""The first letter says who added its reader and how to stop; no later one does."""

import pytest

from substrack.domain.actors import OPERATOR
from substrack.services.members import add_member
from substrack.services.welcoming import tell_them
from tests.support.cast import START, Cast, at

pytestmark = pytest.mark.only_sqlite

FIRST = "This is your first mail from here"


def test_the_first_letter_says_who_added_its_reader_and_the_next_does_not(cast: Cast) -> None:
    group = cast.group()
    ben = cast.join(group, "Ben")
    cast.do(tell_them, group.id, None, by=cast.olga, now=START)
    (welcome,) = cast.messages(contact_id=ben.contact_id)
    assert f"{FIRST}: Olga added you. To have your address removed" in cast.text_of(welcome)

    cast.send(START)
    cast.tick(at("2026-02-10"))
    assert FIRST not in cast.text_of(cast.messages(contact_id=ben.contact_id)[-1], at("2026-02-10"))


def test_who_was_added_on_the_command_line_hears_of_the_workspace(cast: Cast) -> None:
    group = cast.group()
    mia = cast.do(add_member, group.id, name="Mia", email="mia@example.org", by=OPERATOR, now=START)
    cast.do(tell_them, group.id, None, by=cast.olga, now=START)
    (welcome,) = cast.messages(contact_id=mia.contact_id)
    assert f"{FIRST}: whoever runs “Olga's” added you." in cast.text_of(welcome)


def test_an_admin_needs_no_introduction(cast: Cast) -> None:
    group = cast.group(payer_included=False)
    cast.second_admin("Ada")
    ada = cast.join(group, "Ada")
    cast.do(tell_them, group.id, None, by=cast.olga, now=START)
    assert FIRST not in cast.text_of(cast.messages(contact_id=ada.contact_id)[-1])
