"""Claims about the examples that no test can run: containers, Caddy, the firewall."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import fields_dict

from substrack.cli import COMMANDS
from substrack.settings import FROM_FILES, PREFIX, Settings
from tests.deploy.plain_yaml import PlainYaml
from tests.deploy.units import ROOT, Unit
from tests.support.databases import Databases

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = PlainYaml((DEPLOY / "docker" / "compose.yaml").read_text()).value
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"] == "substrack"}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text()
KNOWN = {PREFIX + name.upper() for name in fields_dict(Settings)} | {
    f"{PREFIX}{one}_FILE" for one in FROM_FILES
}


def _commands() -> list[list[str]]:
    units = [
        Unit.read(name) for name in ("substrack.service", "substrack-web.service", "substrack-worker.service")
    ]
    run = [line for unit in units for key in ("ExecStart", "ExecStartPre") for line in unit.commands(key)]
    return run + [shlex.split(each["command"]) for each in OURS.values() if "command" in each]


def test_every_command_that_is_run_exists() -> None:
    named = [line[line.index("substrack") + 1] for line in _commands() if "substrack" in line]

    assert set(named) == {"serve", "worker", "migrate"}
    assert set(named) <= set(COMMANDS)


def test_pages_are_run_the_same_way_everywhere() -> None:
    lines = [line[1:] for line in _commands() if line[0].endswith("gunicorn")]
    readme = re.findall(r"bin/gunicorn (.*)", (ROOT / "README.md").read_text())
    (of_unit, of_container) = [[word for word in line if "8000" not in word] for line in lines]

    assert of_unit == of_container
    for flag in ("--workers 2", "--threads 8"):
        assert all(flag in line for line in (*readme, " ".join(of_unit)))


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*")), ids=lambda path: path.name)
def test_every_setting_that_is_named_is_one(path: Path) -> None:
    named = set(re.findall(r"SUBSTRACK_[A-Z_]*[A-Z]", path.read_text())) if path.is_file() else set()

    assert named <= KNOWN | {"SUBSTRACK_"}


def test_containers_are_published_to_this_machine_alone() -> None:
    ports = [port for each in SERVICES.values() for port in each.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "ports" not in SERVICES["db"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_can_write_only_their_data(name: str) -> None:
    each = OURS[name]

    assert each["read_only"] is True
    assert (each["cap_drop"], each["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert each["volumes"] == ["data:/data"]
    assert int(each["stop_grace_period"].removesuffix("s")) >= Unit.read("substrack.service").stop_seconds


def test_each_profile_is_whole_and_takes_the_port_once() -> None:
    profiles = {
        profile: {name for name, each in SERVICES.items() if each["profiles"] == [profile]}
        for profile in ("small", "large")
    }

    assert profiles == {"small": {"serve"}, "large": {"web", "worker", "migrate", "db"}}
    for names in profiles.values():
        assert [port for name in names for port in SERVICES[name].get("ports", [])] == ["127.0.0.1:8000:8000"]
        assert all(set(SERVICES[name].get("depends_on", {})) <= names for name in names)


def test_secrets_are_files_that_are_declared() -> None:
    used = {secret for each in SERVICES.values() for secret in each.get("secrets", [])}

    assert used == set(COMPOSE["secrets"])
    for each in SERVICES.values():
        for name, value in each.get("environment", {}).items():
            assert name.endswith("_FILE") or not re.search("PASSWORD|URL|TOKEN|KEY", name)
            assert not name.endswith("_FILE") or Path(value).name in each["secrets"]


def test_the_image_runs_as_nobody_special_from_exact_versions() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    user = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)

    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases[0])
    assert int(user[-1]) > 1000
    assert "--require-hashes --only-binary :all:" in DOCKERFILE
    assert not re.search("apt-get|gcc|build-essential", DOCKERFILE)
    assert re.search(r"^VOLUME /data$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*\n.*/healthz", DOCKERFILE, re.MULTILINE)


def test_the_image_takes_in_all_that_the_program_is_and_nothing_else() -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE)
    ignore = (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    let_in = [line[1:] for line in ignore if line.startswith("!")]

    assert "*" in ignore
    assert sorted(copied) == sorted(let_in) == [
        "migrations", "requirements.txt", "static", "substrack", "templates", "wsgi.py",
    ]  # fmt: skip
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_lead_to_what_is_there(page: Path) -> None:
    text = page.read_text()
    links = [where for where in re.findall(r"\]\(([^)\s]+)\)", text) if ":" not in where]
    typed = re.findall(r"(?<![\w/])deploy/[\w./-]*\w", text)

    assert [where for where in links if not _is_there(page, where)] == []
    assert [where for where in typed if not (ROOT / where).exists()] == []


def _is_there(page: Path, where: str) -> bool:
    """Tell whether a link leads to a file, and to a heading of it if it names one, as GitHub writes them."""
    path, _, anchor = where.partition("#")
    file = page.parent / path if path else page
    if not anchor:
        return file.exists()
    titles = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
    return anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_both_proxies_hide_and_allow_the_same() -> None:
    nginx, caddy = ((DEPLOY / name).read_text() for name in ("nginx/substrack.conf", "caddy/Caddyfile"))

    assert sorted(re.findall(r"location = (/\w+)", nginx)) == ["/metrics", "/readyz"]
    assert "@private path /readyz /metrics\n\trespond @private 404" in caddy
    assert re.findall(r"client_max_body_size (\d+)m", nginx) == ["1", "12"]
    assert re.findall(r"max_size (\d+)MB", caddy) == ["13"]
    assert "Strict-Transport-Security " not in re.sub(r"^ *#.*", "", nginx + caddy, flags=re.MULTILINE)


def test_caddy_says_of_no_request_whose_link_it_carried() -> None:
    caddy = (DEPLOY / "caddy" / "Caddyfile").read_text()
    options = re.search(r"^\{\n(.*?)^\}", caddy, re.MULTILINE | re.DOTALL)

    assert options is not None
    assert "log default {" in options[1]
    assert {"request>uri delete", "request>headers delete"} <= set(options[1].replace("\t", "").splitlines())
    assert re.findall(r"^\s*(log\b.*)", caddy, re.MULTILINE) == ["log default {"]  # and none for access


def test_the_database_in_containers_is_the_one_that_tests_run_on(databases: Databases) -> None:
    image = str(SERVICES["db"]["image"])
    with databases.lend("postgresql", migrated=False) as url:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            tried = connection.scalar(sa.text("SHOW server_version"))
        engine.dispose()

    assert image.removeprefix("postgres:").partition(".")[0] == str(tried).partition(".")[0]


@pytest.mark.parametrize("script", ["substrack", "ufw.sh"])
def test_scripts_can_be_run(script: str) -> None:
    checked = subprocess.run(["sh", "-n", str(DEPLOY / script)], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stderr
    assert os.access(DEPLOY / script, os.X_OK)


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("runuser") is None, reason="only root may be others")
def test_a_command_gets_the_settings_and_secrets_of_the_service(tmp_path: Path) -> None:
    settings, python = tmp_path / "etc", tmp_path / "code" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nenv | grep SUBSTRACK | sort\n')
    python.chmod(0o755)
    settings.mkdir()
    (settings / "substrack.env").write_text('SUBSTRACK_OIDC_LABEL="Our house"\n')
    (settings / "smtp-password").write_text("p'a\"s $s\n")
    script = (DEPLOY / "substrack").read_text().replace("-u substrack", "-u root")
    for before, after in (("/opt/substrack", tmp_path / "code"), ("/etc/substrack", settings)):
        script = script.replace(before, str(after))

    command = ["sh", "-c", script, "substrack", "user", "add", "--name", "Olga Example"]
    ran = subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)

    assert ran.stdout.splitlines() == [
        "-m", "substrack", "user", "add", "--name", "Olga Example",
        "SUBSTRACK_DATA_DIR=/var/lib/substrack",
        "SUBSTRACK_OIDC_LABEL=Our house",
        "SUBSTRACK_SMTP_PASSWORD=p'a\"s $s",
    ], ran.stderr  # fmt: skip


@pytest.mark.parametrize(
    ("line", "is_taken"),
    [
        ("SUBSTRACK_OIDC_LABEL=house", True),
        ("SUBSTRACK_OIDC_LABEL='our & your $house'", True),
        ('SUBSTRACK_OIDC_LABEL="Our house"', True),
        ("# SUBSTRACK_OIDC_LABEL=our house", True),
        ("SUBSTRACK_BASE_URL=https://subs.example.org/a?b#c ", True),
        ("SUBSTRACK_DATABASE_URL=postgresql://db/subs?sslmode=verify-full&target_session_attrs=any", False),
        ("SUBSTRACK_OIDC_LABEL=our house", False),
        ("SUBSTRACK_OIDC_LABEL=$HOME", False),
        ('SUBSTRACK_OIDC_LABEL="$HOME"', False),
    ],
)
def test_a_line_that_the_shell_reads_otherwise_is_refused(tmp_path: Path, line: str, is_taken: bool) -> None:
    """Else a command would work on another database than the service, without a word."""
    code, tools = tmp_path / "code", tmp_path / "tools"
    for path, lines in {
        code / ".venv" / "bin" / "python": "true\n",
        tools / "id": "echo 0\n",
        tools / "runuser": 'shift 3\nexec "$@"\n',
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{lines}")
        path.chmod(0o755)
    (tmp_path / "substrack.env").write_text(f"SUBSTRACK_PORT=8000\n{line}\n")
    script = (DEPLOY / "substrack").read_text()
    script = script.replace("/opt/substrack", str(code)).replace("/etc/substrack", str(tmp_path))

    environment = {"PATH": f"{tools}:{os.environ['PATH']}"}
    ran = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True)

    assert ran.returncode == (0 if is_taken else 1), ran.stderr
    assert is_taken or f"2:{line}\nPut what follows" in ran.stderr


def test_a_command_runs_elsewhere_and_hears_what_is_piped_to_it(tmp_path: Path) -> None:
    code, tools, here = tmp_path / "code", tmp_path / "tools", tmp_path / "here"
    for directory in (code / ".venv" / "bin", tools, here):
        directory.mkdir(parents=True)
    (tmp_path / "substrack.env").touch()
    for path, lines in {
        code / ".venv" / "bin" / "python": 'pwd\nprintf "%s\\n" "$@"\ncat\n',
        tools / "id": "echo 0\n",
        tools / "runuser": 'shift 3\nexec "$@"\n',
    }.items():
        path.write_text(f"#!/bin/sh\n{lines}")
        path.chmod(0o755)
    script = (DEPLOY / "substrack").read_text()
    script = script.replace("/opt/substrack", str(code)).replace("/etc/substrack", str(tmp_path))

    ran = subprocess.run(
        ["sh", "-c", script, "substrack", "move-database", "-", "url"],
        env={"PATH": f"{tools}:{os.environ['PATH']}"}, cwd=here, input="postgresql://x\n",
        capture_output=True, text=True,
    )  # fmt: skip

    # A relative path would be looked for in the program's directory, so the pages name whole ones, or stdin.
    said = [str(code), "-m", "substrack", "move-database", "-", "url", "postgresql://x"]
    assert ran.stdout.splitlines() == said, ran.stderr
    for page in PAGES:
        assert not re.search(
            r"sudo substrack [^`\n]*(--url-file|--key|restore) (?!/)[\w.]", page.read_text()
        ), page
