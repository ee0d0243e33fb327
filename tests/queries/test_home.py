"""Claims about what home lists and adds up, whatever the sizes."""

from datetime import date

from substrack.queries.home import load_needs
from substrack.queries.home_history import load_history
from substrack.services.members import leave_group
from substrack.services.receipts import record_receipt
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


def test_a_payment_took_until_the_last_of_its_money_came_and_counts_once(cast: Cast) -> None:
    group = cast.group(price="18.00")
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    parts = (ben, "2", "1.00"), (ben, "3", "1.00"), (ben, "27", "4.00"), (mia, "11", "6.00")
    for member, day, amount in parts:
        cast.do(
            record_receipt,
            cast.workspace_id,
            contact_id=member.contact_id,
            payer_id=cast.olga_contact,
            amount=money(amount),
            received_on=date(2026, 2, int(day)),
            by=cast.olga,
            now=at("2026-02-28"),
        )

    history = cast.read(lambda session: load_history(session, cast.workspace_id, today=date(2026, 2, 28)))

    assert history is not None
    # The lower one of 10 days and 26; the parts alone would make it 2.
    assert (history.months[-1].collected, history.months[-1].days) == (money("12.00"), 10)
