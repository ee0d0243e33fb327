"""The Pythons of this machine that the program is for: on the PATH, under pyenv, or those that were named."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ASK = "import ensurepip, sys, venv; print(*sys.version_info[:3])"
NAME = re.compile(r"python3(\.\d+)?")


@dataclass(frozen=True, order=True)
class Python:
    """One interpreter that can make environments."""

    version: tuple[int, ...]
    path: Path

    def __str__(self) -> str:
        return f"Python {'.'.join(map(str, self.version))} ({self.path})"


class NoPythons(Exception):
    """The machine does not have what a release is to be tried on; the text says what is missing."""


def oldest_supported(pyproject: Path) -> tuple[int, ...]:
    """Read the oldest Python that `requires-python` allows."""
    wanted = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["requires-python"]
    return tuple(map(int, wanted.removeprefix(">=").split(".")))


def choose(named: str, oldest: tuple[int, ...], environ: Mapping[str, str]) -> list[Python]:
    """Choose the oldest supported Python and the newest there is; or exactly those named, apart by blanks.

    Raises:
        NoPythons: one that was named can't be used; or, when none was, the oldest supported is not here, or
            there is no newer one.
    """
    if named:
        return [_named(one) for one in named.split()]
    found = sorted({one for one in map(ask, _candidates(environ)) if one and one.version >= oldest})
    if not found or found[0].version[: len(oldest)] != oldest:
        wanted = ".".join(map(str, oldest))
        raise NoPythons(f"Python {wanted}, the oldest supported, is not here. {_seen(found)}")
    if found[-1].version[:2] == found[0].version[:2]:
        raise NoPythons(f"There is no Python newer than the oldest supported one. {_seen(found)}")
    return [found[0], found[-1]]


def ask(path: Path) -> Python | None:
    """Ask an interpreter for its version; None if it can't run (a pyenv shim) or makes no environments."""
    try:
        said = subprocess.run([path, "-c", ASK], capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return Python(tuple(map(int, said.stdout.split())), path)


def _named(name: str) -> Python:
    path = shutil.which(name)
    found = ask(Path(path)) if path else None
    if found is None:
        raise NoPythons(f"{name} is no Python that runs here and makes environments.")
    return found


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    for directory in environ.get("PATH", "").split(os.pathsep):
        yield from _in(Path(directory))
    root = environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/")) / ".pyenv"
    for versions in sorted(Path(root).glob("versions/*/bin")):
        yield from _in(versions)


def _in(directory: Path) -> Iterator[Path]:
    if directory.is_dir():
        yield from sorted(path for path in directory.iterdir() if NAME.fullmatch(path.name))


def _seen(found: Iterable[Python]) -> str:
    seen = ", ".join(map(str, found)) or "none"
    return (
        f'Seen: {seen}. Name those to use, and say that it is enough: PYTHONS="python3.11 /path/to/python3".'
    )
