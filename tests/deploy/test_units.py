"""Claims about the systemd units: their command lines run as they stand, within what the units forbid."""

from __future__ import annotations

import http.client
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from substrack.bootstrap import Runtime
from substrack.queries.installation import load_installation
from substrack.settings import FROM_FILES
from substrack.worker.running import DRAIN_SECONDS
from tests.deploy import sandbox
from tests.deploy.installations import Installation
from tests.deploy.programs import Program, waited_until
from tests.deploy.units import BIND, NAMES, ROOT, UNITS, Unit
from tests.fakes.smtp import free_port
from tests.support.databases import Databases

SERVE, WEB, WORKER = (Unit.read(name) for name in NAMES)
DOES_WHAT_WE_NEED = """
import io, ssl
import argon2, cryptography.fernet, css_inline, psycopg
from PIL import Image
argon2.PasswordHasher().verify(argon2.PasswordHasher().hash("x"), "x")
Image.new("RGB", (900, 900)).resize((90, 90)).save(io.BytesIO(), "JPEG")
css_inline.inline("<style>p{color:red}</style><p>x")
cryptography.fernet.Fernet(cryptography.fernet.Fernet.generate_key()).encrypt(b"x")
ssl.create_default_context()
assert psycopg.pq.__impl__ == "binary"
"""
TRIES_WHAT_IS_FORBIDDEN = """
import mmap, os
for attempt in (
    lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    lambda: os.chroot("/"),
    lambda: os.nice(-1),
    lambda: os.setuid(1),
):
    try:
        attempt()
    except PermissionError:
        continue
    raise SystemExit("it was let")
"""
needs_sandbox = pytest.mark.skipif(
    not sandbox.is_there(), reason="no systemd-analyze or libseccomp (on Debian: apt-get install systemd)"
)


@pytest.fixture
def installed(databases: Databases, tmp_path: Path) -> Iterator[Installation]:
    """Give settings of a fresh installation, whose database has no tables yet."""
    port = free_port()
    with databases.lend("sqlite", migrated=False) as url:
        yield Installation(tmp_path, {"database_url": url, "port": str(port), "trusted_proxies": "1"})


def _status(port: int, path: str = "/readyz") -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    line.request("GET", path)
    status = line.getresponse().status
    line.close()
    return status


def _ready(program: Program, runtime: Runtime) -> None:
    program.until_says("runs")
    waited_until(lambda: _has_ticked(runtime))


def _has_ticked(runtime: Runtime) -> bool:
    with runtime.reading() as session:
        return load_installation(session).last_tick_at is not None


def test_serve_answers_works_and_ends_in_time(installed: Installation) -> None:
    port = int(installed.settings["port"])
    with installed.program(SERVE) as program:
        program.until_says("SubsTrack runs on")
        program.until_listening(port)
        assert _status(port) == 200
        with installed.opened() as runtime:
            _ready(program, runtime)
        assert program.stop(SERVE.stop_seconds) == 0


def test_the_worker_works_and_ends_in_time(installed: Installation) -> None:
    with installed.program(WORKER) as program:
        program.until_says("SubsTrack's worker runs")
        with installed.opened() as runtime:
            _ready(program, runtime)
        assert program.stop(WORKER.stop_seconds) == 0


def test_the_pages_are_prepared_answer_and_end_in_time(installed: Installation, tmp_path: Path) -> None:
    port = free_port()
    with installed.program(WEB, "ExecStartPre") as preparing:
        waited_until(lambda: preparing.status is not None)
        assert preparing.status == 0, preparing.said
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        program = installed.program(WEB, replaced={BIND: f"127.0.0.1:{port}"})
        program.environment = {**program.environment, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with program:
            assert b"READY=1" in systemd.recv(1024)  # Type=notify
            assert _status(port) == 200
            assert program.stop(WEB.stop_seconds) == 0


def test_pages_that_cannot_start_end_and_say_why(installed: Installation) -> None:
    port = free_port()
    fewer = {BIND: f"127.0.0.1:{port}", "--workers 2": "--workers 1"}
    with installed.program(WEB, replaced=fewer) as program:
        waited_until(lambda: program.status is not None)

    assert program.status not in (None, 0)  # or systemd would not start it again
    assert "migrate` first" in program.said


@needs_sandbox
def test_what_the_units_forbid_we_do_not_need() -> None:
    for script in (DOES_WHAT_WE_NEED, TRIES_WHAT_IS_FORBIDDEN):
        command = sandbox.boxed([sys.executable, "-c", script], SERVE.system_calls)
        ended = subprocess.run(command, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr


def test_all_units_forbid_the_same() -> None:
    told = {name: (UNITS / name).read_text().partition("\n# What it may write")[2] for name in NAMES}

    # But for what serves pages: it has figures of itself, which are made of /proc/stat.
    told = {name: re.sub(r"(# .*\n)?ProcSubset=.*\n", "", text) for name, text in told.items()}
    assert all(text.count("\n") > 25 for text in told.values())
    assert len(set(told.values())) == 1


@pytest.mark.parametrize("unit", [SERVE, WEB])
def test_what_serves_pages_may_read_what_its_figures_are_made_of(unit: Unit) -> None:
    assert unit.service.get("ProcSubset") == ["all"]  # `pid` leaves no /proc/stat (systemd.exec(5))


def test_nobody_is_cut_off_before_they_had_their_time() -> None:
    (gunicorn,) = WEB.commands()
    grace = float(gunicorn[gunicorn.index("--graceful-timeout") + 1])

    assert WORKER.stop_seconds >= DRAIN_SECONDS + 5
    assert SERVE.stop_seconds >= DRAIN_SECONDS + 15  # waitress ends first, in up to five seconds
    assert WEB.stop_seconds >= grace + 5


def test_secrets_come_as_credentials_under_the_names_of_settings() -> None:
    text = (UNITS / "credentials.conf").read_text()
    loaded = re.findall(r"^#?LoadCredential=([a-z-]+):/etc/substrack/([a-z-]+)$", text, re.MULTILINE)
    named = re.findall(r"^#?Environment=SUBSTRACK_([A-Z_]+)_FILE=%d/([a-z-]+)$", text, re.MULTILINE)

    command = re.search(r"^for name in (.*); do$", (ROOT / "deploy" / "substrack").read_text(), re.MULTILINE)
    assert command is not None
    assert set(command[1].split()) == set(FROM_FILES)  # the same files, for commands
    assert [one for one, _file in loaded] == [one for _name, one in named]
    assert all(one == file for one, file in loaded)
    assert all(name in FROM_FILES and name.lower().replace("_", "-") == one for name, one in named)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
@pytest.mark.parametrize("name", NAMES)
def test_systemd_finds_the_units_sound_and_little_exposed(name: str, tmp_path: Path) -> None:
    there = str(Path(sys.executable).parent)
    (tmp_path / name).write_text((UNITS / name).read_text().replace("/opt/substrack/.venv/bin", there))
    verify = ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)]
    # In tenths; what is left is that it talks to the network and shares the machine's file system.
    rate = [
        "systemd-analyze",
        "security",
        "--offline=true",
        "--no-pager",
        "--threshold=15",
        str(tmp_path / name),
    ]

    assert name not in subprocess.run(verify, capture_output=True, text=True).stderr
    assert subprocess.run(rate, capture_output=True).returncode == 0
