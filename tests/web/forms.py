"""What a browser would send: the fields of one form of a page as they stand, its hidden token among them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

from sqlalchemy import event
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime
from tests.web.support import Browser


def fill(page: str, holding: str) -> dict[str, Any]:
    """Read the fields of the first form that has a field of this name."""
    reader = _Reader()
    reader.feed(page)
    return next(form for form in reader.forms if holding in form or holding in reader.names_of(form))


def send(who: Browser, page: str, holding: str, to: str | None = None, **typed: Any) -> TestResponse:
    """Fill in the form of a page that has the field `holding`, and send it."""
    return who.client.post(to or page, data=fill(who.get(page).text, holding) | typed)


def apply(
    who: Browser, page: str, holding: str, to: str | None = None, *, tell: bool = True, **typed: Any
) -> TestResponse:
    """Send a form that shows what it would do, and press “Apply” on that page."""
    shown = send(who, page, holding, to, **typed)
    assert shown.status_code == 200, "nothing was shown to be applied"
    seen = fill(shown.text, "seen")
    if not tell:
        seen.pop("tell", None)
    return who.client.post(to or page, data=seen)


def press(who: Browser, page: str, to: str, **fields: Any) -> TestResponse:
    """Press a button of a page that posts to `to`, with what its form says of itself: token and version."""
    reader = _Reader()
    reader.feed(who.get(page).text)
    token = next(form for form in reader.forms if "csrf_token" in form)["csrf_token"]
    return who.client.post(to, data={"csrf_token": token} | reader.hidden.get(to, {}) | fields)


@contextmanager
def counted(runtime: Runtime) -> Iterator[list[str]]:
    """Collect the statements that reading sends to the database."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        found.append(statement)

    event.listen(runtime.read_engine, "before_cursor_execute", note)
    yield found
    event.remove(runtime.read_engine, "before_cursor_execute", note)


class _Reader(HTMLParser):
    """Collects the forms of a page; unticked boxes are named but not sent."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.hidden: dict[str, dict[str, str]] = {}
        self._names: list[set[str]] = []
        self._action = ""
        self._select = self._area = ""

    def names_of(self, form: dict[str, Any]) -> set[str]:
        return self._names[next(place for place, one in enumerate(self.forms) if one is form)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name = found.get("name") or ""
        if tag == "form":
            self.forms.append({})
            self._names.append(set())
            self._action = found.get("action") or ""
        if not self.forms:
            return
        if name and tag in ("input", "select", "textarea"):
            self._names[-1].add(name)
        is_off = found.get("type") in ("checkbox", "radio") and "checked" not in found
        if tag == "input" and name and not is_off:
            self._put(name, found.get("value") or "", several=found.get("type") == "checkbox")
        if name and found.get("type") == "hidden":
            self.hidden.setdefault(self._action, {})[name] = found.get("value") or ""
        self._select = name if tag == "select" else self._select
        if tag == "option" and self._select and ("selected" in found or self._select not in self.forms[-1]):
            self.forms[-1][self._select] = found.get("value") or ""
        if tag == "textarea":
            self._area, self.forms[-1][name] = name, ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1][self._area] += data.removeprefix("\r\n").removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._area = ""

    def _put(self, name: str, value: str, *, several: bool) -> None:
        form = self.forms[-1]
        form[name] = [*form.get(name, []), value] if several else value
