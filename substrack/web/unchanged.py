"""Give a page again while it would come out the same.

It would as long as nothing was committed since, which the database itself tells of the very rows that this
request would read, and while the clock shows the same minute. Who asks is known before: whether a session or
a link is still good is never remembered. Tokens of forms are new each time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Final

from flask import Flask, current_app, request, session

from substrack.queries.snapshots import snapshot_of
from substrack.web.drawing import LONGEST
from substrack.web.pieces import here, with_tokens, without_tokens
from substrack.web.reading import reading, runtime
from substrack.web.sessions import me

KEPT: Final = 24
"""How many pages a process keeps, the last ones that were asked for; some 100 kB each."""

_EXTENSION: Final = "substrack_unchanged"

Draw = Callable[[], str]


@dataclass(frozen=True)
class Moment:
    """When a page was drawn: from which rows, and in which minute."""

    snapshot: Hashable
    minute: datetime


@dataclass
class Shelf:
    """The pages of one process, each as it was last drawn."""

    pages: OrderedDict[Hashable, tuple[Moment, bytes]] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def find(self, name: Hashable, moment: Moment) -> str | None:
        """Find a page if it was drawn at a moment like this."""
        with self.lock:
            drawn, page = self.pages.get(name, (None, b""))
            if drawn != moment:
                return None
            self.pages.move_to_end(name)
        return page.decode()

    def keep(self, name: Hashable, moment: Moment, page: str) -> None:
        """Put a page where its last version was; the one that was not asked for longest makes room."""
        with self.lock:
            self.pages[name] = moment, page.encode()
            self.pages.move_to_end(name)
            if len(self.pages) > KEPT:
                self.pages.popitem(last=False)

    def clear(self) -> None:
        """Draw every page anew from here on."""
        with self.lock:
            self.pages.clear()


def init_unchanged(app: Flask) -> None:
    """Give an app its shelf."""
    app.extensions[_EXTENSION] = Shelf()


def shelf_of(app: Flask) -> Shelf:
    """Return the pages that an app keeps."""
    found: Shelf = app.extensions[_EXTENSION]
    return found


def my_page(draw: Draw) -> str:
    """Draw a page of who is signed in, or give it again; with a sentence for this time alone it is drawn."""
    return draw() if "_flashes" in session else same_page(draw, me())


def same_page(draw: Draw, reader: Hashable) -> str:
    """Draw the page at this address for a reader, or give it again.

    All it shows must come from the reading session, the address, the reader, the languages that the browser
    asks for, the settings and the minute; forms on it are empty and make nothing that is made twice by a
    second press.
    """
    if len(here()[-1]) > LONGEST:
        return draw()
    shelf, moment = shelf_of(current_app), _now()
    name = reader, here(), request.headers.get("Accept-Language")
    page = shelf.find(name, moment)
    if page is not None:
        return with_tokens(page)
    page = draw()
    shelf.keep(name, moment, without_tokens(page))
    return page


def _now() -> Moment:
    return Moment(snapshot_of(reading()), runtime().now().replace(second=0, microsecond=0))
