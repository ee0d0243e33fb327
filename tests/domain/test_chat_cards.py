"""What a card lists of its payments."""

from datetime import UTC, datetime

from substrack.domain.bills import Item, Person
from substrack.domain.chat_buttons import Subject, SubjectKind
from substrack.domain.chat_cards import ClaimCard, ClaimItem, MemberCard, MemberItem, Standing
from substrack.domain.money import Money
from substrack.domain.payments import Status

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
SUM = Money(299, "EUR")


def item(key: str) -> Item:
    return Item(key, "YouTube", Person("Olga"), None, SUM, SUM, None, "K7W2FH", Status.PENDING)


def test_a_members_card_lists_those_that_stand_alike() -> None:
    is_open, claimed, again = (
        MemberItem(item(key), standing)
        for key, standing in zip("abc", (Standing.OPEN, Standing.CLAIMED, Standing.OPEN), strict=True)
    )
    card = MemberCard(Subject(SubjectKind.CONTACT, "x"), (is_open, claimed, again), NOW)
    assert card.those(Standing.OPEN) == (is_open, again)
    assert card.those(Standing.CLAIMED) == (claimed,)
    assert card.those(Standing.VOID) == ()


def test_a_claims_card_lists_what_waits() -> None:
    waits, decided = ClaimItem(item("a"), 1), ClaimItem(item("b"), 2, waits=False)
    card = ClaimCard("c", "Ben", SUM, (waits, decided), "seen", 0, NOW)
    assert card.waiting == (waits,)
