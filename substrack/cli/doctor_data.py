"""`doctor --data`: shows what is wrong in the books, and each repair before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import click

from substrack.bootstrap import Runtime
from substrack.cli.desk import open_runtime
from substrack.cli.output import note, show
from substrack.doctor.books import MOST, WORDS, find_faults, has_repair, put_right, rehearse, spelt
from substrack.domain.errors import Refused
from substrack.queries.faults import Fault
from substrack.services.repaired import Repaired, RightAlready

PROGRESS_EVERY: Final = 50_000


@dataclass(frozen=True)
class Course:
    """How repairs go: made at all, asked for one by one, or only shown."""

    fix: bool
    yes: bool
    dry_run: bool
    as_json: bool


def look_at_data(now: datetime | None, *, fix: bool, yes: bool, dry_run: bool, as_json: bool) -> bool:
    """Look through the books and put right what is wanted; tell whether nothing is (left) wrong."""
    course = Course(fix, yes, dry_run, as_json)
    with open_runtime(now, as_it_is=True) as runtime:
        faults = find_faults(runtime, _tell_progress)
        rows = _deal_with_all(runtime, faults, course)
        is_changed = any(row["fixed"] for row in rows)
        left = find_faults(runtime, _tell_nothing) if is_changed else faults
    note(summary(len(faults), len(left), is_changed=is_changed))
    return not left


def _deal_with_all(runtime: Runtime, faults: Sequence[Fault], course: Course) -> list[dict[str, Any]]:
    """Deal with one fault after the other; who breaks off still hears what was done."""
    rows: list[dict[str, Any]] = []
    try:
        for fault in faults:
            row = _deal_with(runtime, fault, course)
            rows.append(row)
    except (click.Abort, KeyboardInterrupt):
        count = sum(row["fixed"] for row in rows)
        made = "1 repair was made and stays" if count == 1 else f"{count:,} repairs were made and stay"
        note(f"Broken off; {made}.")
        raise
    finally:
        if course.as_json:
            show(rows, as_json=True)
    return rows


def _deal_with(runtime: Runtime, fault: Fault, course: Course) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": fault.kind.value,
        "subject": fault.subject,
        "id": fault.public_id,
        "found": WORDS[fault.kind].found,
        "advice": _advice(fault, course),
        "facts": _plain(fault),
        "has_fix": has_repair(fault),
        "fixed": False,
    }
    shown = _rehearsed(runtime, fault) if course.fix and row["has_fix"] else None
    if isinstance(shown, RightAlready):
        row["advice"] = str(shown)
    elif isinstance(shown, Refused):
        row |= {"has_fix": False, "advice": f"{shown} {row['advice']}"}
    elif shown is not None:
        row |= {"before": spelt(shown.before, fault.currency), "after": spelt(shown.after, fault.currency)}
    if not course.as_json:
        _print(row)
    if isinstance(shown, Repaired) and not course.dry_run and (course.yes or _wants(row)):
        row["fixed"] = _put_right(runtime, fault, shown)
    return row


def _advice(fault: Fault, course: Course) -> str:
    if has_repair(fault) and not course.fix:
        return "See how it would be put right: doctor --data --fix --dry-run"
    return WORDS[fault.kind].advice.replace(" ID", f" {fault.public_id}")


def _rehearsed(runtime: Runtime, fault: Fault) -> Repaired | Refused:
    try:
        return rehearse(runtime, fault)
    except Refused as refused:
        return refused


def _put_right(runtime: Runtime, fault: Fault, shown: Repaired) -> bool:
    try:
        put_right(runtime, fault, shown)
    except Refused as refused:
        note(str(refused))
        return False
    return True


def _wants(row: dict[str, Any]) -> bool:
    return click.confirm(f"Put {row['subject']} {row['id']} right?", default=False, err=True)


def _plain(fault: Fault) -> dict[str, Any]:
    """Write what was seen with its amounts in major units, those of row and history too."""
    plain = spelt(fault.facts, fault.currency)
    inner = {name: value for name, value in fault.facts.items() if isinstance(value, dict)}
    return plain | {name: spelt(value, fault.currency) for name, value in inner.items()}


def _print(row: dict[str, Any]) -> None:
    click.echo(f"{row['subject']} {row['id']}: {row['found']}")
    if "before" in row:
        click.echo(f"  before  {_line(row['before'])}")
        click.echo(f"  after   {_line(row['after'])}")
    else:
        click.echo(f"  {row['advice']}")


def _line(values: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_word(value)}" for name, value in values.items())


def _word(value: Any) -> str:
    words = {None: "none", True: "yes", False: "no"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


def summary(found: int, left: int, *, is_changed: bool) -> str:
    """Say in a sentence what was found, and after repairs what is left."""
    if not found:
        return "Nothing is wrong with the books."
    if not is_changed:
        return f"{_faults(found)} found."
    if not left:
        return f"Nothing is left wrong; {_faults(found)} found."
    verb, them = ("is", "it") if left == 1 else ("are", "them")
    return f"{_faults(left)} {verb} left. Run `doctor --data` to see {them}."


def _faults(count: int) -> str:
    if count == 1:
        return "1 fault"
    return f"{count:,}{' or more' if count >= MOST else ''} faults"


def _tell_progress(noun: str, done: int) -> None:
    if done % PROGRESS_EVERY == 0:
        note(f"{noun}: looked through {done:,} …")


def _tell_nothing(_noun: str, _done: int) -> None:
    """Keep quiet: it is the second look."""
