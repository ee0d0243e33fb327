"""Lines of the journal as a page shows them: the sentence, when, by whom, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from substrack.domain.payments import Act
from substrack.queries.journal import JournalRow
from substrack.texts.catalogue import language_of
from substrack.texts.journal_words import Line, actor_name, event_sentence
from substrack.texts.labels import reason_in_words
from substrack.web.sessions import me


@dataclass(frozen=True)
class StoryLine:
    """One thing that happened."""

    sentence: str
    at: datetime
    actor: str
    reason: str | None


def tell(rows: Iterable[JournalRow]) -> list[StoryLine]:
    """Put lines of the journal into the words of who is signed in, in the same order."""
    return [_line(row, language_of(me().language)) for row in rows]


def _line(row: JournalRow, locale: str) -> StoryLine:
    line = Line(row.verb, row.subject_kind, row.person, row.span, row.currency, row.before, row.after)
    actor = actor_name(row.actor_kind, row.actor, locale)
    reason = reason_in_words(row.reason, locale) if row.reason and row.verb == Act.REJECT else row.reason
    return StoryLine(event_sentence(line, locale), row.at, actor, reason)
