"""The version stands in one place, the changelog goes with it, and what is no release is not let through."""

from __future__ import annotations

import subprocess
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from substrack import __version__
from substrack.bootstrap import ROOT
from substrack.cli import substrack
from tests.release import check, prepare
from tests.release.changelog import faults_at_release, faults_of, read_sections, released
from tests.release.pythons import NoPythons, Python, choose, oldest_supported
from tests.upgrades.states import states

BEFORE = """# Changelog

Words.

## [Unreleased]

### Added

- A second thing.

## [0.1.0] - 2026-03-01

### Added

- A thing
  on two lines.
"""
RELEASED = BEFORE.replace("## [Unreleased]", "## [Unreleased]\n\n## [0.2.0] - 2026-04-01")


class TestOnePlace:
    """The version is written once; everything else asks."""

    def test_the_command_says_it(self) -> None:
        assert CliRunner().invoke(substrack, ["--version"]).stdout == f"substrack, version {__version__}\n"

    def test_the_project_file_repeats_no_version(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert "version" not in project
        assert project["dynamic"] == ["version"]

    def test_the_changelog_goes_with_it(self) -> None:
        assert faults_of((ROOT / "CHANGELOG.md").read_text(), __version__) == []


class TestChangelog:
    """Sections as Keep a Changelog wants them."""

    def test_what_is_unreleased_becomes_a_version(self) -> None:
        assert released(BEFORE, "0.2.0", date(2026, 4, 1)) == RELEASED
        assert [(one.name, one.day, one.entries) for one in read_sections(RELEASED)] == [
            ("Unreleased", None, 0),
            ("0.2.0", "2026-04-01", 1),
            ("0.1.0", "2026-03-01", 1),
        ]
        assert faults_at_release(RELEASED, "0.2.0") == []

    @pytest.mark.parametrize(
        ("text", "version"), [(RELEASED, "0.3.0"), (BEFORE, "0.1.0"), (BEFORE, "0.0.9"), (BEFORE, "two")]
    )
    def test_nothing_is_released_twice_or_without_an_entry(self, text: str, version: str) -> None:
        with pytest.raises(ValueError):
            released(text, version, date(2026, 4, 1))

    @pytest.mark.parametrize(
        ("old", "new", "fault"),
        [
            ("## [Unreleased]\n\n", "", "the first section is not [Unreleased]"),
            ("## [Unreleased]\n", "## [Unreleased]\n\n- Late.\n", "1 entries are still under Unreleased"),
            ("[0.2.0] - 2026-04-01", "[0.2.0] - April", "the heading of 0.2.0 is not like"),
            ("[0.2.0] - 2026-04-01", "0.2.0", "the heading of 0.2.0 is not like"),
            ("[0.2.0]", "[0.1.1]", "the newest section is of 0.1.1, and the program is 0.2.0"),
            ("[0.2.0]", "[0.3.0]", "0.3.0 is newer than the program"),
            ("[0.1.0]", "[0.10.0]", "0.2.0 stands before 0.10.0"),
            ("### Added\n\n- A thing", "### News\n\n- A thing", "0.1.0 has a heading News"),
            ("- A second thing.\n", "", "0.2.0 changed nothing"),
        ],
    )
    def test_each_fault_is_told(self, old: str, new: str, fault: str) -> None:
        assert old in RELEASED
        assert any(fault in told for told in faults_at_release(RELEASED.replace(old, new, 1), "0.2.0"))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a repository that can be released as 0.2.0."""
    (tmp_path / "CHANGELOG.md").write_text(RELEASED)
    monkeypatch.setattr(check, "__version__", "0.2.0")
    monkeypatch.setattr(check, "newest_revision", lambda: states()[-1].stem)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


class TestQuickQuestions:
    """What a look tells, before anything is cloned."""

    def test_a_release_is_let_through_before_and_after_its_tag(self, repository: Path) -> None:
        assert check.quick_faults(repository) == []
        git(repository, "tag", "v0.2.0")
        assert check.quick_faults(repository) == []

    def test_a_change_that_is_not_committed_is_told(self, repository: Path) -> None:
        (repository / "forgotten.py").touch()
        assert check.quick_faults(repository) == ["the tree has changes that are not committed"]

    def test_a_tag_that_is_another_commit_is_told(self, repository: Path) -> None:
        git(repository, "tag", "v0.2.0")
        commit(repository)
        assert check.quick_faults(repository) == ["v0.2.0 is another commit"]

    def test_a_revision_without_a_kept_state_is_told(
        self, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(check, "newest_revision", lambda: "9999")
        assert "no state of revision 9999 is kept" in check.quick_faults(repository)[0]

    def test_the_last_release_is_the_newest_before_this_version(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(check, "__version__", "0.10.0")
        assert check.last_tag(["v0.2.0", "v0.9.0", "v0.10.0", "v1.0.0", "before-the-move"]) == "v0.9.0"
        assert check.last_tag(["v0.10.0"]) is None


def test_preparing_writes_the_version_and_its_section(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text(BEFORE)
    (tmp_path / "substrack").mkdir()
    package = tmp_path / "substrack" / "__init__.py"
    package.write_text((ROOT / "substrack" / "__init__.py").read_text())

    prepare.prepare(tmp_path, "0.2.0")

    assert package.read_text().endswith('\n__version__ = "0.2.0"\n')
    assert faults_at_release((tmp_path / "CHANGELOG.md").read_text(), "0.2.0") == []


class TestPythons:
    """The oldest supported one and the newest there is, or it is said aloud."""

    def test_both_ends_are_chosen_and_what_does_not_run_is_passed_over(self, tmp_path: Path) -> None:
        for name, version in {"python3.10": "3 10 1", "python3.11": "3 11 7", "python3.12": "3 12 0"}.items():
            pretend(tmp_path / "bin", name, version)
        pretend(tmp_path / "bin", "python3.14", None)
        pretend(tmp_path / "pyenv" / "versions" / "3.13.0" / "bin", "python3", "3 13 0")

        chosen = choose("", (3, 11), environ(tmp_path))

        assert [one.version for one in chosen] == [(3, 11, 7), (3, 13, 0)]

    @pytest.mark.parametrize(
        ("versions", "sentence"),
        [
            (["3 11 7", "3 11 9"], "no Python newer than the oldest supported one"),
            (["3 12 1", "3 13 0"], "Python 3.11, the oldest supported, is not here"),
            ([], "Seen: none"),
        ],
    )
    def test_what_is_missing_is_said_and_not_skipped(
        self, tmp_path: Path, versions: list[str], sentence: str
    ) -> None:
        for number, version in enumerate(versions):
            pretend(tmp_path / f"pyenv/versions/{number}/bin", "python3", version)
        with pytest.raises(NoPythons, match=sentence):
            choose("", (3, 11), environ(tmp_path))

    def test_those_that_are_named_are_enough(self, tmp_path: Path) -> None:
        named = pretend(tmp_path, "python3.12", "3 12 0")
        assert choose(str(named), (3, 11), environ(tmp_path)) == [Python((3, 12, 0), named)]
        with pytest.raises(NoPythons):
            choose(str(tmp_path / "python3"), (3, 11), environ(tmp_path))

    def test_the_project_says_which_is_the_oldest(self) -> None:
        assert oldest_supported(ROOT / "pyproject.toml") == (3, 11)


def pretend(directory: Path, name: str, version: str | None) -> Path:
    """Write a program that answers like a Python, or that can't run, as pyenv's shims can't."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{'exit 127' if version is None else f'echo {version}'}\n")
    path.chmod(0o755)
    return path


def environ(tmp_path: Path) -> dict[str, str]:
    """An environment of pretended Pythons alone."""
    return {"PATH": str(tmp_path / "bin"), "PYENV_ROOT": str(tmp_path / "pyenv")}


def git(directory: Path, *arguments: str) -> Any:
    """Run git in a repository of its own."""
    names = ["-c", "user.name=Olga", "-c", "user.email=olga@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *names, *arguments], cwd=directory, check=True, capture_output=True)


def commit(directory: Path) -> None:
    """Commit everything, or nothing once more."""
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "--message", "More")
