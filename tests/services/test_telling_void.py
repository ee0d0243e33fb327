"""Claims about the letters that tell of a void: how many statements they take, and what they say of money."""

from substrack.services.ledger import Decision
from substrack.services.telling_void import TakenOff, tell_void
from tests.support.cast import Cast, at
from tests.support.statements import statements

VOIDED_AT = at("2026-02-06")


def test_letters_about_a_void_take_as_many_statements_for_many_as_for_few(cast: Cast) -> None:
    group = cast.group()
    for name in "abcdefghi":
        cast.join(group, name)
    cast.tick(at("2026-02-01"))
    payments = cast.payments(kind="dues")
    few, many = ([TakenOff(payment, False, 100) for payment in some] for some in (payments[:2], payments[2:]))

    def count(taken: list[TakenOff]) -> int:
        with cast.runtime.transaction() as session, statements(cast.runtime) as seen:
            tell_void(session, cast.workspace_id, taken, Decision(cast.olga, VOIDED_AT, "a free month"))
        return len(seen)

    assert count(few) == count(many)
    assert len(cast.messages(notice="waived")) == len(payments)
