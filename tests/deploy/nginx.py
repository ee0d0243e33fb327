"""Real nginx with the site of deploy/; only names, ports and the places of files are replaced."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.deploy.certificates import Certificate
from tests.deploy.programs import Program
from tests.deploy.units import ROOT

SITE: Final = ROOT / "deploy" / "nginx" / "substrack.conf"
TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Ports:
    """Where nginx listens, and where those that it asks do."""

    http: int
    https: int
    behind: Sequence[int]


def find_nginx() -> str | None:
    """Find the program, which Debian keeps where only root looks."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def nginx(
    program: str, directory: Path, certificate: Certificate, ports: Ports, *, under_path: bool
) -> Program:
    """Prepare nginx with the example, put under /subs as its first lines say if wanted."""
    for name in TEMPORARY:
        (directory / name).mkdir(parents=True)
    site = directory / "substrack.conf"
    site.write_text(_for_test(SITE.read_text(), directory, certificate, ports))
    if under_path:
        subprocess.run([*_sed_of(SITE.read_text()), str(site)], check=True)
    main = directory / "nginx.conf"
    main.write_text(_main(directory))
    command = [program, "-p", str(directory), "-c", str(main), "-e", str(directory / "error.log")]
    return Program(command, {}, directory, directory / "output")


def _for_test(site: str, directory: Path, certificate: Certificate, ports: Ports) -> str:
    servers = "".join(f"server 127.0.0.1:{port} fail_timeout=5s;\n" for port in ports.behind)
    replaced = {
        r"^ *listen \[::\].*\n": "",  # IPv6 is not on every machine
        r"listen 80;": f"listen 127.0.0.1:{ports.http};",
        r"listen 443 ": f"listen 127.0.0.1:{ports.https} ",
        r"server 127\.0\.0\.1:8000 fail_timeout=5s;\n": servers,
        r"server_name subs\.example\.org;": "server_name localhost;",
        r"/etc/letsencrypt/live/subs\.example\.org/fullchain\.pem": str(certificate.chain),
        r"/etc/letsencrypt/live/subs\.example\.org/privkey\.pem": str(certificate.key),
        r"/var/log/nginx": str(directory),
    }
    for before, after in replaced.items():
        site, times = re.subn(before, after, site, flags=re.MULTILINE)
        assert times, f"the example has no {before}"
    return site


def _sed_of(site: str) -> list[str]:
    """Find the line that puts the site under a path, without its file."""
    (line,) = re.findall(r"^# +(sed -i .*) /etc/nginx/\S+$", site, flags=re.MULTILINE)
    return shlex.split(line)


def _main(directory: Path) -> str:
    places = "".join(f"  {name}_temp_path {directory / name};\n" for name in TEMPORARY)
    user = "user root;\n" if os.getuid() == 0 else ""  # else it could not look into the test's directory
    return (
        f"daemon off;\nworker_processes 1;\n{user}pid {directory / 'pid'};\n"
        f"error_log {directory / 'error.log'} warn;\nevents {{}}\n"
        f"http {{\n{places}  access_log off;\n  include {directory / 'substrack.conf'};\n}}\n"
    )
