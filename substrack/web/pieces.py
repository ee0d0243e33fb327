"""Small pieces that stand on a page up to two hundred times: icons, addresses, the token of its forms."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from flask import g, request, url_for
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

KEPT: Final = 4_096
"""How many addresses are remembered: those of a home page twenty times over."""

_FIELD: Final = Markup('<input type="hidden" name="csrf_token" value="{}">')
_EMPTY: Final = _FIELD.format("")
_BEGINNING: Final = _EMPTY.removesuffix('">')
_ICON: Final = Markup('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>')


def here() -> tuple[str, ...]:
    """Say where a piece stands: below which root of ours, and on the answer to which method and address."""
    found: tuple[str, ...] | None = g.get("here")
    if found is None:
        found = g.here = request.script_root, request.method, request.full_path
    return found


def static_url(filename: str) -> str:
    """Write the address of a file of ours."""
    return _built(here()[0], "static", (("filename", filename),))


def address(endpoint: str, **values: Any) -> str:
    """Write the address of a page of ours, as Flask's `url_for` does, once for the same values."""
    try:
        return _built(here()[0], endpoint, tuple(values.items()))
    except TypeError:  # a list of values
        return url_for(endpoint, **values)


def icon(name: str) -> Markup:
    """Draw an icon, which says nothing to who cannot see it."""
    return _icon(here()[0], name)


def csrf_field() -> Markup:
    """Make the hidden field without which no form of ours is taken; `with_tokens` fills it."""
    return _EMPTY


def with_tokens(html: str) -> str:
    """Fill the forms of a page: the token is new each second, while most of what is around it stays.

    What people wrote is escaped on a page, so that none of it is taken for such a field.
    """
    return html.replace(_EMPTY, _FIELD.format(generate_csrf())) if _EMPTY in html else html


def without_tokens(html: str) -> str:
    """Empty the forms of a page that `with_tokens` has filled."""
    return html.replace(_FIELD.format(generate_csrf()), _EMPTY) if _BEGINNING in html else html


@lru_cache(KEPT)
def _built(_root: str, endpoint: str, values: tuple[tuple[str, Any], ...]) -> str:
    return url_for(endpoint, **dict(values))


@lru_cache(KEPT)
def _icon(_root: str, name: str) -> Markup:
    return _ICON.format(static_url("icons.svg"), name)
