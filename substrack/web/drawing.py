"""Draw what stands in a list once for the same values: most of a page is what it was a moment ago.

After a decision the list of claims comes back with one card less, and home with one card changed. The rows of
pages are frozen values and compare by all they hold, so that what is remembered is never out of date.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from flask.templating import Environment
from wtforms import Field

from substrack.web.forms import look_of
from substrack.web.pieces import here

KEPT: Final = 1_000
"""How many pieces a process remembers: those of ten home pages, some 2 kB each."""

LONGEST: Final = 500
"""With an address of more characters nothing is kept: whoever opens a page chooses what is in it."""

Drawn = Callable[..., str]

_fields: dict[tuple[Any, ...], str] = {}


class PlainGlobals(Environment):
    """Templates that share what all of them know, without a layer of their own above it.

    Jinja's layers (a `ChainMap`) are copied and compared key by key for every page, parent and import: 0.1 ms
    of a page with six of them. No template of ours is loaded with globals of its own.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Give what a template knows before it is given anything."""
        return super().make_globals(d) if d else self.globals


def once(macro: Drawn) -> Drawn:
    """Let a macro be drawn once for the same arguments at the same address.

    Nothing else may go into it: no clock, no session, no key that is new for each form. With arguments that
    can't be compared by what they hold it is drawn every time.
    """

    def drawn(*args: Any, **kwargs: Any) -> str:
        place = here()
        if len(place[-1]) > LONGEST:
            return macro(*args, **kwargs)
        try:
            return _remembered(macro, place, *args, **kwargs)
        except TypeError:  # an argument without a hash
            return macro(*args, **kwargs)

    return drawn


def once_for_fields(macro: Drawn) -> Drawn:
    """Let a macro of a form's field be drawn once for fields that look the same and that nobody has filled.

    What was typed or refused is drawn as it is, and not kept.
    """

    def drawn(field: Field, *args: Any, **kwargs: Any) -> str:
        if field.errors or field.raw_data:
            return macro(field, *args, **kwargs)
        look = (macro, *look_of(field), *args, *kwargs.items())
        try:
            found = _fields.get(look)
        except TypeError:  # a value or an argument without a hash
            return macro(field, *args, **kwargs)
        if found is None:
            if len(_fields) >= KEPT:
                _fields.clear()
            found = _fields[look] = macro(field, *args, **kwargs)
        return found

    return drawn


@dataclass(frozen=True)
class Fixed:
    """A function some of whose arguments are given; it equals another such one, as a `partial` does not."""

    function: Callable[..., Any]
    given: tuple[tuple[str, Any], ...]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it with the rest of its arguments."""
        return self.function(*args, **dict(self.given), **kwargs)


def fixed(function: Callable[..., Any], **given: Any) -> Fixed:
    """Give some arguments of a function that a piece is drawn with."""
    return Fixed(function, tuple(given.items()))


def forget() -> None:
    """Draw everything anew from here on."""
    _remembered.cache_clear()
    _fields.clear()


def remembered() -> int:
    """Count the pieces that did not have to be drawn again."""
    return _remembered.cache_info().hits


@lru_cache(KEPT, typed=True)
def _remembered(macro: Drawn, _here: tuple[str, ...], *args: Any, **kwargs: Any) -> str:
    return macro(*args, **kwargs)
