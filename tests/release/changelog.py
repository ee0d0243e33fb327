"""The changelog as Keep a Changelog 1.1.0 wants it: its sections, their faults, and a release of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

UNRELEASED = "Unreleased"
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
HEADING = re.compile(r"## \[(?P<name>[^\]]+)\](?: - (?P<day>\S+))?")
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Section:
    """What one version changed: its name and day (none while unreleased), its kinds, and how many entries."""

    name: str
    day: str | None
    kinds: tuple[str, ...]
    entries: int


def read_sections(text: str) -> list[Section]:
    """Read the sections, in their order."""
    return [_section(part) for part in re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]]


def faults_of(text: str, version: str) -> list[str]:
    """Say what is wrong with the changelog while people work on what comes after `version`."""
    sections = read_sections(text)
    return [*_faults_of_shape(sections), *_faults_of_order(sections, version)]


def faults_at_release(text: str, version: str) -> list[str]:
    """Say what keeps this changelog from being that of a release."""
    sections = read_sections(text)
    faults = faults_of(text, version)
    if sections and sections[0].name == UNRELEASED and sections[0].entries:
        faults.append(f"{sections[0].entries} entries are still under Unreleased: make release VERSION=…")
    newest = next((one.name for one in sections if one.name != UNRELEASED), "no version")
    if newest != version:
        faults.append(f"the newest section is of {newest}, and the program is {version}")
    return faults


def released(text: str, version: str, day: date) -> str:
    """Turn what is unreleased into the section of a version.

    Raises:
        ValueError: there is nothing unreleased, or the version is none that follows.
    """
    sections = read_sections(text)
    if not sections or sections[0].name != UNRELEASED or not sections[0].entries:
        raise ValueError("there is nothing under Unreleased")
    if not VERSION.fullmatch(version):
        raise ValueError(f"{version} is no version; write it as 1.2.3")
    heading = f"## [{UNRELEASED}]"
    new = text.replace(heading, f"{heading}\n\n## [{version}] - {day.isoformat()}", 1)
    faults = faults_of(new, version)
    if faults:
        raise ValueError("; ".join(faults))
    return new


def _section(part: str) -> Section:
    first, *lines = part.splitlines()
    match = HEADING.fullmatch(first)
    name, day = (match["name"], match["day"]) if match else (first.removeprefix("## "), "?")
    kinds = tuple(line.removeprefix("### ") for line in lines if line.startswith("### "))
    return Section(name, day, kinds, sum(line.startswith("- ") for line in lines))


def _faults_of_shape(sections: Sequence[Section]) -> Iterator[str]:
    if not sections or sections[0].name != UNRELEASED:
        yield "the first section is not [Unreleased]"
    for one in sections:
        yield from (f"{one.name} has a heading {kind}" for kind in one.kinds if kind not in KINDS)
        if one.name == UNRELEASED:
            continue
        if not VERSION.fullmatch(one.name) or not _is_day(one.day):
            yield f"the heading of {one.name} is not like: ## [1.2.3] - 2026-03-01"
        if not one.entries:
            yield f"{one.name} changed nothing"


def _faults_of_order(sections: Sequence[Section], version: str) -> Iterator[str]:
    names = [one.name for one in sections if VERSION.fullmatch(one.name)]
    for newer, older in pairwise(names):
        if numbers(newer) <= numbers(older):
            yield f"{newer} stands before {older}"
    if names and numbers(names[0]) > numbers(version):
        yield f"{names[0]} is newer than the program, which is {version}"


def numbers(version: str) -> tuple[int, ...]:
    """Read a version as what it is ordered by."""
    return tuple(map(int, version.split(".")))


def _is_day(text: str | None) -> bool:
    try:
        return date.fromisoformat(text or "").isoformat() == text
    except ValueError:
        return False
