"""What processes write down as they go: lines of JSON in files that survive whoever wrote them.

A line is one write to the file, so being killed loses none that was begun before.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Pen:
    """Writes to a journal, which several processes may share."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, **facts: Any) -> None:
        """Write one line, with the time of the clock all processes share."""
        os.write(self._handle, json.dumps({"at": time.monotonic(), **facts}).encode() + b"\n")


class Journal:
    """A journal as it grows, seen by one reader."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = 0

    def new(self) -> Iterator[dict[str, Any]]:
        """Read what came since the last time."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._place)
            lines = file.read().split(b"\n")
        for line in lines[:-1]:
            self._place += len(line) + 1
            yield json.loads(line)
