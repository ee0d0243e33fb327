"""`migrate`, `backup`, `restore`: the database as a whole."""

from __future__ import annotations

from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import click

from substrack.bootstrap import wall_clock
from substrack.cli.desk import open_runtime
from substrack.cli.output import note, plain, show
from substrack.cli.params import dry_run_flag, json_flag, now_option
from substrack.domain.actors import OPERATOR
from substrack.domain.money import Money
from substrack.settings import KEY_FILE, load_settings
from substrack.upkeep.backups import Backup, make_backup
from substrack.upkeep.manifest import Manifest
from substrack.upkeep.restoring import Restored
from substrack.upkeep.restoring import restore as restore_backup
from substrack.upkeep.sums import NO_CURRENCY, Sums
from substrack.upkeep.upgrading import upgrade

BY_HAND = "by-hand"


@click.command()
@click.option("--no-backup", is_flag=True, help="Make no backup before books are upgraded.")
@now_option
def migrate(*, no_backup: bool, now: datetime | None) -> None:
    """Bring the database to this version; does nothing when it is.

    What is in it is backed up first.
    """
    backup = upgrade(load_settings(), with_backup=False if no_backup else None, now=now or wall_clock())
    if backup is not None:
        click.echo(f"The database as it was before lies in {backup.path}.")
    click.echo("The database is up to date.")


@click.command()
@click.option("--to", "directory", type=click.Path(path_type=Path), help="Default: SUBSTRACK_BACKUP_DIR.")
@json_flag
@now_option
def backup(*, directory: Path | None, as_json: bool, now: datetime | None) -> None:
    """Write everything into one file, while SubsTrack runs.

    The secret key is not in it: keep a copy of that apart, once.
    """
    with open_runtime(now) as runtime:
        goes_to = directory or runtime.settings.backups_go_to
        made = make_backup(runtime.read_engine, goes_to, reason=BY_HAND, now=runtime.now())
        key = None if runtime.settings.secret_keys else runtime.settings.data_dir / KEY_FILE
    _show_with_sums(_backup_facts(made, key), as_json=as_json)
    if not as_json:
        where = str(key) if key else "in SUBSTRACK_SECRET_KEYS"
        note(f"The secret key is not in it. It is {where}; keep a copy of it somewhere else, once.")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--key", "key_file", type=click.Path(path_type=Path), help="The file that holds the secret key."
)
@click.option("--new-key", is_flag=True, help="The key is lost: let every link sent so far be dead.")
@dry_run_flag
@json_flag
@now_option
def restore(
    *, path: Path, key_file: Path | None, new_key: bool, dry_run: bool, as_json: bool, now: datetime | None
) -> None:
    """Fill an empty database from a backup, and put sending on hold."""
    restored = restore_backup(
        load_settings(),
        path,
        key_file=key_file,
        with_new_key=new_key,
        dry_run=dry_run,
        by=OPERATOR,
        now=now or wall_clock(),
    )
    _show_with_sums(_restore_facts(restored), as_json=as_json)
    if not as_json and not restored.has_erasures:
        note(
            "No list of erasures (erasures.jsonl) lies beside the backup: whoever was erased after it was "
            "made comes back. If there was somebody, put the list beside it, or erase them again."
        )
    if not as_json and restored.settled is None:
        click.echo("It can be restored here; nothing was changed.")
    if not as_json and restored.settled is not None:
        note("Nothing is sent yet: look at `hold show`, then go on with `hold release`.")


def _show_with_sums(facts: dict[str, Any], *, as_json: bool) -> None:
    """Print facts, and to people the sums of money below them, in major units."""
    if as_json:
        show(facts, as_json=True)
        return
    show({name: value for name, value in facts.items() if name != "ledger"}, as_json=False)
    click.echo("\nEvery column of money, added up, to compare copies by (it is not what anybody owes):")
    show(_sum_rows(facts["ledger"]), as_json=False, columns=("currency", "sum", "amount"))
    click.echo()


def _sum_rows(sums: Sums) -> list[dict[str, str]]:
    rows = [
        {"currency": currency, "sum": _spoken(column), "amount": _major(minor, currency)}
        for column, by_currency in sums.items()
        for currency, minor in by_currency.items()
    ]
    return sorted(rows, key=itemgetter("currency"))


def _spoken(column: str) -> str:
    return column.removesuffix("_minor").replace(".", ": ").replace("_", " ")


def _major(minor: int, currency: str) -> str:
    """Write an amount in major units; rows that name no currency have but the minor ones."""
    return f"{minor} (minor units)" if currency == NO_CURRENCY else Money(minor, currency).major()


def _backup_facts(made: Backup, key: Path | None) -> dict[str, Any]:
    return {
        "path": str(made.path),
        "size": made.size,
        "sha256": made.sha256,
        **_manifest_facts(made.manifest),
        "key_file": str(key) if key else None,
    }


def _restore_facts(restored: Restored) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "restored": restored.settled is not None,
        **_manifest_facts(restored.manifest),
        "has_erasures": restored.has_erasures,
    }
    if restored.settled is not None:
        facts |= {
            "on_hold": True,
            "reason": restored.settled.reason,
            "sessions_ended": restored.settled.sessions_ended,
            "links_ended": restored.settled.links_ended,
            "people_resting": restored.settled.people_resting,
            "may_have_gone_out": restored.settled.messages_waiting,
            "erased_again": restored.settled.erased_again,
        }
    return facts


def _manifest_facts(manifest: Manifest) -> dict[str, Any]:
    return {
        "made_at": plain(manifest.made_at),
        "version": manifest.version,
        "revision": manifest.revision,
        "key_fingerprint": manifest.key_fingerprint,
        "payments": manifest.rows.get("payments", 0),
        "rows": sum(manifest.rows.values()),
        "ledger": manifest.ledger,
    }
