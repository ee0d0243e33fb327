"""Tries of this request: reserved before anything is compared, and given back when it was right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flask import request

from substrack.domain.networks import network_of
from substrack.services.tries import Limit, give_back, reserve_try, subject_of
from substrack.web.devices import known_device
from substrack.web.reading import forget_commits, runtime


@contextmanager
def trying(subjects: Sequence[str], limits: Sequence[Limit]) -> Iterator[None]:
    """Reserve a try at every subject for what happens within; a refusal there has used it up.

    Name subjects in one order everywhere (who asks first, then whom it is about): each waits for its row.

    Raises:
        TooManyTries: within was not reached.
    """
    now = runtime().now()
    with runtime().transaction() as session:
        taken = [reserve_try(session, subject, limits, now=now) for subject in subjects]
    forget_commits()
    yield
    with runtime().transaction() as session:
        give_back(session, taken, now=now)
    forget_commits()


def subjects_of(kind: str, account: str, *, user_id: int | None) -> list[str]:
    """Name what tries at an account count by: whoever asks and the account, or a device known for the user.

    `account` is what was typed, so that one which is not there is counted like any other.
    """
    sealer, device = runtime().sealer, known_device(user_id)
    if device is not None:
        return [subject_of(sealer, f"{kind} device", device, user_id)]
    return [asker(kind), subject_of(sealer, f"{kind} account", account)]


def asker(kind: str) -> str:
    """Name the network that this request came from, as something that tries count by."""
    return subject_of(runtime().sealer, f"{kind} network", network_of(request.remote_addr))
