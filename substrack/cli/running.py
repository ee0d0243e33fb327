"""The commands that run things: the server, the worker, one tick, one delivery."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from substrack.cli.desk import open_runtime, rehearsal
from substrack.cli.output import show
from substrack.cli.params import dry_run_flag, json_flag, now_option
from substrack.queries.message_lists import count_due
from substrack.services.installation import hold_status
from substrack.settings import Settings, load_settings

host_option = click.option("--host", help="Default: SUBSTRACK_HOST, else 127.0.0.1.")
port_option = click.option(
    "--port", type=click.IntRange(1, 65535), help="Default: SUBSTRACK_PORT, else 8000."
)


@click.command()
@host_option
@port_option
@now_option
def serve(*, host: str | None, port: int | None, now: datetime | None) -> None:
    """Run everything in one process: pages, worker, bot."""
    from substrack.cli import serving

    settings = _settings(host, port, now)
    serving.serve(settings, settings.host, settings.port)


@click.command()
@host_option
@port_option
@now_option
def web(*, host: str | None, port: int | None, now: datetime | None) -> None:
    """Run the pages alone; a worker must run elsewhere."""
    from substrack.cli import serving

    settings = _settings(host, port, now)
    serving.web(settings, settings.host, settings.port)


@click.command()
@now_option
def worker(*, now: datetime | None) -> None:
    """Run the worker alone: time, and what is sent."""
    from substrack.cli import serving

    serving.worker(_settings(None, None, now))


@click.command()
@dry_run_flag
@json_flag
@now_option
def tick(*, dry_run: bool, as_json: bool, now: datetime | None) -> None:
    """Do all work that is due: open periods, lapse, queue requests."""
    from substrack.worker.ticking import tick as do_what_is_due

    with open_runtime(now) as runtime:
        if dry_run:
            with rehearsal(runtime) as stage:
                report = do_what_is_due(stage, now=runtime.now())
        else:
            report = do_what_is_due(runtime, now=runtime.now())
    show(asdict(report), as_json=as_json)


@click.command()
@dry_run_flag
@json_flag
@now_option
def deliver(*, dry_run: bool, as_json: bool, now: datetime | None) -> None:
    """Send all messages that are due.

    Without a mail server mail is kept in files instead; --json counts it as sent, and as kept beside.
    """
    from substrack.worker.outbox import DeliverReport, deliver_due

    with open_runtime(now) as runtime:
        if dry_run:
            with runtime.reading() as session:
                due, held = count_due(session, now=runtime.now()), hold_status(session).hold_reason
            report = asdict(DeliverReport(0, 0, 0, due, held))
        else:
            report = asdict(deliver_due(runtime, now=runtime.now()))
    show(report if as_json else _told_apart(report), as_json=as_json)


def _told_apart(report: dict[str, Any]) -> dict[str, Any]:
    """Count what was only kept as kept, as `message list` does; for programs it is among what was sent."""
    kept = report["kept"]
    return {"sent": report["sent"] - kept, "kept": kept} | {
        name: value for name, value in report.items() if name not in ("sent", "kept")
    }


def _settings(host: str | None, port: int | None, now: datetime | None) -> Settings:
    given: dict[str, Any] = {"host": host, "port": port, "now": now}
    return load_settings(**{name: value for name, value in given.items() if value is not None})
