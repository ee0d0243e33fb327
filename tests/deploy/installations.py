"""One installation on this machine: its settings, its household, and the units that run on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from substrack.bootstrap import Runtime, make_runtime
from substrack.domain.cycles import Unit as Span
from substrack.services.links import renew_pay_link
from substrack.settings import load_settings
from substrack.store import Member
from tests.deploy import sandbox
from tests.deploy.programs import Program
from tests.deploy.units import ROOT, Unit
from tests.support.cast import Cast
from tests.web.admin import cast_of
from tests.web.support import found_home


@dataclass(frozen=True)
class Installation:
    """What stands in substrack.env, and the directory of the data."""

    data_dir: Path
    settings: dict[str, str]

    @cached_property
    def environment(self) -> dict[str, str]:
        """The settings as a process of this installation has them, but for what units add."""
        return {f"SUBSTRACK_{name.upper()}": value for name, value in self.settings.items()}

    @contextmanager
    def opened(self) -> Iterator[Runtime]:
        """Work with it from within the test."""
        own = {"SUBSTRACK_DATA_DIR": str(self.data_dir)}
        runtime = make_runtime(load_settings(self.environment | own))
        try:
            yield runtime
        finally:
            runtime.close()

    def program(
        self, unit: Unit, key: str = "ExecStart", *, is_boxed: bool = True, replaced: Mapping[str, str] = {}
    ) -> Program:
        """Prepare a unit's command line with its environment, on this machine's paths.

        What the unit forbids is forbidden, where this machine can do that: see `sandbox`.
        """
        (command,) = unit.commands(key, replaced)
        if is_boxed and sandbox.is_there():
            command = sandbox.boxed(command, unit.system_calls)
        output = self.data_dir / f"{unit.name}.{len(list(self.data_dir.glob('*.log')))}.log"
        output.touch()
        return Program(command, self.environment | unit.environment(self.data_dir), ROOT, output)


@dataclass(frozen=True)
class Household:
    """Olga's workspace, in which everybody owes one payment since yesterday, and how they reach it."""

    cast: Cast
    members: list[Member]
    user_id: int

    def page_of(self, member: Member) -> str:
        """Write the link to a member's page, as letters carry it."""
        runtime = self.cast.runtime
        now = runtime.now()
        link = self.cast.do(renew_pay_link, member.contact_id, workspace_id=self.cast.workspace_id, now=now)
        return runtime.signer.url(link)


def found_household(runtime: Runtime, *names: str) -> Household:
    """Let people share something by the week with Olga; nobody is asked before the day after tomorrow."""
    home = found_home(runtime)
    cast, now = cast_of(runtime, home), runtime.now()
    yesterday = (now - timedelta(days=1)).date()
    group = cast.group(price=f"{len(names) + 1}.00", unit=Span.WEEK, starts_on=yesterday)
    members = [cast.join(group, name) for name in names]
    cast.tick(now)
    return Household(cast, members, home.user_id)
