"""Bad input ends in one clear sentence and leaves everything as it was."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import click
import pytest
from click.testing import CliRunner

import substrack as package
from substrack.bootstrap import ROOT
from substrack.cli import substrack
from substrack.cli.app import _FLAGS
from substrack.domain.errors import Refused
from tests.cli.conftest import House

GROUP = ("group", "add", "--name", "VPN", "--currency", "EUR", "--starts-on", "2026-02-01")


@pytest.mark.only_sqlite
@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        ((*GROUP, "--price", "1.234"), "--price: “1.234” can be read in two ways"),
        ((*GROUP, "--price", "-3"), "--price: An amount cannot be negative"),
        ((*GROUP, "--price", "3.999"), "--price"),
        ((*GROUP, "--price", "99999999999999"), "--price: The amount is too large"),
        ((*GROUP, "--price", "twelve"), "--price: Write an amount"),
        (GROUP, "--price: Give the price"),
        ((*GROUP, "--price", "3", "--currency", "EURO"), "--currency"),
        ((*GROUP, "--price", "3", "--billing-day", "0"), "--billing-day"),
        ((*GROUP, "--price", "3", "--billing-day", "32"), "--billing-day"),
        (
            (*GROUP, "--price", "3", "--ends-on", "2026-01-31"),
            "--ends-on: The group can't end before it starts",
        ),
        ((*GROUP, "--price", "3", "--pay-link", "javascript:alert(1)"), "--pay-link"),
        ((*GROUP, "--price", "3", "--pay-iban", "DE00 0000", "--pay-holder", "Olga"), "--pay-iban"),
        ((*GROUP, "--price", "3", "--pay-holder", "Olga"), "--pay-holder: Give the IBAN"),
        ((*GROUP, "--price", "3", "--timezone", "Mars/Base"), "--timezone: “Mars/Base” is not a time zone"),
        ((*GROUP, "--price", "3", "--name", "a\nb"), "--name"),
        (
            (*GROUP, "--price", "3", "--description", "x" * 10_000),
            "--description: This has 10,000 characters",
        ),
        ((*GROUP, "--price", "3", "--payer", "nobody"), "There is no such person"),
        (
            (*GROUP, "--price", "3", "--tolerance", "999999999"),
            "--tolerance: The tolerance must be from 0.00 EUR to 10000.00 EUR.",
        ),
        (("group", "show", "nosuchgroup"), "There is no such group"),
        (("member", "leave", "nosuchmember"), "There is no such member"),
        (("period", "edit", "nosuchperiod", "--total", "3"), "There is no such period"),
        (("payment", "confirm", "nosuchpayment"), "There is no such payment"),
        (("receipt", "void", "nosuchreceipt", "--reason", "x"), "There is no such receipt"),
        (("message", "retry", "nosuchmessage"), "There is no such message"),
        (("user", "add", "--email", "eve", "--name", "Eve"), "--email: “eve” is not an email address"),
        (("user", "add", "--email", "olga@example.org", "--name", "Olga"), "--email: Somebody signs in"),
    ],
)
def test_bad_input_is_refused_with_its_flag(house: House, arguments: tuple[str, ...], about: str) -> None:
    assert about in house.refused(*arguments)
    assert house.do("group", "list") == []


@pytest.mark.only_sqlite
def test_a_refused_password_names_the_flag_it_came_by(house: House) -> None:
    add = ("user", "add", "--email", "eve@example.org", "--name", "Eve", "--password-stdin")
    refused = house.run(*add, stdin="short\n")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("--password-stdin: Use at least")


def _commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, *path, name)
        else:
            yield (*path, name), command


def _fields() -> set[str]:
    """Name every field that a refusal of the domain, the services or the command line is about."""
    for module in walk_packages(package.__path__, "substrack."):
        if module.name.split(".")[1] in ("cli", "domain", "services"):
            import_module(module.name)
    kinds = [Refused]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return {kind.field for kind in kinds if kind.field} | set(_FLAGS)


@pytest.mark.parametrize(
    ("path", "command"), [pytest.param(*found, id=" ".join(found[0])) for found in _commands(substrack)]
)
def test_no_refusal_names_a_flag_that_its_command_does_not_have(
    path: tuple[str, ...], command: click.Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
    monkeypatch.setattr(command, "params", [each for each in command.params if not each.required])
    for field in sorted(_fields()):
        monkeypatch.setattr(command, "callback", _refuse(field))
        said = CliRunner().invoke(substrack, path)
        assert said.exit_code == 1, said.output
        named = re.fullmatch(r"(?:(--[a-z-]+): )?No\.\n", said.stderr)
        assert named
        assert named[1] is None or named[1] in known


def _refuse(field: str) -> Callable[..., None]:
    def refuse(**_options: object) -> None:
        raise Refused("No.", field=field)

    return refuse


def test_bad_terms_of_members_are_refused(house: House) -> None:
    group = house.group("--split", "weights")
    member = ("member", "add", "--group", group, "--name", "Ben")
    assert "--weight" in house.refused(*member, "--weight", "0")
    assert "--amount: The fixed amounts are more" in house.refused(*member, "--amount", "18.00")
    assert "--name" in house.refused("member", "add", "--group", group)
    ben = house.join(group, "Ben")
    assert "--left-on" in house.refused("member", "leave", ben, "--left-on", "2026-01-01")
    assert [one["name"] for one in house.do("member", "list")] == ["Olga", "Ben"]


@pytest.mark.only_sqlite
def test_another_currency_needs_its_price_and_stands_once_a_period_is_open(house: House) -> None:
    group = house.group()
    edit = ("group", "edit", group, "--currency", "usd")

    assert house.refused(*edit) == "--price: Give the price in USD as well."
    assert house.do(*edit, "--price", "20")["price"] == "20.00"

    house.join(group, "Ben")
    house.do("tick", now="2026-02-01T12:00:00Z")
    for price in ((), ("--price", "20")):
        frozen = house.refused("group", "edit", group, "--currency", "EUR", *price)
        assert frozen.startswith("--currency: The currency stays USD once a period is open")
    assert house.do("group", "edit", group, "--currency", "usd", "--name", "Videos")["name"] == "Videos"


def test_a_shared_mailbox_is_a_question_that_a_flag_answers(house: House) -> None:
    house.join(house.group(), "Ben")
    ben = next(one["id"] for one in house.do("contact", "list") if one["name"] == "Ben")
    asked = house.refused("contact", "edit", ben, "--email", "olga@example.org")
    assert asked.endswith("If so, add --shares-mailbox.")
    house.do("contact", "edit", ben, "--email", "olga@example.org", "--shares-mailbox")


@pytest.mark.only_sqlite
def test_an_instant_needs_its_zone(house: House) -> None:
    assert "needs a zone" in house.refused("tick", now="2026-03-01T10:00:00")
    assert "needs a zone" in house.refused("tick", now="2026-03-01")
    assert house.run("tick", now="soon").exit_code == 2


@pytest.mark.only_sqlite
@pytest.mark.parametrize("now", ["9999-12-31T23:59:59Z", "3000-01-01T00:00:00Z", "1999-12-31T23:00:00-05:00"])
@pytest.mark.parametrize("command", ["tick", "deliver"])
def test_an_instant_far_off_is_a_slip(house: House, command: str, now: str) -> None:
    assert house.refused(command, now=now) == "--now: Choose an instant in the years 2000 to 2999."


@pytest.mark.only_sqlite
@pytest.mark.parametrize("now", ["2000-01-01T00:00:00+14:00", "2999-12-31T23:59:59-12:00"])
def test_the_first_and_the_last_instant_are_taken(house: House, now: str) -> None:
    house.join(house.group("--unit", "year", "--every", "100"), "Ben")  # monthly, that were 11,700 periods
    assert house.run("tick", "--dry-run", now=now).exit_code == 0


@pytest.mark.only_sqlite
def test_a_group_in_weeks_gets_no_billing_day_later(house: House) -> None:
    group = house.do(*GROUP, "--price", "3", "--unit", "week")["id"]
    assert house.do("group", "edit", group, "--billing-day", "3")["billing_day"] is None
    assert house.do("group", "edit", group, "--unit", "month", "--billing-day", "3")["billing_day"] == 3


@pytest.mark.only_sqlite
def test_wrong_usage_ends_with_two(house: House) -> None:
    assert house.run("payment", "juggle").exit_code == 2
    assert house.run("group", "add").exit_code == 2
    assert house.run("payment", "list", "--status", "paid").exit_code == 2
    assert house.run("period", "edit", "x", "--due-on", "31.03.2026").exit_code == 2


def test_nothing_set_up_says_how_to_begin(bare: House) -> None:
    assert "user add" in bare.refused("group", "list")


@pytest.mark.only_sqlite
def test_a_price_given_to_a_variable_group_is_said_to_be_unused(house: House) -> None:
    result = house.run(*GROUP, "--split", "variable", "--price", "30")
    assert result.exit_code == 0
    assert "the price is not used" in result.stderr


@pytest.mark.parametrize(
    ("name", "value", "about"),
    [
        ("SUBSTRACK_DATABASE_URL", "mysql://nobody@nowhere/nothing", "SUBSTRACK_DATABASE_URL"),
        ("SUBSTRACK_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing", "can't be used"),
        ("SUBSTRACK_DATA_DIR", "/proc/nothing", "SUBSTRACK_DATA_DIR"),
        ("SUBSTRACK_SECRET_KEYS", "short", "SUBSTRACK_SECRET_KEYS"),
        ("SUBSTRACK_SECRET_KEYS", "changeme-changeme-changeme-changeme-1", "SUBSTRACK_SECRET_KEYS"),
        ("SUBSTRACK_PORT", "0", "SUBSTRACK_PORT"),
    ],
)
def test_a_wrong_setting_is_a_sentence(tmp_path: Path, name: str, value: str, about: str) -> None:
    env = {"SUBSTRACK_DATA_DIR": str(tmp_path)} | {name: value}
    result = CliRunner().invoke(substrack, ["tick"], env=env)
    assert result.exit_code == 1
    assert about in result.stderr
    assert "Traceback" not in result.stderr


def test_an_empty_sqlite_file_is_made_ready_by_the_first_user_only(tmp_path: Path) -> None:
    env = {"SUBSTRACK_DATA_DIR": str(tmp_path)}
    runner = CliRunner()
    refused = runner.invoke(substrack, ["group", "list"], env=env)
    assert refused.exit_code == 1
    assert "python -m substrack migrate" in refused.stderr
    added = ["user", "add", "--email", "olga@example.org", "--name", "Olga"]
    assert runner.invoke(substrack, added, env=env).exit_code == 0
    assert runner.invoke(substrack, ["group", "list"], env=env).stdout == "Nothing.\n"


def test_the_real_program_migrates_and_ticks(tmp_path: Path) -> None:
    env = {"SUBSTRACK_DATA_DIR": str(tmp_path)}
    for arguments in (["migrate"], ["migrate"], ["tick", "--json"]):
        done = _program(arguments, env)
        assert (done.returncode, done.stderr) == (0, "")
    assert '"periods_opened": 0' in done.stdout


def test_a_second_server_on_the_port_is_told_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = _program(["serve", "--port", port], {"SUBSTRACK_DATA_DIR": str(tmp_path)})
    assert done.returncode == 1
    assert f"Port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def _program(arguments: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "substrack", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={"PATH": "/usr/bin:/bin", **env}, capture_output=True, text=True, timeout=60
    )
