"""What has been kept long enough goes, in batches: once a night there is something, else nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from substrack.bootstrap import Runtime
from substrack.channels.mailbox import MailboxChannel
from substrack.domain.keeping import KeepDays
from substrack.services.purging import has_old, purge


def purge_old(runtime: Runtime, *, now: datetime, stop: Callable[[], bool]) -> int:
    """Purge all that is old at `now`; return how many rows that were. An idle look writes nothing.

    Files go with the rows that name them, unless it is only rehearsed.
    """
    keep = keep_days(runtime)
    with runtime.reading() as session:
        if not has_old(session, keep, now=now):
            return 0
    total = 0
    while not stop():
        with runtime.transaction() as session:
            count, files = purge(session, keep, now=now)
            if not runtime.is_rehearsal:
                MailboxChannel(runtime.mail_dir).remove(files)
        total += count
        if not count:
            break
    if not runtime.is_rehearsal:
        runtime.empty_log()
    return total


def keep_days(runtime: Runtime) -> KeepDays:
    """Read from the settings how long things are kept."""
    settings = runtime.settings
    return KeepDays(settings.keep_texts_days, settings.keep_inbound_days, settings.keep_events_days)
