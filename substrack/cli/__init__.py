"""Inward: the command line, `python -m substrack`.

It reads options, calls one service and prints; it decides nothing. Exit status: 0 done, 1 refused with a
sentence on stderr, 2 wrong usage.
"""

from __future__ import annotations

import click

from substrack import __version__
from substrack.cli import (
    groups,
    holding,
    members,
    messages,
    moving,
    payments,
    periods,
    personal,
    receipts,
    running,
    upkeep,
    users,
)
from substrack.cli.app import App
from substrack.cli.demo import demo
from substrack.cli.doctor import doctor

__all__ = ["main", "substrack"]


@click.group(cls=App, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="substrack")
def substrack() -> None:
    """SubsTrack: who owes what for shared subscriptions, asked for, answered and verified."""


for command in (
    running.serve,
    running.web,
    running.worker,
    running.tick,
    running.deliver,
    upkeep.migrate,
    upkeep.backup,
    upkeep.restore,
    moving.move_database,
    doctor,
    holding.hold,
    demo,
    users.users,
    groups.groups,
    groups.price,
    members.members,
    personal.contacts,
    periods.periods,
    payments.payments,
    receipts.receipts,
    messages.messages,
):
    substrack.add_command(command)


def main() -> None:
    """Run the command that was typed."""
    substrack(prog_name="substrack")
