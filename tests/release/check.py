"""`make release-check`: whether what is committed can be released, the quick questions first.

The tree is clean; version, changelog, tag and the kept state of the newest revision agree; a fresh clone is
checked and tested on the oldest and the newest Python; and books of the last release come through the upgrade
on both databases.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from substrack import __version__
from substrack.bootstrap import ROOT, migrate, newest_revision
from substrack.upkeep.backups import make_backup
from tests.release.changelog import VERSION, faults_at_release, numbers
from tests.release.pythons import NoPythons, Python, choose, oldest_supported
from tests.support.databases import KINDS, Databases
from tests.upgrades.living import UNTIL
from tests.upgrades.states import load_state, lost_since, reading_engine, states

PASSED_ON = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "VIRTUAL_ENV", "PYTHONPATH")
"""What `make` and an environment would hand on to the clones."""


def main() -> int:
    """Ask everything; 0 when it can be released."""
    options = _options()
    faults = quick_faults(ROOT)
    pythons: list[Python] = []
    try:
        pythons = choose(options.pythons, oldest_supported(ROOT / "pyproject.toml"), os.environ)
        _say(f"on {' and '.join(map(str, pythons))}")
    except NoPythons as error:
        faults.append(str(error))
    if faults or options.quick:
        return _verdict(faults)
    return _verdict([*faults_in_clones(pythons, options.jobs, options.tests), *faults_of_upgrade(pythons[0])])


def quick_faults(root: Path) -> list[str]:
    """Say what keeps HEAD from being a release, as far as a look tells."""
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    faults = faults_at_release(changelog, __version__)
    if _git(root, "status", "--porcelain"):
        faults.append("the tree has changes that are not committed")
    tag = f"v{__version__}"
    if tag in _tags(root) and _git(root, "rev-list", "-n1", tag) != _git(root, "rev-parse", "HEAD"):
        faults.append(f"{tag} is another commit")
    if states()[-1].stem != newest_revision():
        faults.append(f"no state of revision {newest_revision()} is kept: python -m tests.upgrades.states")
    return faults


def faults_in_clones(pythons: Sequence[Python], jobs: int, tests: Sequence[str]) -> Iterator[str]:
    """Check and test a fresh clone on each Python, with everything installed anew."""
    for python in pythons:
        _say(f"a fresh clone on {python}")
        with _clone("HEAD") as clone:
            chosen = [f"PYTHON={python.path}", f"JOBS={jobs}", f"ARGS={' '.join(tests)}"]
            env = _environ() | {"SUBSTRACK_REQUIRE_BROWSER": "1", "SUBSTRACK_REQUIRE_NGINX": "1"}
            if subprocess.run(["make", "test", *chosen], cwd=clone, env=env, check=False).returncode:
                yield f"checks or tests fail on {python}"


def faults_of_upgrade(python: Python) -> Iterator[str]:
    """Bring the books of the last release to this version; without one, those of the oldest kept state."""
    tag = last_tag(_tags(ROOT))
    _say(f"an upgrade from {tag or f'revision {states()[0].stem}, for there is no former release'}")
    with TemporaryDirectory() as directory, _databases() as databases:
        state = _lived_in(tag, python, Path(directory)) if tag else states()[0]
        for kind in KINDS:
            with databases.lend(kind, migrated=False) as url:
                before = load_state(state, url)
                migrate(url)
                yield from (f"the upgrade on {kind} loses: {lost}" for lost in lost_since(before, url))


def last_tag(tags: Sequence[str]) -> str | None:
    """Choose the newest release before this version."""
    versions = [tag.removeprefix("v") for tag in tags if VERSION.fullmatch(tag.removeprefix("v"))]
    before = [version for version in versions if numbers(version) < numbers(__version__)]
    return f"v{max(before, key=numbers)}" if before else None


def _lived_in(tag: str, python: Python, directory: Path) -> Path:
    """Live with the program of a release, in an environment of its own, and back what it leaves up."""
    living, database = ROOT / "tests" / "upgrades" / "living.py", directory / "state.db"
    with _clone(tag) as clone:
        install = ["make", ".venv/.runtime", f"PYTHON={python.path}"]
        subprocess.run(install, cwd=clone, env=_environ(), check=True)
        env = _environ() | {"PYTHONPATH": str(clone)}
        subprocess.run([clone / ".venv/bin/python", living, database], cwd=directory, env=env, check=True)
    with reading_engine(f"sqlite:///{database}") as engine:
        return make_backup(engine, directory, reason="state", now=UNTIL).path


@contextmanager
def _clone(commit: str) -> Iterator[Path]:
    with TemporaryDirectory(prefix="substrack-release-") as directory:
        clone = Path(directory) / "clone"
        subprocess.run(["git", "clone", "--quiet", "--no-local", ROOT, clone], check=True)
        commit_id = _git(ROOT, "rev-parse", f"{commit}^{{commit}}")
        subprocess.run(["git", "checkout", "--quiet", "--detach", commit_id], cwd=clone, check=True)
        yield clone


@contextmanager
def _databases() -> Iterator[Databases]:
    databases = Databases()
    try:
        yield databases
    finally:
        databases.close()


def _environ() -> dict[str, str]:
    ours = {name for name in os.environ if name.startswith("SUBSTRACK_")}
    return {name: value for name, value in os.environ.items() if name not in {*PASSED_ON, *ours}}


def _tags(root: Path) -> list[str]:
    return _git(root, "tag", "--merged", "HEAD").split()


def _git(root: Path, *arguments: str) -> str:
    said = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return said.stdout.strip()


def _say(what: str) -> None:
    print(f"release-check: {what}", flush=True)


def _verdict(faults: Sequence[str]) -> int:
    for fault in faults:
        _say(f"NO: {fault}")
    if not faults:
        _say(f"{__version__} can be released")
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="release-check", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only what a look tells")
    parser.add_argument("--pythons", default="", help="the interpreters to use, apart by blanks")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("tests", nargs="*", help="what pytest is given in the clones")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
