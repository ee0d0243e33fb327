"""`doctor`: looks at the installation, or with `--data` at every row of the books, and says what to do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import click

from substrack.cli.doctor_data import look_at_data
from substrack.cli.output import note, show
from substrack.cli.params import dry_run_flag, json_flag, now_option
from substrack.doctor.examining import Finding, examine
from substrack.doctor.verdicts import State

STATE_WIDTH: Final = max(len(state.value) for state in State)


@click.command()
@click.option("--data", is_flag=True, help="Look at every row of the books instead.")
@click.option("--fix", is_flag=True, help="With --data: show each repair, ask, and make it.")
@click.option("--yes", is_flag=True, help="With --fix: make every repair without asking.")
@click.option("--dkim-selector", metavar="NAME", help="The name of your DKIM key: s= in DKIM-Signature.")
@dry_run_flag
@json_flag
@now_option
def doctor(
    *,
    data: bool,
    fix: bool,
    yes: bool,
    dkim_selector: str | None,
    dry_run: bool,
    as_json: bool,
    now: datetime | None,
) -> None:
    """Look at everything that can be wrong, and say what to do.

    Changes nothing and sends nothing, unless --fix is said. Exit status 1 when something is wrong (with
    --fix: is left wrong), 0 when nothing is; warnings do not count.
    """
    _check(data=data, fix=fix, yes=yes, dry_run=dry_run, as_json=as_json)
    if data:
        is_well = look_at_data(now, fix=fix, yes=yes, dry_run=dry_run, as_json=as_json)
    else:
        findings = examine(os.environ, now=now, dkim_selector=dkim_selector)
        is_well = not any(one.verdict.state is State.WRONG for one in findings)
        _show(findings, as_json=as_json)
    if not is_well:
        raise SystemExit(1)


def _check(*, data: bool, fix: bool, yes: bool, dry_run: bool, as_json: bool) -> None:
    if fix and not data:
        raise click.UsageError("--fix is for --data: settings and machines are put right by hand.")
    if (yes or dry_run) and not fix:
        raise click.UsageError("--yes and --dry-run are for --fix.")
    if fix and as_json and not (yes or dry_run):
        raise click.UsageError("With --json nobody is asked: say --yes as well, or --dry-run.")


def _show(findings: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        show([one.as_dict() for one in findings], as_json=True)
        return
    width = max(len(one.check) for one in findings)
    for one in findings:
        said = one.verdict
        line = f"{said.state.value.ljust(STATE_WIDTH)}  {one.check.ljust(width)}  {said.found} {said.advice}"
        click.echo(line.rstrip())
    count = sum(one.verdict.state is State.WRONG for one in findings)
    note(f"{count} {'thing is' if count == 1 else 'things are'} wrong." if count else "Nothing is wrong.")
