"""A house behind the nginx example, under a path with TLS: what stands there, and who comes to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from substrack.channels.mailbox import KeptMail, MailboxChannel
from tests.deploy.certificates import Certificate
from tests.deploy.installations import Household, Installation, found_household
from tests.deploy.nginx import Ports, nginx
from tests.deploy.programs import Program
from tests.deploy.units import Unit
from tests.deploy.visitors import Reply, Visitor
from tests.fakes.smtp import free_port
from tests.support.databases import Databases

TOKEN: Final = {"Authorization": "Bearer g3Qz8rTn5vKw2xLp"}


@dataclass
class Front:
    """The house behind nginx, and who comes to it."""

    household: Household
    directory: Path
    ports: Ports
    base_url: str
    certificate: Certificate
    mail_dir: Path

    def visitor(self, address: str = "127.0.0.1") -> Visitor:
        """Let somebody come from an address."""
        return Visitor(self.base_url, self.certificate.trusted(), address)

    def page_of(self, place: int) -> str:
        """Give the link to a member's page."""
        return self.household.page_of(self.household.members[place])

    def mail_to(self, address: str) -> list[KeptMail]:
        """List the mail that somebody got."""
        kept = MailboxChannel(self.mail_dir).newest()
        return [mail for mail in kept if mail.to.strip("<>").endswith(address)]


@contextmanager
def fronted(
    databases: Databases, nginx_program: str, certificate: Certificate, directory: Path
) -> Iterator[Front]:
    """Run `serve` as its unit does, with nginx before it."""
    ports = Ports(free_port(), free_port(), [free_port()])
    base_url = f"https://localhost:{ports.https}/subs"
    with databases.lend("sqlite") as url:
        settings = {"base_url": base_url, "database_url": url, "port": str(ports.behind[0])}
        installed = Installation(
            directory, settings | {"trusted_proxies": "1", "metrics_token": TOKEN["Authorization"].split()[1]}
        )
        served = installed.program(Unit.read("substrack.service"))
        proxy = nginx(nginx_program, directory / "nginx", certificate, ports, under_path=True)
        with installed.opened() as runtime, served, proxy:
            household = found_household(runtime, "Ben", "Mia", "Theo")
            _until_both_answer(served, proxy, ports)
            yield Front(household, directory / "nginx", ports, base_url, certificate, runtime.mail_dir)


def _until_both_answer(served: Program, proxy: Program, ports: Ports) -> None:
    served.until_says("SubsTrack runs on")
    served.until_listening(ports.behind[0])
    proxy.until_listening(ports.https)


def sign_in(visitor: Visitor, email: str, password: str, **headers: str) -> Reply:
    """Post the form of signing in, with headers of one's own choice."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return visitor.send("/sign-in", [("email", email), ("password", password)], given)
