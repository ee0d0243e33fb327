"""What runs: the worker's beat, a hold on sending, stuck messages, refused openings, and backups."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from substrack.doctor.patient import Patient
from substrack.doctor.verdicts import Verdict, ok, unknown, warning, wrong
from substrack.domain.delivery import STUCK_AFTER, channel_of
from substrack.domain.notices import Channel
from substrack.queries.installation import load_installation
from substrack.queries.soundness import has_workspace, load_unopened, load_waiting
from substrack.services.installation import LATE_AFTER

LEASE_GRACE: Final = timedelta(minutes=10)
BACKUP_IS_DUE: Final = timedelta(hours=36)
BACKUP_IS_OLD: Final = timedelta(days=3)
WAYS: Final = {Channel.EMAIL: "The mail server", Channel.TELEGRAM: "Telegram"}
MAIL_TROUBLE: Final = "See the checks of mail and Telegram here"


def worker(patient: Patient) -> Verdict:
    """Look when the worker last wrote that it lives."""
    with patient.reading() as session:
        last = load_installation(session).last_tick_at
    if last is None:
        return wrong(
            "No worker has ever run here.",
            "Start `serve`, or `worker` beside `web`: it opens, asks and sends.",
        )
    if patient.now - last > LATE_AFTER:
        return wrong(
            f"The worker's last beat was {ago(last, patient.now)}.",
            "Start it again, and look into its log (`journalctl -u substrack-worker`).",
        )
    return ok(f"The worker's last beat was {ago(last, patient.now)}.")


def hold(patient: Patient) -> Verdict:
    """Look whether sending is on hold."""
    with patient.reading() as session:
        row = load_installation(session)
    if row.hold_reason is None:
        return ok("Sending is not on hold.")
    since = f" since {row.held_since:%Y-%m-%d %H:%M} UTC" if row.held_since else ""
    return warning(f"Nothing is sent{since}: {row.hold_reason}.", "Look at `hold show`, then `hold release`.")


def messages(patient: Patient) -> Verdict:
    """Look for messages that should have gone out, were given up, or whose worker died over them."""
    now = patient.now
    with patient.reading() as session:
        row = load_installation(session)
        found = load_waiting(session, late=now - STUCK_AFTER, lost=now - LEASE_GRACE)
    if found.failing:
        name, since, said = found.failing[0]
        way, why = WAYS[channel_of(name)], said or "it does not say why"
        return wrong(
            f"{way} has failed since {since:%Y-%m-%d %H:%M} UTC: {why}.",
            f"{MAIL_TROUBLE}; what waits goes out by itself once it works.",
        )
    if found.late and row.hold_reason is None:
        return wrong(
            f"{_messages(found.late, 'has', 'have')} been due for over an hour.",
            "Look whether the worker runs, then at `message list --state queued`.",
        )
    if found.lost_leases:
        return warning(
            f"{_messages(found.lost_leases, 'was', 'were')} left by a worker that died while sending.",
            "Start a worker: what was begun is repeated.",
        )
    if found.dead:
        return warning(
            f"{_messages(found.dead, 'was', 'were')} given up.",
            "Look at `message list --state dead`; then `message retry ID`, or `message cancel ID`.",
        )
    return ok("None is late and none was given up.")


def openings(patient: Patient) -> Verdict:
    """Look for groups that can't open their next period as their terms stand."""
    with patient.reading() as session:
        found = load_unopened(session, now=patient.now)
    if not found:
        return ok("Every period that was due is open.")
    first = found[0]
    more = f" The same goes for {len(found) - 1:,} more." if len(found) > 1 else ""
    return wrong(
        f"Group {first.public_id} could not open its next period: {first.reason}{more}",
        "Put its terms right (`price set`, `member edit ID --amount …`); it is then tried again at once.",
    )


def _messages(count: int, one: str, more: str) -> str:
    return f"1 message {one}" if count == 1 else f"{count:,} messages {more}"


def backup(patient: Patient) -> Verdict:
    """Look how old the newest backup is, by what workers noted and by the files that lie here."""
    chosen = patient.settings
    with patient.reading() as session:
        row, is_founded = load_installation(session), has_workspace(session)
    if not is_founded:
        return unknown("There is nothing to back up yet.")
    newest = _newest_file(chosen.backups_go_to)
    last = max(filter(None, [row.backup_at, newest]), default=None)
    if row.backup_error and (row.backup_at is None or last == row.backup_at or last is None):
        return wrong(f"The last one failed: {row.backup_error}.", "Mend that, then run `backup` by hand.")
    if last is None:
        return wrong("There is none.", "Run: python -m substrack backup")
    if patient.now - last > BACKUP_IS_OLD:
        return wrong(
            f"The newest was made {ago(last, patient.now)}.", "Run `backup`, and see why none was made."
        )
    if patient.now - last > BACKUP_IS_DUE:
        return warning(f"The newest was made {ago(last, patient.now)}.", "Run: python -m substrack backup")
    if not chosen.backups:
        return warning(
            "Daily ones are turned off.", "Unset SUBSTRACK_BACKUPS, or go on making them yourself."
        )
    return ok(f"The newest was made {ago(last, patient.now)}{_beside(patient, newest)}.")


def _beside(patient: Patient, newest: datetime | None) -> str:
    if newest is None:
        return ", and lies on another machine"
    path, goes_to = patient.database_file, patient.settings.backups_go_to
    is_same_disk = path is not None and path.stat().st_dev == goes_to.stat().st_dev
    return ", on the same disk as the database: copy it elsewhere" if is_same_disk else ""


def _newest_file(directory: Path) -> datetime | None:
    """Read when the newest backup was made from its name, which starts with the UTC time."""
    made = []
    for path in directory.glob("substrack-*.zip") if directory.is_dir() else ():
        try:
            made.append(datetime.strptime(path.name.split("-")[1], "%Y%m%dT%H%M%S%z"))
        except (ValueError, IndexError):
            continue
    return max(made, default=None)


def ago(then: datetime, now: datetime) -> str:
    """Say how long ago an instant was, roughly."""
    seconds = max(0, int((now - then).total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"
