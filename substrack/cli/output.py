"""What commands print: JSON for programs, short aligned tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

Row = Mapping[str, Any]


def show(result: Row | Sequence[Row], *, as_json: bool, columns: Sequence[str] = ()) -> None:
    """Print one thing or several. People see the columns named, or everything of one thing."""
    if as_json:
        click.echo(json.dumps(result, indent=2, ensure_ascii=False))
    elif isinstance(result, Mapping):
        _print_thing(result)
    else:
        _print_table(result, columns)


def note(sentence: str) -> None:
    """Tell people something on stderr, where it is in no program's way."""
    click.echo(sentence, err=True)


def is_asked() -> bool:
    """Tell whether somebody sits there who can answer a question."""
    return sys.stdin.isatty()


def plain(value: Any) -> Any:
    """Write a date or an instant as JSON can hold it."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def _print_thing(thing: Row) -> None:
    width = max((len(name) for name in thing), default=0)
    for name, value in thing.items():
        click.echo(f"{name.replace('_', ' ').ljust(width)}  {_cell(value)}".rstrip())


def _print_table(rows: Sequence[Row], columns: Sequence[str]) -> None:
    if not rows:
        click.echo("Nothing.")
        return
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    head = [column.replace("_", " ") for column in columns]
    widths = [max(len(line[place]) for line in [head, *cells]) for place in range(len(columns))]
    for line in [head, *cells]:
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return " ".join(_cell(part) for name, part in value.items() if name != "id")
        case list() | tuple():
            return ", ".join(_cell(part) for part in value) or "-"
        case _:
            return " ".join(str(value).split())
