"""The monthly audit: periods, payments and money against the oracle and the journey's own book."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tests.journeys.book import Book
from tests.journeys.house import House
from tests.journeys.oracle import Plan, periods

Row = dict[str, Any]


def audit(house: House, book: Book, plans: list[Plan], groups: dict[str, str]) -> None:
    """Compare periods, payments and money with what has to be."""
    rows = house.do("payment", "list")
    for plan in plans:
        shared = [row for row in rows if row["group_name"] == plan.name]
        found = house.do("period", "list", "--group", groups[plan.name])
        _audit_periods(plan, found, shared, until=house.today)
    dues = [row for row in rows if row["kind"] == "dues"]
    _audit_payments(book, dues)
    _audit_money(book, dues, house.do("receipt", "list"))


def _audit_periods(plan: Plan, found: list[Row], payments: list[Row], *, until: date) -> None:
    shares: dict[str, dict[str, Decimal]] = {row["starts_on"]: {} for row in found}
    for row in payments:
        shares[row["period"]["starts_on"]][row["member"]] = Decimal(row["amount"])
    have = sorted(
        (row["starts_on"], row["ends_on"], row["sequence"], row["total"], shares[row["starts_on"]])
        for row in found
    )
    want = [
        (one.starts_on.isoformat(), one.ends_on.isoformat(), _typed(one.total), one.shares)
        for one in periods(plan, until=until)
    ]
    assert [(start, end, total, parts) for start, end, _number, total, parts in have] == want, plan.name
    numbers = [number for _start, _end, number, _total, _parts in have]
    assert numbers == sorted(set(numbers))


def _typed(total: Decimal | None) -> str | None:
    return None if total is None else str(total)


def _audit_payments(book: Book, dues: list[Row]) -> None:
    statuses = {
        "open": {"pending", "overdue"},
        "claimed": {"member_confirmed"},
        "done": {"confirmed"},
        "waived": {"waived"},
    }
    assert {row["reference"] for row in dues} == set(book.dues)
    for row in dues:
        due = book.dues[row["reference"]]
        assert row["status"] in statuses[due.state], (row, due)
        assert due.state == "waived" or Decimal(row["left"]) == due.left, (row, due)


def _audit_money(book: Book, dues: list[Row], receipts: list[Row]) -> None:
    """Check that every unit that came lies on a payment or is credit, and that nothing else does."""
    settled: dict[str, Decimal] = {row["id"]: Decimal(0) for row in dues}
    came: dict[tuple[str, str], Decimal] = {}
    credit: dict[tuple[str, str], Decimal] = {}
    for receipt in receipts:
        parts = {one["payment"]: Decimal(one["amount"]) for one in receipt["settles"]}
        assert sum(parts.values(), Decimal(receipt["credit"])) == Decimal(receipt["amount"])
        for key, amount in parts.items():
            settled[key] += amount
        who = receipt["contact"], receipt["currency"]
        came[who] = came.get(who, Decimal(0)) + Decimal(receipt["amount"])
        credit[who] = credit.get(who, Decimal(0)) + Decimal(receipt["credit"])
    assert settled == {row["id"]: Decimal(row["received"]) for row in dues}
    assert came == {who: sum_ for who, sum_ in book.cash.items() if sum_}
    assert {who: sum_ for who, sum_ in credit.items() if sum_} == {
        who: sum_ for who, sum_ in book.credit.items() if sum_
    }
