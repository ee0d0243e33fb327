"""`/metrics`: the figures an operator watches, as Prometheus reads them; off until a token is set.

All of it is read from the tables when asked, so it is the same at every web process; only what is called
`process_…` and `python_…` is about the one that answers. Channels are named, people and groups are not.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue

from substrack import __version__
from substrack.domain.clock import seconds_since
from substrack.domain.delivery import Fate
from substrack.domain.notices import Channel
from substrack.queries.installation import InstallationRow, load_installation
from substrack.queries.watching import (
    QueueRow,
    count_open_claims,
    load_message_counts,
    load_queues,
)
from substrack.web.access import by_secret
from substrack.web.reading import reading, runtime

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

OUTCOMES: Final = {Fate.SENT: "sent", Fate.KEPT: "kept", Fate.DEAD: "failed"}

blueprint = Blueprint("metrics", __name__)


@dataclass(frozen=True, eq=False)  # the registry keeps it in a set
class Figures:
    """What the tables say at one moment."""

    now: datetime
    row: InstallationRow
    queues: Mapping[Channel, QueueRow]
    counts: Mapping[tuple[Channel, Fate], int]
    open_claims: int
    room_bytes: int

    def collect(self) -> Iterable[Metric]:
        """Name the figures (prometheus_client, custom collectors)."""
        yield from self._messages()
        yield from self._installation()

    def _messages(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

        waiting = GaugeMetricFamily(
            "substrack_messages_waiting",
            "Messages that wait, due now or later.",
            labels=["channel", "due"],
        )
        oldest = GaugeMetricFamily(
            "substrack_oldest_due_seconds", "How long the oldest due message has waited.", labels=["channel"]
        )
        for channel, queue in self.queues.items():
            waiting.add_metric([channel.value, "now"], queue.due)
            waiting.add_metric([channel.value, "later"], queue.later)
            oldest.add_metric([channel.value], seconds_since(queue.oldest_due_at, self.now) or 0)
        ended = CounterMetricFamily(
            "substrack_messages",
            "Messages that workers brought to an end.",
            labels=["channel", "outcome"],
        )
        for channel, (fate, outcome) in product(Channel, OUTCOMES.items()):
            ended.add_metric([channel.value, outcome], self.counts.get((channel, fate), 0))
        yield from (waiting, oldest, ended)

    def _installation(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily

        yield InfoMetricFamily("substrack", "Which SubsTrack this is.", value={"version": __version__})
        for name, (says, value) in self._gauges().items():
            if value is not None:
                yield GaugeMetricFamily(f"substrack_{name}", says, value=value)

    def _gauges(self) -> dict[str, tuple[str, float | None]]:
        row, tick_ms = self.row, self.row.tick_ms
        return {
            "open_claims": ("Claims that nobody has decided.", self.open_claims),
            "tick_seconds": (
                "The longest tick since a worker wrote before.",
                tick_ms / 1000 if tick_ms is not None else None,
            ),
            "last_beat_age_seconds": (
                "Since a worker has written that it lives.",
                seconds_since(row.last_tick_at, self.now),
            ),
            "sending_held": ("1 while sending is on hold.", int(row.hold_reason is not None)),
            "backup_age_seconds": ("Since the last daily backup.", seconds_since(row.backup_at, self.now)),
            "backup_failed": ("1 when the last daily backup failed.", int(row.backup_error is not None)),
            "disk_free_bytes": ("Room on the disk of the data directory.", self.room_bytes),
        }


@blueprint.get("/metrics")
@by_secret
def show() -> ResponseReturnValue:
    """Tell the figures to who sends the token as `Authorization: Bearer …` (RFC 6750, section 2.1)."""
    token = runtime().settings.metrics_token
    if token is None:
        abort(404)
    shown = request.authorization
    given = shown.token if shown is not None and shown.type == "bearer" else None
    if not hmac.compare_digest((given or "").encode(), token.get_secret_value().encode()):
        return Response(status=401, headers={"WWW-Authenticate": "Bearer"})
    return _in_words(_read_figures())


def _read_figures() -> Figures:
    """Read all, in a constant number of statements."""
    now = runtime().now()
    return Figures(
        now=now,
        row=load_installation(reading()),
        queues=load_queues(reading(), now=now),
        counts=load_message_counts(reading()),
        open_claims=count_open_claims(reading()),
        room_bytes=runtime().room_bytes,
    )


def _in_words(figures: Figures) -> Response:
    from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

    registry = CollectorRegistry()
    registry.register(figures)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
