"""Claims about what we depend on: pinned by hash, under licences we take, and listed."""

from __future__ import annotations

import re

import pytest

from tests.architecture.licences import PAGE, ROOT, installed, is_allowed, licence_of, page


@pytest.mark.parametrize("name", [name for name, _version in installed()])
def test_a_package_comes_under_a_licence_that_we_take(name: str) -> None:
    assert is_allowed(licence_of(name)), licence_of(name)


@pytest.mark.parametrize(
    "licence",
    ["GPL-3.0-only", "AGPL-3.0", "", "Proprietary", "SSPL-1.0", "GPL-2.0 OR AGPL-3.0", "MIT AND AGPL-3.0"],
)
def test_a_licence_that_binds_everything_is_refused(licence: str) -> None:
    assert not is_allowed(licence)


def test_the_page_of_licences_is_as_it_is_installed() -> None:
    assert PAGE.read_text() == page(), "run: make licences"


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_by_version_and_hash(file: str) -> None:
    wanted = re.split(r"(?m)^(?=[a-z])", (ROOT / file).read_text())[1:]
    assert wanted
    assert [one.splitlines()[0] for one in wanted if "==" not in one or "--hash=sha256:" not in one] == []


def test_installing_runs_no_code_of_packages() -> None:
    assert "--require-hashes --only-binary :all:" in (ROOT / "Makefile").read_text()
