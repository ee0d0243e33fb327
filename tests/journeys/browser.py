"""A browser without a screen: it opens links, reads forms as a browser does and presses their buttons.

It keeps cookies and runs no script. What it sends is what HTML says a browser sends (HTML Standard, section
4.10.21, "constructing the form data set"): hidden fields, ticked boxes, chosen options and the one button.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

REDIRECTS = (301, 302, 303, 307, 308)


@dataclass
class Control:
    """One field of a form and whether it would be sent."""

    name: str
    value: str
    kind: str
    is_on: bool = True
    options: list[str] = field(default_factory=list)


@dataclass
class Form:
    """One form of a page."""

    method: str
    action: str
    key: str
    controls: list[Control] = field(default_factory=list)

    def sent_by(self, button: Control | None, typed: dict[str, str]) -> list[tuple[str, str]]:
        """List what goes to the server when `button` is pressed after typing into fields by name.

        Without a button it is what `form.submit()` of a script sends.
        """
        unknown = typed.keys() - {control.name for control in self.controls}
        assert not unknown, f"no such fields on the form: {unknown}"
        sent = [
            (one.name, typed.get(one.name, one.value))
            for one in self.controls
            if one.is_on and one.kind != "button"
        ]
        return [*sent, *([(button.name, button.value)] if button and button.name else [])]


@dataclass
class Page:
    """What a browser shows: where it is, how the server answered, its words and its forms."""

    url: str
    status: int
    html: str
    headers: dict[str, str]
    forms: list[Form]
    words: str

    def has_button(self, label: str) -> bool:
        """Tell whether there is a button with this label."""
        controls = (control for form in self.forms for control in form.controls)
        return any(control.kind == "button" and label in control.options[0] for control in controls)

    def form_with(self, label: str, *, near: str | None = None) -> tuple[Form, Control]:
        """Find the form and button with this label; `near` must be in the form's address or fields."""
        found = [
            (form, control)
            for form in self.forms
            for control in form.controls
            if control.kind == "button" and label in control.options[0]
        ]
        chosen = [one for one in found if near is None or near in repr(one[0])]
        assert chosen, f"no button “{label}” on {self.url}: {self.words[:600]}"
        return chosen[0]

    def ticks(self, name: str) -> list[Control]:
        """List the boxes of a name, ticked or not."""
        return [
            one for form in self.forms for one in form.controls if one.kind == "checkbox" and one.name == name
        ]

    def fields(self, name: str) -> list[str]:
        """List the values of every field of a name, on any form."""
        return [one.value for form in self.forms for one in form.controls if one.name == name]


class Browser:
    """One person's browser."""

    def __init__(self, app: Flask, base_url: str) -> None:
        self.client: FlaskClient = app.test_client()
        self.base_url = base_url

    def open(self, url: str, *, method: str = "GET") -> Page:
        """Open an address, absolute or of this site, and follow where it leads."""
        return self._follow(self._address(url), method, None)

    def press(self, page: Page, label: str, *, near: str | None = None, **typed: str) -> Page:
        """Press the button with this label, with these fields filled in, and follow where it leads."""
        form, button = page.form_with(label, near=near)
        return self._send(page, form, form.sent_by(button, typed))

    def submit(self, page: Page, form: Form) -> Page:
        """Submit a form as a script would, with no button pressed."""
        return self._send(page, form, form.sent_by(None, {}))

    def _send(self, page: Page, form: Form, sent: list[tuple[str, str]]) -> Page:
        target = urljoin(page.url, form.action) if form.action else page.url
        return self._follow(target, form.method.upper(), sent)

    def post(self, url: str, data: dict[str, str]) -> Page:
        """Send fields as a program would, without a page."""
        return self._follow(self._address(url), "POST", list(data.items()))

    def _address(self, url: str) -> str:
        return urljoin(f"{self.base_url}/", url)

    def _follow(self, url: str, method: str, sent: list[tuple[str, str]] | None) -> Page:
        for _hop in range(6):
            response = self._request(url, method, sent)
            if response.status_code not in REDIRECTS:
                return read_page(url, response.status_code, response.text, dict(response.headers))
            url = urljoin(url, response.headers["Location"])
            method, sent = "GET", None
        raise AssertionError(f"{url} leads nowhere")

    def _request(self, url: str, method: str, sent: list[tuple[str, str]] | None) -> TestResponse:
        data: dict[str, list[str]] = {}
        for name, value in sent or []:
            data.setdefault(name, []).append(value)
        if method == "GET":
            return self.client.get(url, query_string=data or None, buffered=True)
        return self.client.open(url, method=method, data=data, buffered=True)


def read_page(url: str, status: int, html: str, headers: dict[str, str]) -> Page:
    """Read an answer as a page."""
    reader = _Reader()
    reader.feed(html)
    return Page(url, status, html, headers, reader.forms, " ".join(" ".join(reader.words).split()))


class _Reader(HTMLParser):
    """Collects forms and words. Forms never nest, so one open form at a time is enough."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._open: Control | None = None  # a button, text area or option that gathers words
        self._select: Control | None = None
        self._strays: list[tuple[str, Control]] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(has.get("method", "get"), has.get("action", ""), has.get("id", ""))
            self.forms.append(self._form)
            self._adopt(self._form)
        elif tag in ("script", "style"):
            self._silent += 1
        elif tag == "input":
            self._input(has)
        elif tag == "select":
            self._select = self._add(Control(has.get("name", ""), "", "select"), has)
        elif tag == "option" and self._select is not None:
            self._option(self._select, has)
        elif tag == "textarea":
            self._open = self._add(Control(has.get("name", ""), "", "textarea"), has)
        elif tag == "button" and has.get("type", "submit") == "submit":
            button = Control(has.get("name", ""), has.get("value", ""), "button", options=[""])
            self._open = self._add(button, has)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag in ("script", "style"):
            self._silent -= 1
        elif tag in ("textarea", "button"):
            if self._open is not None and tag == "textarea":  # its first line break is not part of it
                self._open.value = re.sub(r"^\r?\n", "", self._open.value)
            self._open = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.words.append(data)
        if self._open is None:
            return
        if self._open.kind == "textarea":
            self._open.value += data
        else:
            self._open.options[0] += data

    def _input(self, has: dict[str, str]) -> None:
        kind = has.get("type", "text")
        if kind in ("checkbox", "radio"):
            self._add(Control(has.get("name", ""), has.get("value", "on"), kind, "checked" in has), has)
        elif kind not in ("submit", "button", "reset", "image"):
            self._add(Control(has.get("name", ""), has.get("value", ""), kind), has)

    def _option(self, select: Control, has: dict[str, str]) -> None:
        value = has.get("value", "")
        if not select.options or "selected" in has:
            select.value = value
        select.options.append(value)

    def _add(self, control: Control, has: dict[str, str]) -> Control:
        """Put a control into its form: the one it names, else the one it stands in."""
        named = has.get("form")
        home = next((form for form in self.forms if form.key == named), None) if named else self._form
        if "disabled" in has:
            control.is_on = False
        if home is not None:
            home.controls.append(control)
        elif named:
            self._strays.append((named, control))
        return control

    def _adopt(self, form: Form) -> None:
        """Take in controls that named this form before it came."""
        form.controls.extend(control for named, control in self._strays if named == form.key)
