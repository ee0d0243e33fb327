"""Pictures of the pages of the sample workspace that `demo` makes: `python -m tests.browser.screenshots`.

Fills docs/screenshots with what the documents show; with `--all --out DIR` writes every page, whole, in both
sizes and themes, to be looked at. The sample lives on a fixed day, so a picture changes when its page does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
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
from tests.browser.poses import (
    Pose,
    look_whom_to_ask,
    stand_still,
    try_a_price,
    type_a_group,
    unfold_more,
)
from tests.browser.sample import furnish
from tests.browser.scene import Scene
from tests.browser.site import open_site
from tests.browser.visits import VISITS, visit, visitor
from tests.browser.windows import USUAL, Look, Scheme, Size, chromium, find_chromium, open_window
from tests.web.support import TurnableClock

NOW: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)
PLACE: Final = ROOT / "docs" / "screenshots"


@dataclass(frozen=True)
class Picture:
    """What is visited, how it looks, and what somebody does there before the picture is taken."""

    visited: str
    look: Look = USUAL
    pose: Pose = stand_still
    is_whole: bool = False


PHONE: Final = Look("phone")
SHOWN: Final = {
    "home": Picture("home.show"),
    "home-phone": Picture("home.show", PHONE),
    "home-dark": Picture("home.show", Look(scheme="dark")),
    "group": Picture("groups.show"),
    "new-group": Picture("group_terms.ask_new", pose=type_a_group),
    "change": Picture("prices.show", pose=try_a_price),
    "ask-phone": Picture("groups.show_list", PHONE, look_whom_to_ask),
    "pay-phone": Picture("pay.show to who owes", PHONE),
    "pay-more-phone": Picture("pay.show to who owes", PHONE, unfold_more),
}


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
            for name, picture in (_everything() if everything else SHOWN).items():
                _take(browser, scene, picture, out / f"{name}.png")
                click.echo(out / f"{name}.png")


def _make_sample(data_dir: Path) -> None:
    """Let `demo` fill a directory, unless it did before."""
    environment = {"PATH": os.environ["PATH"], "SUBSTRACK_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "substrack", "demo", "--no-serve", "--now", NOW.isoformat()]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


def _everything() -> dict[str, Picture]:
    looks = product(VISITS, get_args(Size), get_args(Scheme))
    return {
        f"{visited.replace(' ', '-')}-{size}-{scheme}": Picture(visited, Look(size, scheme), is_whole=True)
        for visited, size, scheme in looks
    }


def _take(browser: Browser, scene: Scene, picture: Picture, file: Path) -> None:
    with open_window(browser, scene.site, picture.look, user_id=visitor(scene, picture.visited)) as window:
        visit(window, scene, picture.visited)
        picture.pose(window)
        if not picture.is_whole:  # what this trial's settings mean is nothing to show
            window.page.evaluate("() => document.querySelectorAll('.banner').forEach(one => one.remove())")
        taken = window.page.screenshot(full_page=picture.is_whole)
    Image.open(BytesIO(taken)).quantize(256).save(file, optimize=True)


if __name__ == "__main__":
    main()
