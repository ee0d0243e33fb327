"""Inward: the command line, `python -m substrack`.

It reads options, calls one service and prints; it decides nothing. Exit status: 0 done, 1 refused with a
sentence on stderr, 2 wrong usage.
"""

from __future__ import annotations

from typing import Final

import click

from substrack import __version__
from substrack.cli.app import App

__all__ = ["main", "substrack"]

COMMANDS: Final = {
    "serve": "running:serve",
    "web": "running:web",
    "worker": "running:worker",
    "tick": "running:tick",
    "deliver": "running:deliver",
    "migrate": "upkeep:migrate",
    "backup": "upkeep:backup",
    "restore": "upkeep:restore",
    "move-database": "moving:move_database",
    "doctor": "doctor:doctor",
    "hold": "holding:hold",
    "demo": "demo:demo",
    "user": "users:users",
    "group": "groups:groups",
    "price": "groups:price",
    "member": "members:members",
    "contact": "personal:contacts",
    "period": "periods:periods",
    "payment": "payments:payments",
    "receipt": "receipts:receipts",
    "message": "messages:messages",
}
"""In which module of this package each command is, and by which name."""


@click.group(
    cls=App,
    found_in={name: f"{__name__}.{place}" for name, place in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="substrack")
def substrack() -> None:
    """SubsTrack: who owes what for shared subscriptions, asked for, answered and verified."""


def main() -> None:
    """Run the command that was typed."""
    substrack(prog_name="substrack")
