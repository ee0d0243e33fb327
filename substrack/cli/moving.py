"""`move-database`: the books from one database to another, and the old one left for good."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from substrack.bootstrap import wall_clock
from substrack.cli.output import is_asked, note, show
from substrack.cli.params import dry_run_flag, json_flag, now_option
from substrack.domain.money import Money
from substrack.settings import KEY_FILE, Settings, WrongSetting, load_settings
from substrack.upkeep.comparing import Side
from substrack.upkeep.moving import Move, find_gone, move, take_back
from substrack.upkeep.places import has_password

STDIN = "-"


@click.command("move-database")
@click.argument("url", required=False)
@click.option("--url-file", type=click.Path(path_type=Path), help="The file that holds the URL.")
@click.option("--take-back", "takes_back", is_flag=True, help="Let the books live on where they were before.")
@click.option("--yes", is_flag=True, help="With --take-back: ask nothing.")
@dry_run_flag
@json_flag
@now_option
def move_database(
    *,
    url: str | None,
    url_file: Path | None,
    takes_back: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    now: datetime | None,
) -> None:
    """Move everything into the empty database at URL; stop SubsTrack first.

    From SQLite to PostgreSQL, or back. URL is postgresql://user@host/name, or sqlite:////whole/path.db with
    four strokes; - reads it from standard input, where it shows in no list of processes. The copy is compared
    with what is here before it counts; then the old database refuses to be used.
    """
    settings = load_settings()
    if takes_back:
        _take_back(settings, url or url_file, yes=yes, as_json=as_json)
        return
    moved = move(settings, _read_url(url, url_file), dry_run=dry_run, now=now or settings.now or wall_clock())
    facts = {"moved": not dry_run, "to": moved.went_to}
    if as_json:
        show(facts | _compared(moved), as_json=True)
        return
    show(_table_rows(moved), as_json=False, columns=("table", "rows_here", "rows_there"))
    click.echo()
    show(_sum_rows(moved), as_json=False, columns=("currency", "sum", "here", "there"))
    click.echo()
    _say_what_next(settings, moved, dry_run=dry_run)
    if url and url != STDIN and has_password(url):
        note("The password stood in the list of processes meanwhile; `move-database -` reads it from stdin.")


def _take_back(settings: Settings, named: str | Path | None, *, yes: bool, as_json: bool) -> None:
    if named is not None:
        raise click.UsageError("--take-back is for the database the books left; it takes no URL.")
    gone = find_gone(settings)
    if gone is not None:
        note(
            f"The books at {gone.place} stay alive as well, and whoever starts SubsTrack on them sends from "
            f"there too: stop it there first, and put that database away. What was decided there since "
            f"{gone.moved_at} is not in here."
        )
        if not yes and is_asked():
            click.confirm("Let the books live on here?", default=False, abort=True, err=True)
    was_away = take_back(settings)
    if as_json:
        show({"taken_back": was_away}, as_json=True)
    else:
        click.echo("The books live here again." if was_away else "The books were not moved away.")


def _read_url(url: str | None, url_file: Path | None) -> str:
    if (url is None) == (url_file is None):
        raise click.UsageError("Say where to: a URL, - to read it from standard input, or --url-file FILE.")
    if url_file is None:
        return (sys.stdin.readline() if url == STDIN else str(url)).strip()
    try:
        text = url_file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise WrongSetting(f"--url-file: {url_file} is not there.") from None
    except OSError as error:
        raise WrongSetting(f"--url-file: {url_file} can't be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise WrongSetting(f"--url-file: {url_file} is no text, and so holds no URL.") from None
    if not text:
        raise WrongSetting(f"--url-file: {url_file} is empty.")
    return text


def _say_what_next(settings: Settings, moved: Move, *, dry_run: bool) -> None:
    if dry_run:
        click.echo(f"All of it would go to {moved.went_to} as it is here. Nothing was changed.")
        return
    click.echo(f"The books are at {moved.went_to}. Set SUBSTRACK_DATABASE_URL to it, and start SubsTrack.")
    if not settings.secret_keys:
        note(f"On another machine it needs the secret key as well: {settings.data_dir / KEY_FILE}.")


def _compared(moved: Move) -> dict[str, Any]:
    return {
        "tables": {row["table"]: {"here": row["rows_here"], "there": row["rows_there"]}
                   for row in _table_rows(moved)},
        "ledger": {"here": _books(moved.here), "there": _books(moved.there)},
    }  # fmt: skip


def _table_rows(moved: Move) -> list[dict[str, Any]]:
    here, there = moved.here.rows, moved.there.rows
    return [
        {"table": table, "rows_here": here[table], "rows_there": there.get(table)} for table in sorted(here)
    ]


def _sum_rows(moved: Move) -> list[dict[str, Any]]:
    here, there = _books(moved.here), _books(moved.there)
    return [
        {"currency": currency, "sum": name.replace("_", " "), "here": major, "there": there[currency][name]}
        for currency, sums in here.items()
        for name, major in sums.items()
    ]


def _books(side: Side) -> dict[str, dict[str, str]]:
    """Write the sums as amounts in major units."""
    return {
        currency: {name: Money(minor, currency).major() for name, minor in asdict(sums).items()}
        for currency, sums in side.books.items()
    }
