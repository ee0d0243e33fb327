"""The table of figures keeps what was measured, and only the newest of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.chaos.figures import PAGE, VARIABLE, Figure, merged, record

PLACE = "# Promises\n\n<!-- figures -->\n<!-- end of figures -->\n\nMore.\n"
LOST = Figure("no message is lost", "200 kills", "0 lost", "2026-11-30")


def test_a_new_figure_replaces_the_old_one_and_leaves_the_others() -> None:
    once = merged(PLACE, [LOST, Figure("one tap", "100 taps", "1", "2026-11-30")])
    newer = Figure("no message is lost", "200 kills", "1 lost", "2026-12-01")
    twice = merged(once, [newer, Figure("no message is lost", "50 kills", "0 lost", "2026-12-01")])
    assert [line for line in twice.splitlines() if line.startswith(("| no", "| one"))] == [
        "| no message is lost | 200 kills | 1 lost | 2026-12-01 |",
        "| no message is lost | 50 kills | 0 lost | 2026-12-01 |",
        "| one tap | 100 taps | 1 | 2026-11-30 |",
    ]
    assert twice.endswith("\n\nMore.\n")


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no table"):
        merged("# Promises\n", [LOST])


def test_the_page_of_promises_has_a_place_for_figures() -> None:
    row = "| no message is lost | 200 kills | 0 lost | 2026-11-30 |"
    assert row in merged(PAGE.read_text(encoding="utf-8"), [LOST])


def test_figures_are_kept_only_by_a_run_that_asks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record("no message is lost", "200 kills", "0 lost")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "figures"))
    record("no message is lost", "200 kills", "1 lost")
    [line] = (tmp_path / "figures").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["figure"] == "1 lost"
