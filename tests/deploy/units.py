"""The systemd units, read as systemd reads them, with this machine's paths in place of an installation's."""

from __future__ import annotations

import shlex
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
UNITS: Final = ROOT / "deploy" / "systemd"
NAMES: Final = ("substrack.service", "substrack-web.service", "substrack-worker.service")
INSTALLED: Final = "/opt/substrack"
BIND: Final = "127.0.0.1:8000"
STATE: Final = "/var/lib/substrack"


@dataclass(frozen=True)
class Unit:
    """One unit: the values of each key of [Service], in order."""

    name: str
    service: dict[str, list[str]]

    @classmethod
    def read(cls, name: str) -> Unit:
        """Read a unit of deploy/."""
        service, section = defaultdict[str, list[str]](list), ""
        for line in (UNITS / name).read_text().splitlines():
            if line.startswith("["):
                section = line
            elif section == "[Service]" and line and not line.startswith("#"):
                key, _, value = line.partition("=")
                service[key].append(value)
        return cls(name, dict(service))

    def commands(self, key: str = "ExecStart", replaced: Mapping[str, str] = {}) -> list[list[str]]:
        """Split the command lines of a key, with the programs and code of this machine."""
        lines = []
        for line in self.service.get(key, []):
            here = line.replace(f"{INSTALLED}/.venv/bin", str(Path(sys.executable).parent))
            for before, after in replaced.items():
                here = here.replace(before, after)
            lines.append(shlex.split(here.replace(INSTALLED, str(ROOT))))
        return lines

    def environment(self, data_dir: Path) -> dict[str, str]:
        """Give what Environment= sets, with a data directory of the test's."""
        given = [pair for line in self.service.get("Environment", []) for pair in shlex.split(line)]
        pairs = dict(pair.split("=", 1) for pair in given)
        return {name: value.replace(STATE, str(data_dir)) for name, value in pairs.items()}

    @property
    def stop_seconds(self) -> float:
        """How long systemd waits after SIGTERM before it kills."""
        (seconds,) = self.service["TimeoutStopSec"]
        return float(seconds)

    @property
    def system_calls(self) -> list[str]:
        """The words of SystemCallFilter=, in order."""
        return self.service["SystemCallFilter"]
