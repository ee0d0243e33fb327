"""Claims about what home lists and adds up, whatever the sizes."""

from datetime import date

from substrack.queries.home import load_needs
from substrack.services.members import leave_group
from tests.support.cast import Cast, at, money

NOW = at("2026-03-01")


def test_who_left_owes_all_of_it_however_many_payments_there_are(cast: Cast) -> None:
    group = cast.group(price="8.00", starts_on=date(2023, 3, 1))
    names = ["Ann", "Ben", "Cem", "Dan", "Eve", "Fay", "Gus"]
    members = [cast.join(group, name, joined_on=date(2023, 3, 1)) for name in names]
    cast.tick(NOW)
    for member in members:
        cast.do(leave_group, member.id, left_on=date(2026, 3, 1), by=cast.olga, now=NOW)

    needs = cast.read(lambda session: load_needs(session, cast.workspace_id, today=NOW.date(), now=NOW))

    payments = {member.id: cast.payments(member_id=member.id) for member in members}
    assert sum(map(len, payments.values())) > 200
    assert [(row.name, row.owed, row.oldest) for row in needs.leavers] == [
        (name, money(f"{len(payments[member.id])}.00"), payments[member.id][0].public_id)
        for name, member in zip(names, members, strict=True)
    ]
