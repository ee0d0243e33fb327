"""Since when things are kept."""

from datetime import UTC, datetime

from substrack.domain.keeping import kept_since


def test_what_is_kept_changes_once_a_night() -> None:
    evening = datetime(2026, 3, 10, 23, 59, 59, 999_999, tzinfo=UTC)
    assert kept_since(evening, 9) == datetime(2026, 3, 1, tzinfo=UTC)
    assert kept_since(datetime(2026, 3, 11, tzinfo=UTC), 9) == datetime(2026, 3, 2, tzinfo=UTC)
