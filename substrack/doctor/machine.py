"""The machine: settings, modes of files, room, time zones and the clock."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import disk_usage
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from substrack.bootstrap import LOW_ROOM_BYTES, fingerprint_of, secret_keys, wall_clock
from substrack.doctor.patient import Patient
from substrack.doctor.verdicts import Verdict, ok, unknown, warning, wrong
from substrack.domain.key_history import MISSED_FOR, STOPPING_FOR
from substrack.queries.installation import load_installation
from substrack.queries.soundness import database_clock, find_key_history, zones_in_use
from substrack.settings import KEY_FILE, WrongSetting

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
SAMPLE_ZONES: Final = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney")
SLIGHT: Final = timedelta(seconds=5)
GROSS: Final = timedelta(seconds=60)


def settings(patient: Patient) -> Verdict:
    """Say what the settings lead to; that they can be read was seen before."""
    chosen = patient.settings
    if chosen.now is not None:
        return warning(
            f"The clock stands still at {chosen.now.isoformat()} (SUBSTRACK_NOW).",
            "Unset SUBSTRACK_NOW; it is for trials.",
        )
    kind = "SQLite" if patient.database_file else "PostgreSQL"
    return ok(f"They can be read: {kind}, data in {chosen.data_dir}.")


def files(patient: Patient) -> Verdict:
    """Look whether anybody else on this machine may read keys, books or mail."""
    directory = patient.settings.data_dir
    if not directory.is_dir():
        return wrong(
            f"The data directory {directory} is not there.",
            "Start `serve` once, which makes it, or correct SUBSTRACK_DATA_DIR.",
        )
    if not os.access(directory, os.W_OK | os.X_OK):
        return wrong(
            f"This user can't write into {directory}.",
            f"Run the doctor as the user that runs SubsTrack, or give it {directory} (chown -R).",
        )
    closed = _closed_to_us(patient)
    if closed is not None:
        return wrong(
            f"This user can't write {closed}.",
            "Run the doctor as the user that runs SubsTrack, or give it that file (chown, chmod u+rw); "
            "a disk that is mounted for reading only has to be mounted for writing.",
        )
    for path in _private_files(patient):
        if path.stat().st_mode & OTHERS:
            return wrong(f"Others on this machine may read {path}.", f"Run: chmod 600 {path}")
    if directory.stat().st_mode & OTHERS:
        return warning(f"Others on this machine may look into {directory}.", f"Run: chmod 700 {directory}")
    return ok("The data directory and what is secret in it belong to this user alone.")


def _closed_to_us(patient: Patient) -> Path | None:
    """Find what of SQLite's files, or their directory, this user can't write; all of them have to be."""
    path = patient.database_file
    if path is None or not path.exists():
        return None
    mine = [path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"), path.parent]
    return next((one for one in mine if one.exists() and not patient.outside.can_write(one)), None)


def _private_files(patient: Patient) -> list[Path]:
    mine = [patient.settings.data_dir / KEY_FILE, patient.database_file]
    return [path for path in mine if path is not None and path.exists()]


def disk(patient: Patient) -> Verdict:
    """Measure the room that is left for our files and for backups."""
    chosen = patient.settings
    places = {_existing(chosen.data_dir), _existing(chosen.backups_go_to)}
    least, place = min((disk_usage(path).free, str(path)) for path in places)
    left = f"{least // 1_000_000:,} MB are left where {place} is"
    if least < LOW_ROOM_BYTES:
        return wrong(f"{left}.", "Make room: once the disk is full, nothing more is written down.")
    if least < 5 * LOW_ROOM_BYTES:
        return warning(f"{left}.", "Make room before it is full.")
    elsewhere = "" if patient.database_file else "; the database server's own disk can't be seen from here"
    return ok(f"{left}{elsewhere}.")


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next(one for one in (path, *path.parents) if one.exists())


def time_zones(_patient: Patient) -> Verdict:
    """Look whether time zones are known at all."""
    missing = [name for name in SAMPLE_ZONES if not _is_zone(name)]
    if missing:
        return wrong(
            f"The time zone data lack {', '.join(missing)}.",
            "Install the package tzdata, of the system or of Python.",
        )
    try:
        return ok(f"They are there (Python's tzdata {version('tzdata')}; the system's come first).")
    except PackageNotFoundError:
        return ok("They are there, the system's own.")


def zones(patient: Patient) -> Verdict:
    """Look whether every zone that somebody lives in is one this machine knows."""
    with patient.reading() as session:
        used = zones_in_use(session)
    unheard = sorted(name for name in used if not _is_zone(name))
    if unheard:
        return wrong(
            f"This machine does not know {', '.join(unheard)}, which groups or people live by.",
            "Update tzdata, or choose another zone (`group edit --timezone`, `contact edit`).",
        )
    return ok(f"All {len(used)} zones that groups and people live by are known." if used else "None yet.")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def clock(patient: Patient) -> Verdict:
    """Compare the clock with the database server's, and with what was written before.

    Nobody outside is asked for the time; what the kernel knows of a time service is told.
    """
    ahead = _ahead_of_us(patient)
    if ahead is not None:
        return wrong(
            f"{ahead} lies in the future: this machine's clock is behind, or was ahead then.",
            "Set the clock right (`timedatectl set-ntp true`), then look at `hold show`.",
        )
    apart = _apart_from_server(patient)
    if apart is not None and abs(apart) > SLIGHT:
        how = f"This machine's clock and the database server's differ by {abs(apart).total_seconds():.0f} s."
        say = wrong if abs(apart) > GROSS else warning
        return say(how, "Keep both right by NTP: leases between machines go by the clock.")
    if patient.outside.clock_is_kept() is False:
        return warning(
            "It agrees with what was written before, but nothing keeps it right.",
            "Turn a time service on: `timedatectl set-ntp true`, or install chrony.",
        )
    return ok("It agrees with what was written before" + (", and the database server's." if apart else "."))


def _ahead_of_us(patient: Patient) -> str | None:
    """Name what is dated in the future, if anything is."""
    path, soon = patient.database_file, patient.now + GROSS
    if path is not None and path.stat().st_mtime > (wall_clock() + GROSS).timestamp():
        return f"The last change of {path}"
    with patient.reading() as session:
        row = load_installation(session)
    if row.last_tick_at is not None and row.last_tick_at > soon:
        return "The worker's last beat"
    return "The last backup" if row.backup_at is not None and row.backup_at > soon else None


def _apart_from_server(patient: Patient) -> timedelta | None:
    if patient.database_file is not None:
        return None
    with patient.reading() as session:
        server = database_clock(session)
    return server - wall_clock()


def secret_key(patient: Patient) -> Verdict:
    """Look whether our keys are those that signed the links already sent; makes none."""
    chosen = patient.settings
    path = chosen.data_dir / KEY_FILE
    with patient.reading() as session:
        kept = find_key_history(session)
    if not chosen.secret_keys and not path.exists():
        if kept is None:
            return ok("There is none yet; the first start makes one.")
        return wrong(
            f"{path} is missing: the key that signed the links already sent.",
            "Put your copy of it back. Without one, only `restore --new-key` from a backup leads on.",
        )
    try:
        prints = [fingerprint_of(key) for key in secret_keys(chosen)]
    except WrongSetting as error:
        return wrong(f"{path} can't be used.", str(error))
    if kept is None:
        return unknown("Nothing was signed with it yet.")
    if kept.newest not in prints:
        return wrong(
            "It is not the key that signed the links already sent.",
            "Put the old key behind the new one: SUBSTRACK_SECRET_KEYS=new,old.",
        )
    if kept.newest != prints[0]:
        return warning("A new key waits for its first use.", "Start everything again, so that all know it.")
    for gone in kept.missing(prints, today=patient.now.date()):
        return wrong(
            f"The key with the fingerprint {gone.fingerprint} is missing; links that it signed until "
            f"{gone.until:%d %B %Y} are dead.",
            f"Put it back behind the newer ones, until {gone.until + MISSED_FOR:%d %B %Y} at least.",
        )
    for gone in kept.missing(prints, today=patient.now.date(), after=STOPPING_FOR):
        return warning(
            f"The key with the fingerprint {gone.fingerprint} is gone; what stops requests in mails until "
            f"{gone.until:%d %B %Y} is dead, and people who were erased are not known by it.",
            f"Put it back behind the newer ones, until {gone.until + STOPPING_FOR:%d %B %Y}.",
        )
    return ok(f"It is the newest one in use here (fingerprint {kept.newest}), and none is missed.")
