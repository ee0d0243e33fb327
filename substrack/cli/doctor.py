"""`doctor`: looks at the installation, or with `--data` at every row of the books, and says what to do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import click

from substrack.cli.output import note, show
from substrack.cli.params import json_flag, now_option
from substrack.doctor.examining import Finding, examine
from substrack.doctor.verdicts import State

STATE_WIDTH: Final = max(len(state.value) for state in State)


@click.command()
@click.option("--dkim-selector", metavar="NAME", help="The name of your DKIM key: s= in DKIM-Signature.")
@json_flag
@now_option
def doctor(*, dkim_selector: str | None, as_json: bool, now: datetime | None) -> None:
    """Look at everything that can be wrong, and say what to do.

    Changes nothing and sends nothing. Exit status 1 when something is wrong, 0 when it is not.
    """
    findings = examine(os.environ, now=now, dkim_selector=dkim_selector)
    if as_json:
        show([one.as_dict() for one in findings], as_json=True)
    else:
        _print(findings)
    if any(one.verdict.state is State.WRONG for one in findings):
        raise SystemExit(1)


def _print(findings: Sequence[Finding]) -> None:
    width = max(len(one.check) for one in findings)
    for one in findings:
        said = one.verdict
        line = f"{said.state.value.ljust(STATE_WIDTH)}  {one.check.ljust(width)}  {said.found} {said.advice}"
        click.echo(line.rstrip())
    count = sum(one.verdict.state is State.WRONG for one in findings)
    note(f"{count} {'thing is' if count == 1 else 'things are'} wrong." if count else "Nothing is wrong.")
