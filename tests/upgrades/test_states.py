"""The states that are kept are those of every revision that a database can have been left at."""

from __future__ import annotations

from substrack.bootstrap import known_revisions
from tests.upgrades.states import NEVER_NEWEST, states


def test_no_revision_is_left_out_up_to_the_newest_that_is_kept() -> None:
    kept = [path.stem for path in states()]
    before = known_revisions()[: known_revisions().index(kept[-1]) + 1]
    assert kept == [revision for revision in before if revision not in NEVER_NEWEST]
