"""Claims about styles and pictures: all served from here, and none missing."""

from __future__ import annotations

import re
from posixpath import join, normpath
from xml.etree import ElementTree

import pytest
from flask import Flask

from substrack.bootstrap import ROOT
from substrack.web.pages import NAV, SETTING_SENTENCES
from tests.web.support import Browser

pytestmark = pytest.mark.only_sqlite

SVG = "{http://www.w3.org/2000/svg}"
PAGES = ["/", "/profile", "/admins"]
OPEN_PAGES = ["/sign-in", "/reset", "/reset/x", "/nothing"]


def test_every_imported_style_is_there(zed: Browser) -> None:
    styles = zed.get("/static/css/app.css").text
    imported = re.findall(r'@import url\("([^"]+)"\)', styles)

    assert len(imported) > 5
    for name in imported:
        assert zed.get(normpath(join("/static/css", name))).status_code == 200, name


def test_everything_a_page_loads_comes_from_here(olga: Browser, zed: Browser) -> None:
    texts = [olga.get(path).text for path in PAGES] + [zed.get(path).text for path in OPEN_PAGES]
    loaded = {found for text in texts for found in re.findall(r'(?:src|href)="([^"]*)"', text)}

    assert all(found.startswith("/") and not found.startswith("//") for found in loaded - {"#main"})
    for found in loaded:
        if "/static/" in found:
            assert zed.get(found.partition("#")[0]).status_code == 200, found


def test_every_icon_that_is_named_is_drawn(app: Flask) -> None:
    drawn = {symbol.get("id") for symbol in ElementTree.parse(ROOT / "static/icons.svg").iter(f"{SVG}symbol")}
    templates = [path.read_text("utf-8") for path in (ROOT / "templates").rglob("*.html")]
    written = {name for text in templates for name in re.findall(r'ui\.icon\("([^"]+)"\)', text)}

    assert written | {item.icon for item in NAV} | set(SETTING_SENTENCES) <= drawn


def test_colours_are_named_in_one_file_only() -> None:
    for path in (ROOT / "static/css").glob("*.css"):
        if path.name != "tokens.css":
            assert not re.findall(r"#[0-9a-f]{3,8}\b", path.read_text("utf-8")), path.name
