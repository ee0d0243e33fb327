"""Give a page again while it would come out the same.

It would as long as nothing was committed since, which the database itself tells of the very rows that this
request would read, and while the clock shows the same minute. After that the rows are read, and the page is
drawn only when they say something else. Who asks is known before: whether a session or a link is still good
is never remembered. Tokens of forms are new each time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import Any, Final

from flask import Flask, current_app, g, render_template, request, session

from substrack.queries.snapshots import snapshot_of
from substrack.web.drawing import LONGEST
from substrack.web.forms import PageForm
from substrack.web.pieces import here, with_tokens, without_tokens
from substrack.web.reading import reading, runtime
from substrack.web.sessions import me

KEPT: Final = 16
"""How many pages a process keeps, the last ones that were asked for: up to 100 kB each, and with the values
of the largest 250 kB more."""

_EXTENSION: Final = "substrack_unchanged"

Draw = Callable[[], str]
Values = tuple[str, dict[str, object]]


@dataclass(frozen=True)
class Moment:
    """When a page was drawn: from which rows, and in which minute."""

    snapshot: Hashable
    minute: datetime


@dataclass(frozen=True)
class CachedPage:
    """A page as it was last drawn: when, from which values, and what came of them."""

    moment: Moment
    values: Values
    page: bytes


@dataclass
class Drawing:
    """A page that is being drawn: the last one at its place, and from which values this one is."""

    last: CachedPage | None
    values: Values = "", {}
    is_new: bool = True


@dataclass
class PageCache:
    """The pages of one process, each as it was last drawn."""

    pages: OrderedDict[Hashable, CachedPage] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def find(self, name: Hashable) -> CachedPage | None:
        """Find a page as it was last drawn."""
        with self.lock:
            found = self.pages.get(name)
            if found is not None:
                self.pages.move_to_end(name)
        return found

    def keep(self, name: Hashable, page: CachedPage) -> None:
        """Put a page where its last version was; the one that was not asked for longest makes room."""
        with self.lock:
            self.pages[name] = page
            self.pages.move_to_end(name)
            if len(self.pages) > KEPT:
                self.pages.popitem(last=False)

    def clear(self) -> None:
        """Draw every page anew from here on."""
        with self.lock:
            self.pages.clear()


def init_unchanged(app: Flask) -> None:
    """Give an app its cache."""
    app.extensions[_EXTENSION] = PageCache()


def page_cache_of(app: Flask) -> PageCache:
    """Return the pages that an app keeps."""
    found: PageCache = app.extensions[_EXTENSION]
    return found


def my_page(draw: Draw) -> str:
    """Draw a page of who is signed in, or give it again; with a sentence for this time alone it is drawn."""
    return draw() if "_flashes" in session else same_page(draw, me())


def same_page(draw: Draw, reader: Hashable) -> str:
    """Draw the page at this address for a reader, or give it again.

    All it shows must come from the reading session, the address, the reader, the languages that the browser
    asks for, the settings and the minute, or may be a minute old, as the room on the disk; forms on it are
    empty and make nothing that is made twice by a second press.
    """
    languages = request.headers.get("Accept-Language", "")
    if len(here()[-1]) + len(languages) > LONGEST:
        return draw()
    cache, moment = page_cache_of(current_app), _now()
    name = reader, here(), languages
    last = cache.find(name)
    if last is not None and last.moment == moment:
        return with_tokens(last.page.decode())
    g.drawing = drawing = Drawing(last)
    page = draw()
    if last is None or drawing.is_new:
        cache.keep(name, CachedPage(moment, drawing.values, without_tokens(page).encode()))
    else:
        cache.keep(name, replace(last, moment=moment))
    return page


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """Render a template; on a page of `same_page`, give what came of the same values the last time."""
    drawing: Drawing | None = g.get("drawing")
    if drawing is None:
        return render_template(template, **values)
    drawing.values = template, {name: _comparable(one) for name, one in values.items()}
    if drawing.last is not None and drawing.last.values == drawing.values:
        drawing.is_new = False
        return drawing.last.page.decode()
    return render_template(template, **values)


def _comparable(value: object) -> object:
    """Let a form be compared by how it looks: each request makes its own."""
    return value.look() if isinstance(value, PageForm) else value


def _now() -> Moment:
    return Moment(snapshot_of(reading()), runtime().now().replace(second=0, microsecond=0))
