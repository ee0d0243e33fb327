"""The billing loop by hand: what each command prints and leaves behind; on both databases."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from substrack.services.installation import hold_sending
from tests.cli.conftest import House

LATER = "2026-03-05T12:00:00Z"


@pytest.fixture
def opened(house: House) -> House:
    """Two periods of 17.99 between olga, ben and mia."""
    group = house.group()
    house.join(group, "Ben")
    house.join(group, "Mia")
    assert house.do("tick", now=LATER)["periods_opened"] == 2
    return house


def test_the_first_user_founds_the_workspace_and_later_ones_join_it(house: House) -> None:
    second = house.do("user", "add", "--email", "eve@example.org", "--name", "Eve", "--role", "admin")
    assert second["role"] == "admin"
    assert [one["name"] for one in house.do("contact", "list")] == ["Eve", "Olga"]


def test_periods_and_payments_read_as_promised(opened: House) -> None:
    first = opened.do("period", "list")[0]
    promised = {
        "sequence": 1,
        "starts_on": "2026-01-31",
        "ends_on": "2026-02-27",
        "due_on": "2026-01-31",
        "total": "17.99",
        "currency": "EUR",
    }
    assert promised.items() <= first.items()
    own, ben = opened.payment("Olga"), opened.payment("Ben")
    assert (own["kind"], own["amount"], own["received"], own["status"]) == (
        "own",
        "5.99",
        "5.99",
        "confirmed",
    )
    assert (ben["amount"], ben["received"], ben["currency"], ben["status"]) == (
        "6.00",
        "0.00",
        "EUR",
        "pending",
    )
    assert ben["period"] == {
        "id": first["id"],
        "sequence": 1,
        "starts_on": "2026-01-31",
        "ends_on": "2026-02-27",
    }
    assert ben["group"] == first["group"]
    assert len(ben["reference"]) == 6


@pytest.mark.parametrize(
    ("starts_on", "said"),
    [("2025-11-05", "3 periods have begun already"), ("2026-01-20", ""), ("2026-02-05", "")],
)
def test_who_sets_up_a_group_hears_how_much_is_owed_at_once(house: House, starts_on: str, said: str) -> None:
    added = house.run(
        "group", "add", "--name", "VPN", "--price", "3", "--currency", "EUR", "--starts-on", starts_on
    )

    assert (said in added.stderr, bool(added.stderr)) == (True, bool(said))


def test_payments_are_listed_by_group_and_status(opened: House) -> None:
    group = opened.do("group", "list")[0]["id"]
    other = opened.do(
        "group", "add", "--name", "VPN", "--price", "3", "--currency", "USD", "--starts-on", "2026-04-01"
    )
    assert len(opened.do("payment", "list", "--group", group, "--status", "pending")) == 4
    assert opened.do("payment", "list", "--group", other["id"]) == []


def test_a_claim_is_made_withdrawn_rejected_and_confirmed(opened: House) -> None:
    key = opened.payment("Ben")["id"]
    steps: list[tuple[tuple[str, ...], str]] = [
        (("claim", key, "--note", "by bank"), "member_confirmed"),
        (("withdraw", key), "pending"),
        (("claim", key), "member_confirmed"),
        (("reject", key, "--reason", "nothing came"), "pending"),
        (("confirm", key, "--amount", "2.00"), "pending"),
        (("confirm", key), "confirmed"),
        (("reopen", key, "--because", "something-else"), "pending"),
        (("waive", key, "--reason", "birthday"), "waived"),
        (("unwaive", key), "pending"),
        (("adjust", key, "--amount", "4,50", "--reason", "agreed"), "pending"),
    ]
    assert [opened.do("payment", *act, now=LATER)["status"] for act, _ in steps] == [
        status for _, status in steps
    ]
    assert opened.payment("Ben")["amount"] == "4.50"


def test_what_came_beyond_a_payment_is_told_to_be_credit(opened: House) -> None:
    key = opened.payment("Ben")["id"]
    rehearsed = opened.run("payment", "confirm", key, "--amount", "20", "--dry-run", now=LATER).stdout
    booked = opened.run("payment", "confirm", key, "--amount", "20", now=LATER).stdout

    assert rehearsed == booked
    assert "14.00 EUR more came than was left: it was booked too, as credit." in booked
    assert "Other payments that credit settled, in full or in part: 1." in booked


class TestManyTimesWhatIsLeft:
    """Ben owes 6.00; 60.01 is more than ten times as much."""

    @pytest.mark.parametrize(("answer", "received"), [("n", "0.00"), ("y", "6.00")])
    def test_on_a_terminal_it_is_a_question(
        self, opened: House, monkeypatch: pytest.MonkeyPatch, answer: str, received: str
    ) -> None:
        monkeypatch.setattr("substrack.cli.payments.is_asked", lambda: True)
        act = ("payment", "confirm", opened.payment("Ben")["id"], "--amount", "60.01")

        said = opened.run(*act, now=LATER, stdin=f"{answer}\n")

        assert "60.01 EUR came, where 6.00 EUR is left?" in said.stderr
        assert opened.payment("Ben")["received"] == received

    @pytest.mark.parametrize("more", [("60.00",), ("60.01", "--yes"), ("60.01", "--json")], ids=str)
    def test_other_sums_and_who_wants_no_question_get_none(
        self, opened: House, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
    ) -> None:
        monkeypatch.setattr("substrack.cli.payments.is_asked", lambda: True)

        said = opened.run("payment", "confirm", opened.payment("Ben")["id"], "--amount", *more, now=LATER)

        assert (said.exit_code, said.stderr) == (0, "")
        assert opened.payment("Ben")["received"] == "6.00"

    def test_without_a_terminal_it_is_booked(self, opened: House) -> None:
        opened.run("payment", "confirm", opened.payment("Ben")["id"], "--amount", "60.01", now=LATER)

        assert opened.payment("Ben")["received"] == "6.00"


def test_a_payment_that_was_confirmed_already_is_said_to_be(opened: House) -> None:
    key = opened.payment("Ben")["id"]
    first, second = (opened.run("payment", "confirm", key, now=LATER) for _time in range(2))

    assert "already" not in first.stdout
    assert second.exit_code == 0
    assert f"{key} was confirmed already; nothing was booked." in second.stdout


def test_a_second_press_of_the_same_decision_ends_with_zero(opened: House) -> None:
    key = opened.payment("Ben")["id"]
    opened.do("payment", "claim", key, now=LATER)
    steps = [
        ("reject", key, "--reason", "no"),
        ("confirm", key),
        ("reopen", key, "--because", "never-came"),
        ("waive", key, "--reason", "birthday"),
        ("unwaive", key),
    ]
    for step in steps:
        first, second = (opened.do("payment", *step, now=LATER) for _press in range(2))
        assert first == second
    assert "The last act was “unwaive”" in opened.refused(
        "payment", "reject", key, "--reason", "no", now=LATER
    )


def test_several_payments_are_confirmed_at_once_or_not_at_all(opened: House) -> None:
    keys = [opened.payment("Ben")["id"], opened.payment("Mia")["id"]]
    opened.refused("payment", "confirm", keys[0], "nosuchpaymnt", now=LATER)
    assert opened.payment("Ben")["status"] == "pending"
    confirmed = opened.do("payment", "confirm", *keys, now=LATER)
    assert [one["status"] for one in confirmed] == ["confirmed", "confirmed"]


def test_one_sum_is_not_booked_for_several_payments(opened: House) -> None:
    keys = [opened.payment(name)["id"] for name in ("Ben", "Mia")]
    sentence = opened.refused("payment", "confirm", *keys, "--amount", "6", now=LATER)
    assert sentence.startswith("--amount: One sum can't be meant for each of several payments.")
    assert "receipt add" in sentence
    claimed = opened.refused("payment", "claim", *keys, "--amount", "6", now=LATER)
    assert "several people" in claimed
    assert {opened.payment(name)["status"] for name in ("Ben", "Mia")} == {"pending"}
    assert opened.do("receipt", "list") == []


def test_a_payment_named_twice_is_settled_once(opened: House) -> None:
    ben = opened.payment("Ben")
    done = opened.do("payment", "confirm", ben["id"], ben["id"], "--amount", "2", now=LATER)
    assert (done["received"], done["status"]) == ("2.00", "pending")


def test_a_dry_run_leaves_nothing_behind(opened: House) -> None:
    key = opened.payment("Ben")["id"]
    assert opened.do("payment", "confirm", key, "--dry-run", now=LATER)["status"] == "confirmed"
    assert opened.payment("Ben")["status"] == "pending"
    assert opened.do("tick", "--dry-run", now="2026-05-01T12:00:00Z")["periods_opened"] == 2
    assert len(opened.do("period", "list")) == 2


def test_money_that_came_settles_the_oldest_first_and_leaves_credit(opened: House) -> None:
    ben = opened.payment("Ben")
    receipt = opened.do("receipt", "add", "--contact", ben["contact"], "--amount", "13,00", now=LATER)
    assert (receipt["amount"], receipt["credit"]) == ("13.00", "1.00")
    assert [part["amount"] for part in receipt["settles"]] == ["6.00", "6.00"]
    opened.do("receipt", "void", receipt["id"], "--reason", "bounced", now=LATER)
    assert opened.payment("Ben")["status"] == "pending"
    assert opened.do("receipt", "list") == []
    assert opened.do("receipt", "list", "--all")[0]["void_reason"] == "bounced"


def test_a_variable_period_waits_for_its_bill(house: House) -> None:
    group = house.do(
        *("group", "add", "--name", "Electricity", "--currency", "EUR", "--split", "variable"),
        *("--starts-on", "2026-02-01"),
    )["id"]
    house.join(group, "Ben")
    house.do("tick", now=LATER)
    first = house.do("period", "list", "--group", group)[0]
    assert first["total"] is None
    assert house.do("payment", "list") == []
    edited = house.do("period", "edit", first["id"], "--total", "31.20", "--reason", "the bill", now=LATER)
    assert edited["total"] == "31.20"
    assert house.payment("Ben")["amount"] == "15.60"


def test_the_next_periods_can_be_opened_by_hand(opened: House) -> None:
    group = opened.do("group", "list")[0]["id"]
    made = opened.do("period", "open", "--group", group, "--count", "2", now=LATER)
    assert [one["starts_on"] for one in made] == ["2026-03-31", "2026-04-30"]


def test_a_voided_period_is_gone_and_comes_back(opened: House) -> None:
    key = opened.do("period", "list")[1]["id"]
    voided = opened.do("period", "void", key, "--reason", "free month", now=LATER)
    assert (voided["opens_again"], voided["opens_again_on"]) == (False, None)
    assert len(opened.do("period", "list")) == 1
    assert len(opened.do("payment", "list")) == 3
    opened.do("period", "restore", key, now=LATER)
    assert len(opened.do("payment", "list")) == 6


def test_messages_are_listed_shown_cancelled_and_delivered(opened: House) -> None:
    opened.do("payment", "claim", opened.payment("Ben")["id"], now=LATER)
    opened.do("payment", "confirm", opened.payment("Mia")["id"], now=LATER)
    claim, received = sorted(opened.do("message", "list"), key=lambda one: str(one["notice"]))
    assert (claim["notice"], claim["to"]) == ("claim_received", "Olga")
    opened.do("message", "cancel", claim["id"], now=LATER)
    assert opened.do("deliver", "--dry-run", now=LATER)["queued"] == 1
    done = opened.do("deliver", now=LATER)
    assert (done["sent"], done["kept"]) == (1, 1)
    shown = opened.do("message", "show", received["id"])
    assert shown["state"] == "sent"
    assert "6.00" in shown["text"]


def test_a_rehearsed_delivery_reports_as_a_real_one_does_and_tells_of_a_hold(opened: House) -> None:
    opened.do("payment", "confirm", opened.payment("Mia")["id"], now=LATER)
    _hold(opened, "moving house")
    rehearsed, done = (opened.do("deliver", *flags, now=LATER) for flags in (("--dry-run",), ()))

    assert rehearsed == done
    assert (done["queued"], done["held"]) == (1, "moving house")
    assert "moving house" in opened.run("deliver", "--dry-run", now=LATER).stdout

    opened.do("hold", "release")
    rehearsed, done = (opened.do("deliver", *flags, now=LATER) for flags in (("--dry-run",), ()))
    assert rehearsed.keys() == done.keys()
    assert rehearsed["held"] is done["held"] is None


def _hold(house: House, reason: str) -> None:
    engine = create_engine(house.env["SUBSTRACK_DATABASE_URL"])
    with Session(engine) as session, session.begin():
        hold_sending(session, reason, now=datetime(2026, 3, 5, tzinfo=UTC))
    engine.dispose()


def test_people_are_not_told_that_kept_mail_was_sent(opened: House) -> None:
    opened.do("payment", "confirm", opened.payment("Mia")["id"], now=LATER)

    lines = opened.run("deliver", now=LATER).stdout.splitlines()

    assert [line.split() for line in lines[:2]] == [["sent", "0"], ["kept", "1"]]


def test_a_rehearsed_tick_deletes_no_kept_mail(opened: House) -> None:
    opened.do("payment", "confirm", opened.payment("Mia")["id"], now=LATER)
    opened.do("deliver", now=LATER)
    kept = Path(opened.env["SUBSTRACK_DATA_DIR"]) / "mail"
    before = sorted(kept.iterdir())

    assert opened.do("tick", "--dry-run", now="2027-06-01T12:00:00Z")["rows_purged"]

    assert sorted(kept.iterdir()) == before != []
    opened.do("tick", now="2027-06-01T12:00:00Z")
    assert sorted(kept.iterdir()) == []


def test_a_group_is_edited_paused_resumed_ended_and_put_away(house: House) -> None:
    group = house.group()
    house.join(group, "Ben")
    edited = house.do("group", "edit", group, "--grace-days", "5", "--pay-link", "https://paypal.me/olga")
    assert (edited["grace_days"], edited["name"]) == (5, "YouTube Premium")
    assert edited["pay_methods"] == [{"kind": "link", "url": "https://paypal.me/olga"}]
    assert (
        house.do("price", "set", "--group", group, "--price", "20", "--from", "2026-02-28")["price"]
        == "20.00"
    )
    acts: list[tuple[tuple[str, ...], str]] = [
        (("pause", group), "paused"),
        (("resume", group), "active"),
        (("end", group, "--on", "2026-01-31"), "active"),
        (("archive", group), "archived"),
        (("restore", group), "active"),
    ]
    assert [house.do("group", *act)["state"] for act, _ in acts] == [state for _, state in acts]


def test_a_known_address_is_the_same_contact(house: House) -> None:
    first, second = house.group(), house.group()
    house.join(first, "Ben")
    again = house.do("member", "add", "--group", second, "--name", "Benny", "--email", "BEN@example.org")
    assert again["name"] == "Ben"
    assert len(house.do("contact", "list")) == 2


@pytest.fixture
def ben_is_known(house: House) -> tuple[str, str]:
    """Let Ben join a group; give another group, and his id."""
    first, second = house.group(), house.group()
    house.join(first, "Ben")
    return second, next(one["id"] for one in house.do("contact", "list") if one["name"] == "Ben")


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_without_a_terminal_somebody_of_a_known_name_is_added_and_told_of(
    house: House, ben_is_known: tuple[str, str], flags: tuple[str, ...]
) -> None:
    group, known = ben_is_known

    added = house.run("member", "add", "--group", group, "--name", "ben", *flags)

    assert added.exit_code == 0
    member = next(one for one in house.do("member", "list", "--group", group) if one["name"] == "ben")
    assert f"Ben is known already ({known})" in added.stderr
    for way in (f"member leave {member['id']}", f"member add --group {group} --contact {known}"):
        assert way in added.stderr
        house.do(*way.split())
    named = [one["contact"] for one in house.do("member", "list", "--group", group)]
    assert known in named
    assert member["contact"] not in named


def test_on_a_terminal_a_known_name_without_address_is_a_question(
    house: House, ben_is_known: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    group, known = ben_is_known
    monkeypatch.setattr("substrack.cli.members.is_asked", lambda: True)

    refused = house.refused("member", "add", "--group", group, "--name", "ben")

    assert f"Ben is known already: give --contact {known}, or --another" in refused
    assert house.run("member", "add", "--group", group, "--name", "ben", "--another").stderr == ""
    assert house.do("member", "add", "--group", group, "--name", "Ben")["name"] == "Ben"
    assert [one["name"] for one in house.do("contact", "list")].count("ben") == 1


def test_on_a_terminal_an_address_for_a_known_name_without_one_is_a_question(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = house.group(), house.group()
    house.do("member", "add", "--group", first, "--name", "Ben")
    known = next(one["id"] for one in house.do("contact", "list") if one["name"] == "Ben")
    monkeypatch.setattr("substrack.cli.members.is_asked", lambda: True)
    add = ("member", "add", "--group", second, "--name", "Ben", "--email", "ben@example.org")

    refused = house.refused(*add)

    assert f"known already, without an address: give --contact {known} to keep it for them" in refused
    assert house.do(*add, "--contact", known)["email"] == "ben@example.org"
    emails = [one["email"] for one in house.do("contact", "list") if one["name"] == "Ben"]
    assert emails == ["ben@example.org"]


def test_members_are_weighed_fixed_and_let_go(house: House) -> None:
    group = house.group("--split", "weights")
    ben, mia = house.join(group, "Ben", "--weight", "2"), house.join(group, "Mia", "--amount", "3.00")
    assert house.do("member", "edit", ben, "--weight", "3")["weight"] == 3
    assert house.do("member", "edit", mia, "--no-amount")["amount"] is None
    assert house.do("member", "leave", mia, "--left-on", "2026-01-21")["left_on"] == "2026-01-21"
    now = "2026-01-22T10:00:00Z"
    assert [one["name"] for one in house.do("member", "list", "--group", group, now=now)] == ["Olga", "Ben"]


def test_a_contact_is_corrected_and_loses_an_address(house: House) -> None:
    house.join(house.group(), "Ben")
    ben = next(one["id"] for one in house.do("contact", "list") if one["name"] == "Ben")
    changed: Any = house.do("contact", "edit", ben, "--name", "Benno", "--email", "benno@example.org")
    assert (changed["name"], changed["email"], changed["reachable"]) == ("Benno", "benno@example.org", True)
    gone = house.do("contact", "edit", ben, "--email", "")
    assert (gone["email"], gone["reachable"]) == (None, False)
    assert house.do("contact", "show", ben)["members"][0]["group_name"] == "YouTube Premium"


def test_the_welcome_goes_to_members_when_told(house: House) -> None:
    group = house.group()
    house.join(group, "Ben")
    assert house.do("member", "tell", "--group", group) == {"told": ["Ben"], "unreachable": []}


def test_there_is_no_hold_to_release(house: House) -> None:
    assert house.do("hold", "show")["on_hold"] is False
    assert house.do("hold", "release")["released"] is False


def test_people_get_a_table(opened: House) -> None:
    lines = opened.run("payment", "list").stdout.splitlines()
    assert lines[0].split() == [
        *("id", "group", "name", "member", "period", "amount", "received"),
        *("currency", "status", "reference"),
    ]
    assert len(lines) == 7
    assert opened.run("receipt", "list").stdout == "Nothing.\n"


def test_a_payment_is_found_by_the_reference_on_the_statement(opened: House) -> None:
    reference = opened.payment("Ben")["reference"]
    typed = f"{reference[:3].lower()} {reference[3:]}"
    assert opened.do("payment", "confirm", typed, now=LATER)["status"] == "confirmed"


def test_several_references_may_be_pasted_as_one(opened: House) -> None:
    references = " ".join(opened.payment(name)["reference"] for name in ("Ben", "Mia"))

    confirmed = opened.do("payment", "confirm", references, now=LATER)

    assert [one["status"] for one in confirmed] == ["confirmed", "confirmed"]


def test_of_several_references_each_must_be_known(opened: House) -> None:
    refused = opened.run("payment", "confirm", f"{opened.payment('Ben')['reference']} 222222")

    assert refused.exit_code == 1
    assert opened.payment("Ben")["status"] == "pending"


def test_who_leaves_later_is_listed_with_their_group_until_then(opened: House) -> None:
    ben = next(one for one in opened.do("member", "list") if one["name"] == "Ben")
    opened.do("member", "leave", ben["id"], "--left-on", "2026-04-02", now=LATER)

    listed = {one["name"]: one["groups"] for one in opened.do("contact", "list", now=LATER)}
    assert listed["Ben"] == listed["Mia"]


def test_a_period_opened_by_a_slip_is_said_to_open_again(opened: House) -> None:
    slip = opened.do("period", "open", "--group", opened.do("group", "list")[0]["id"], now=LATER)
    voided = opened.do("period", "void", slip["id"], "--reason", "a slip", now=LATER)
    assert (voided["opens_again"], voided["opens_again_on"]) == (True, slip["starts_on"])
    assert opened.do("tick", now=f"{slip['starts_on']}T12:00:00Z")["periods_opened"] == 1
    assert "has taken this one's place" in opened.refused("period", "restore", slip["id"])
