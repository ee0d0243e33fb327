"""Golden files: the exact words of every letter, rewritten by `pytest tests/texts --update-golden`.

And all that the program says, gathered anew.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from substrack.bootstrap import ROOT

GOLDEN = Path(__file__).parents[1] / "golden" / "letters"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files of letters")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare text with a kept file, or keep it when asked to."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden", default=False):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"no golden file {name}; look at the text and run with --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What the program says, gathered as `make words` gathers it."""
    template = tmp_path_factory.mktemp("words") / "messages.pot"
    pybabel = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "babel.cfg"]
    command = [*pybabel, "--no-location", "-o", str(template), "."]
    subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=True, timeout=120)
    with template.open("rb") as file:
        return read_po(file)
