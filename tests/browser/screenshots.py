"""Pictures of the pages of the sample workspace that `demo` makes: `python -m tests.browser.screenshots`.

Fills docs/screenshots with what the documents show; with `--all --out DIR` writes every page, whole, in both
sizes and themes, to be looked at. The sample lives on a fixed day, so a picture changes when its page does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, get_args

import click
from PIL import Image
from playwright.sync_api import Browser

from substrack.bootstrap import ROOT
from tests.browser.sample import furnish
from tests.browser.scene import Scene
from tests.browser.site import open_site
from tests.browser.visits import VISITS, visit, visitor
from tests.browser.windows import Look, Scheme, Size, chromium, find_chromium, open_window
from tests.web.support import TurnableClock

NOW: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)
PLACE: Final = ROOT / "docs" / "screenshots"
SHOWN: Final = {
    "home": "home.show",
    "group": "groups.show",
    "review": "review.show",
    "pay": "pay.show to who owes",
}
SHOWN_DARK: Final = ("home", "pay")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=PLACE, help="Where pictures go.")
@click.option("--all", "everything", is_flag=True, help="Every page, whole, in both sizes and themes.")
@click.option(
    "--demo", type=click.Path(path_type=Path), help="Keep the sample here; making it takes a while."
)
def main(*, out: Path, everything: bool, demo: Path | None) -> None:
    """Take pictures of the sample workspace."""
    path = find_chromium()
    if path is None:
        raise click.ClickException("There is no Chromium here (on Debian: apt-get install chromium).")
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as passing, chromium(path) as browser:
        data_dir = (demo or Path(passing)).absolute()
        _make_sample(data_dir)
        database_url = f"sqlite:///{data_dir / 'substrack.db'}"
        with open_site(database_url, data_dir, TurnableClock(NOW)) as site:
            scene = furnish(site)
            for name, visited, look in _everything() if everything else _shown():
                _take(browser, scene, visited, look, out / f"{name}.png", is_whole=everything)
                click.echo(out / f"{name}.png")


def _make_sample(data_dir: Path) -> None:
    """Let `demo` fill a directory, unless it did before."""
    environment = {"PATH": os.environ["PATH"], "SUBSTRACK_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "substrack", "demo", "--no-serve", "--now", NOW.isoformat()]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


def _shown() -> Iterator[tuple[str, str, Look]]:
    """List what the documents show: in light, and some in dark as well."""
    for (name, visited), size in product(SHOWN.items(), get_args(Size)):
        for scheme in ("light", "dark") if name in SHOWN_DARK else ("light",):
            yield _file_name(name, size, scheme), visited, Look(size, scheme)


def _everything() -> Iterator[tuple[str, str, Look]]:
    for visited, size, scheme in product(VISITS, get_args(Size), get_args(Scheme)):
        yield f"{visited.replace(' ', '-')}-{size}-{scheme}", visited, Look(size, scheme)


def _file_name(name: str, size: Size, scheme: Scheme) -> str:
    """Name what is usual only by its page: `home`, `home-phone`, `home-phone-dark`."""
    return "-".join([name, *(["phone"] if size == "phone" else []), *(["dark"] if scheme == "dark" else [])])


def _take(browser: Browser, scene: Scene, visited: str, look: Look, file: Path, *, is_whole: bool) -> None:
    with open_window(browser, scene.site, look, user_id=visitor(scene, visited)) as window:
        visit(window, scene, visited)
        if not is_whole:  # what this trial's settings mean is nothing to show
            window.page.evaluate("() => document.querySelectorAll('.banner').forEach(one => one.remove())")
        picture = window.page.screenshot(full_page=is_whole)
    Image.open(BytesIO(picture)).quantize(256).save(file, optimize=True)


if __name__ == "__main__":
    main()
