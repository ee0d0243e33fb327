"""Claims about the journal: everything that happened, in words, and only what is looked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

import substrack
from substrack.bootstrap import Runtime
from substrack.domain.journal_kinds import ACTS
from substrack.domain.payments import Act
from substrack.queries.journal import LINES_A_PAGE
from substrack.services.payments import adjust_payment, confirm_payment, unwaive_payment, waive_payment
from substrack.services.receipts import record_receipt, void_receipt
from substrack.store import Member
from substrack.texts.journal_words import Line, event_sentence
from tests.support.cast import Cast, money
from tests.web.admin import group_of, stranger
from tests.web.forms import counted
from tests.web.scenes import claim, join_again
from tests.web.support import NOW, Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


def shown(olga: Browser, **wanted: str) -> str:
    """Open the journal and keep its lines, without the form above them."""
    page: str = olga.client.get("/journal", query_string=wanted).text
    return page.partition('class="filters-go"')[2]


class TestFilters:
    def test_one_group(self, olga: Browser, cast: Cast, members: dict[str, Member]) -> None:
        phone = cast.group("Phone", "10.00")
        join_again(cast, phone, "Zoe")

        lines = shown(olga, group=phone.public_id)

        assert "Zoe owes" in lines
        assert "Ben" not in lines
        assert "Ben owes" in shown(olga)

    def test_one_person_whatever_it_is_about(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        cast.do(confirm_payment, cast.payment_of(members["Ben"]).id, by=cast.olga, now=NOW)

        lines = shown(olga, person="ben")

        for told in ("Ben owes", "Ben paid", "arrived from Ben", "Ben joined", "Ben was added"):
            assert told in lines
        assert "Mia" not in lines

    def test_one_kind_of_act(self, olga: Browser, cast: Cast, members: dict[str, Member]) -> None:
        claim(cast, members["Ben"])
        cast.do(waive_payment, cast.payment_of(members["Mia"]).id, reason="Away", by=cast.olga, now=NOW)

        assert "Ben said" in shown(olga, kind="said")
        assert "Mia need not pay" not in shown(olga, kind="said")
        assert "Mia need not pay" in shown(olga, kind="decided")
        assert "“Away”" in shown(olga, kind="decided")

    def test_who_did_it(self, olga: Browser, cast: Cast, members: dict[str, Member]) -> None:
        claim(cast, members["Ben"])
        ada = cast.second_admin()
        cast.do(waive_payment, cast.payment_of(members["Mia"]).id, reason="Away", by=ada, now=NOW)
        page = olga.get("/journal").text
        ada_id = re.search(r'value="([a-z0-9]{12})">Ada<', page)
        assert ada_id is not None

        assert "Mia need not pay" in shown(olga, by=ada_id[1])
        assert "was set up" not in shown(olga, by=ada_id[1])
        assert "Ben said" in shown(olga, by="contact")
        assert "Mia need not pay" not in shown(olga, by="contact")
        assert "Ben owes" in shown(olga, by="time")

    def test_what_is_looked_for_stays_in_the_form_and_on_the_next_page(
        self, olga: Browser, cast: Cast, members: dict[str, Member]
    ) -> None:
        group, payment = group_of(cast, "YouTube Premium"), cast.payment_of(members["Ben"])
        for _time in range(LINES_A_PAGE // 2):
            cast.do(waive_payment, payment.id, reason="x", by=cast.olga, now=NOW)
            cast.do(unwaive_payment, payment.id, by=cast.olga, now=NOW)

        page = olga.get(f"/journal?group={group.public_id}&person=ben&kind=").text

        assert f'value="{group.public_id}" selected' in page
        assert 'value="ben"' in page
        older = page.partition('href="/journal?before=')[2].partition('"')[0]
        assert f"group={group.public_id}" in older
        assert "person=ben" in older

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("odd", ["kind=x", "by=x", "group=x", "before=x", "person=%25"])
    def test_odd_filters_are_answered_calmly(self, olga: Browser, odd: str) -> None:
        assert olga.get(f"/journal?{odd}").status_code == 200


def test_a_long_list_from_one_act_stands_under_what_began_it(
    olga: Browser, cast: Cast, members: dict[str, Member]
) -> None:
    lines = shown(olga, group=group_of(cast, "YouTube Premium").public_id)

    act = lines[lines.index("March 2026 was opened") :].partition("</details>")[0]
    assert "and 3 lines more" in act
    assert "Mia owes 2.99\xa0€ for March 2026." in act


def test_money_that_is_taken_back_is_no_correction(
    olga: Browser, cast: Cast, members: dict[str, Member]
) -> None:
    pay = {"contact_id": members["Ben"].contact_id, "payer_id": cast.olga_contact, "amount": money("2.00")}
    receipt = cast.do(record_receipt, cast.workspace_id, **pay, by=cast.olga, now=NOW)
    cast.do(void_receipt, receipt.id, reason="Was for pizza", by=cast.olga, now=NOW)
    told = shown(olga)

    assert "2.00\xa0€ was taken off Ben’s payment for February 2026." in told
    assert "owes 2.99\xa0€ for February 2026 now" not in told


def test_a_correction_tells_the_payers_own_share_once_and_as_no_debt(
    olga: Browser, cast: Cast, members: dict[str, Member]
) -> None:
    owed = cast.payment_of(members["Ben"])
    cast.do(adjust_payment, owed.id, amount=money("2.00"), reason="Half", by=cast.olga, now=NOW)

    told = re.findall(r"[^>]*share of February 2026[^<]*now[^<]*", shown(olga))
    assert [line.strip() for line in told] == ["The payer’s share of February 2026 is now 3.98\xa0€. “Half”"]
    olgas = "Olga’s share of February 2026 is 3.98\xa0€ now; nothing is to be paid."
    assert olgas in shown(olga, person="olga")
    assert "Ben owes 2.00\xa0€ for February 2026 now." in shown(olga)


def test_it_takes_the_same_statements_however_much_happened(
    runtime: Runtime, olga: Browser, cast: Cast, members: dict[str, Member]
) -> None:
    with counted(runtime) as few:
        olga.get("/journal")
    for name in ("Zoe", "Tom", "Kim"):
        join_again(cast, cast.group(f"For {name}", "10.00"), name)
    with counted(runtime) as many:
        page = olga.get("/journal").text

    assert len(few) == len(many) <= 8
    assert len(page.encode()) < 120_000


def test_another_workspaces_journal_is_not_shown(
    app: Flask, runtime: Runtime, cast: Cast, members: dict[str, Member]
) -> None:
    zed = stranger(app, runtime)
    group = group_of(cast, "YouTube Premium").public_id

    for path in ("/journal", f"/journal?group={group}", "/journal?person=ben"):
        lines = zed.get(path).text
        assert "Ben" not in lines
        assert "YouTube" not in lines


@pytest.mark.only_sqlite
def test_every_verb_that_services_write_has_words() -> None:
    wordless = []
    for kind, verb in _verbs_in_services():
        line = Line(verb, kind, "Ben", None, "EUR", {}, {})
        if event_sentence(line, "en").startswith(f"{kind}: "):
            wordless.append((kind, verb))

    assert not wordless


@pytest.mark.only_sqlite
def test_every_act_can_be_looked_for_under_one_kind() -> None:
    found = _verbs_in_services() | {("payment", act.value) for act in Act}

    for subject, verb in found:
        kinds = [
            kind
            for kind, subjects in ACTS.items()
            if subject in subjects and (not subjects[subject] or verb in subjects[subject])
        ]
        assert len(kinds) == 1, (subject, verb)


def _verbs_in_services() -> set[tuple[str, str]]:
    """Read the verbs that are written as text, in the calls that name their kind of subject."""
    found = set()
    for path in Path(substrack.__file__).parent.joinpath("services").glob("*.py"):
        text = path.read_text()
        for kind, verb in re.findall(r'\brecord_(group|payment|contact)\(\s*session,\s*"([a-z_]+)"', text):
            found.add((kind, verb))
    return found
