"""Find the sentences that the program says, for `make words`.

Babel's own extractors see only calls of plain names; ours are also called through an object (`ask.words(…)`,
`_.ngettext(…)`) and stand inside f-strings and other calls. What marks a sentence is listed here, once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import IO, Any, Final

from jinja2.ext import babel_extract

Found = tuple[int, str, str | tuple[str, str], list[str]]

SPEAKS: Final = frozenset({"_", "Phrase"})
"""Called with a sentence, these say it or mark it."""

GIVES_WORDS: Final = frozenset({"my_words", "bare_words", "words_of", "Words"})
"""Calls whose result says sentences: `my_words()("Saved.")`."""

REFUSES: Final = re.compile(r"__init__|Refused|NotAnAmount|\w*Amount\w*|TooManyDecimals|OtherCurrency")
LABELS: Final = frozenset(
    {"StringField", "TextAreaField", "SelectField", "BooleanField", "IntegerField", "PasswordField"}
    | {"RadioField", "FileField", "InputRequired", "required", "email_field", "flash", "line", "area"}
    | {"whole", "optional_whole", "day", "optional_day", "one_of"}
)
NO_SENTENCE: Final = re.compile(r"[a-z_]+|\S*[/<>=]\S*|")
"""Names of fields, paths and the like, which stand in the same places as labels."""


def from_python(file: IO[bytes], *_babel: Any, **_options: Any) -> Iterator[Found]:
    """Gather from a module (the interface of a Babel extractor)."""
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.Call) and node.args:
            yield from _said(node)


def from_template(file: IO[bytes], keywords: Any, comments: Any, options: dict[str, Any]) -> Iterable[Any]:
    """Gather from a template; `_.ngettext` is read as the plain name that Jinja's extractor knows."""
    source = file.read().replace(b"_.ngettext(", b"ngettext(").replace(b"words.ngettext(", b"ngettext(")
    return babel_extract(BytesIO(source), keywords, comments, options)


def _said(call: ast.Call) -> Iterator[Found]:
    name, texts = _name(call.func), [_text(one) for one in call.args[:2]]
    if texts[0] is None:
        return
    if name == "ngettext" and texts[1:] and texts[1]:
        yield call.lineno, "ngettext", (texts[0], texts[1]), []
    elif _speaks(call.func) or (_marks(name) and not NO_SENTENCE.fullmatch(texts[0])):
        yield call.lineno, "_", texts[0], []


def _marks(name: str) -> bool:
    return name in LABELS or REFUSES.fullmatch(name) is not None


def _speaks(called: ast.expr) -> bool:
    if isinstance(called, ast.Call):
        return _name(called.func) in GIVES_WORDS
    return _name(called) in SPEAKS or (isinstance(called, ast.Attribute) and called.attr in ("words", "_"))


def _name(called: ast.expr) -> str:
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
