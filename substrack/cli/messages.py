"""`message`: what was said to whom, how far it got, and a second try."""

from __future__ import annotations

from typing import Any

import click

from substrack.cli.desk import Desk, at_desk
from substrack.cli.output import plain, show
from substrack.cli.params import dry_run_flag, json_flag
from substrack.domain.actors import OPERATOR
from substrack.domain.delivery import MessageState
from substrack.queries.message_lists import MessageRow, find_message, list_messages, load_message
from substrack.services.concealing import reveal
from substrack.services.messages import cancel_message, retry_message

COLUMNS = ("id", "due_at", "notice", "to", "address", "state", "attempts", "last_error")

message_ids_argument = click.argument("message_ids", nargs=-1, required=True)


@click.group("message")
def messages() -> None:
    """Look at messages, send them again or stop them."""


@messages.command("list")
@at_desk
@click.option("--state", type=click.Choice([state.value for state in MessageState]))
@click.option("--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True)
@json_flag
def list_them(desk: Desk, *, state: str | None, limit: int, as_json: bool) -> None:
    """List messages, the newest first."""
    with desk.reading() as session:
        chosen = MessageState(state) if state else None
        rows = list_messages(session, desk.workspace_id, state=chosen, limit=limit)
    show([describe(row) if as_json else told(row) for row in rows], as_json=as_json, columns=COLUMNS)


@messages.command("show")
@at_desk
@click.argument("message_id")
@json_flag
def show_one(desk: Desk, *, message_id: str, as_json: bool) -> None:
    """Show a message with its exact text, once that was written."""
    with desk.reading() as session:
        row = load_message(session, find_message(session, desk.workspace_id, message_id))
    text = reveal(row.text, desk.runtime.signer)
    if as_json:
        show(describe(row) | {"text": text}, as_json=True)
        return
    show(told(row), as_json=False)
    click.echo(f"\n{text or 'Not written yet.'}")


@messages.command("retry")
@at_desk
@message_ids_argument
@dry_run_flag
@json_flag
def retry(desk: Desk, *, message_ids: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Queue messages again that failed for good or wait for their next try."""
    _change(desk, retry_message, message_ids, dry_run=dry_run, as_json=as_json)


@messages.command("cancel")
@at_desk
@message_ids_argument
@dry_run_flag
@json_flag
def cancel(desk: Desk, *, message_ids: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Stop messages that wait."""
    _change(desk, cancel_message, message_ids, dry_run=dry_run, as_json=as_json)


def describe(row: MessageRow) -> dict[str, Any]:
    """Describe a message as lists print it."""
    return {
        "id": row.public_id,
        "notice": row.notice.value,
        "to": row.to,
        "address": row.address,
        "subject": row.subject,
        "state": row.state.value,
        "due_at": plain(row.due_at),
        "created_at": plain(row.created_at),
        "sent_at": plain(row.sent_at),
        "attempts": row.attempts,
        "last_error": row.last_error,
    }


def told(row: MessageRow) -> dict[str, Any]:
    """Describe a message for people: a mail that no server took is "kept", not "sent"."""
    return describe(row) | {"state": row.fate.value}


def _change(desk: Desk, act: Any, message_ids: tuple[str, ...], *, dry_run: bool, as_json: bool) -> None:
    with desk.writing(dry_run=dry_run) as session:
        keys = [find_message(session, desk.workspace_id, one) for one in message_ids]
        for key in keys:
            act(session, key, by=OPERATOR, now=desk.now)
        result = [describe(load_message(session, key)) for key in keys]
    show(result if len(result) > 1 else result[0], as_json=as_json, columns=COLUMNS)
