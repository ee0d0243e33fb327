"""Each import contract catches what it is there for, shown on a copy of the package with a planted import."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "substrack", tmp_path / "substrack", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize(
    ("contract", "module", "code"),
    [
        ("layers", "services/planted.py", "import substrack.worker"),
        ("layers", "texts/planted.py", "import substrack.queries"),
        ("layers", "planted.py", ""),
        ("pure", "domain/planted.py", "import os"),
        ("pure", "domain/planted.py", "import sqlalchemy"),
        ("pure", "domain/planted.py", "import substrack.settings"),
        ("channels", "channels/planted.py", "import substrack.queries"),
        ("channels", "channels/planted.py", "import sqlalchemy"),
        ("flask", "services/planted.py", "import flask"),
        ("flask", "cli/planted.py", "import flask_login"),
        ("tables", "web/planted.py", "import substrack.store"),
        ("tables", "cli/planted.py", "from substrack.store import planted"),
        ("siblings", "services/planted.py", "import substrack.services.planted_too"),
    ],
)
def test_a_planted_import_breaks_its_contract(checkout: Path, contract: str, module: str, code: str) -> None:
    (checkout / "substrack" / "services" / "planted_too.py").write_text("import substrack.services.planted")
    (checkout / "substrack" / "services" / "planted.py").touch()
    (checkout / "substrack" / module).write_text(code)

    assert "0 kept, 1 broken" in lint(checkout, contract)


def test_nothing_is_broken_before_anything_is_planted(checkout: Path) -> None:
    assert " 0 broken" in lint(checkout)


def lint(checkout: Path, *contracts: str) -> str:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    for contract in contracts:
        command += ["--contract", contract]
    return subprocess.run(command, cwd=checkout, check=False, capture_output=True, text=True).stdout
