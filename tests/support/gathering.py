"""What `make words` calls: find every sentence that is said, in our modules and templates.

Babel's own extractors go by the name of a function alone. They miss `my_words()("…")` and a template's
`_.ngettext(…)`, and take the identifier of `line.day("ends_on")` for a sentence because a field maker is
called `day` too. Here a call is looked at as a whole. What is no literal is not gathered: a sentence that
waits in a table or a choice is marked with `Phrase`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, Final

from jinja2 import Environment, nodes

Found = tuple[int, str, Any, list[str]]
"""What Babel wants of an extractor: line, name of the function, its words, comments."""

SAYING: Final = frozenset(
    {"_", "words", "Words", "flash", "Phrase", "NotFound", "Conflict"}
    | {
        "NotAnAmount",
        "NegativeAmount",
        "AmountTooLarge",
        "AmbiguousAmount",
        "TooManyDecimals",
        "OtherCurrency",
    }
    | {"StringField", "TextAreaField", "SelectField", "BooleanField", "PasswordField", "InputRequired"}
    | {"required", "email_field", "line", "area", "whole", "optional_whole", "optional_day", "day", "one_of"}
)
"""Functions whose first argument is said: translations, refusals and their facts, labels of form fields.

So is what an exception called `…Refused` begins with."""


def from_python(
    file: IO[bytes], keywords: Mapping[str, Any], comment_tags: Iterable[str], options: Mapping[str, Any]
) -> Iterator[Found]:
    """Find what a module says; keywords and comments are not needed here."""
    for call in ast.walk(ast.parse(file.read())):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        if isinstance(call.func, ast.Attribute) and call.func.attr == "ngettext":
            yield from _counted(call.lineno, [_text(word) for word in call.args[:2]])
        elif _is_saying(call.func):
            yield from ((call.lineno, "_", text, []) for text in _texts(call.args[0]))


def from_template(
    file: IO[bytes], keywords: Mapping[str, Any], comment_tags: Iterable[str], options: Mapping[str, Any]
) -> Iterator[Found]:
    """Find what a template says."""
    page = Environment(trim_blocks=True, lstrip_blocks=True).parse(file.read().decode("utf-8"))
    for call in page.find_all(nodes.Call):
        if isinstance(call.node, nodes.Getattr) and call.node.attr == "ngettext":
            yield from _counted(call.lineno, [_constant(word) for word in call.args[:2]])
        elif isinstance(call.node, nodes.Name) and call.node.name == "_":
            yield from ((call.lineno, "_", text, []) for text in _constants(call.args[0]))


def _counted(line: int, texts: list[str | None]) -> Iterator[Found]:
    if len(texts) == 2 and None not in texts:
        yield line, "ngettext", (texts[0], texts[1]), []


def _is_saying(called: ast.expr) -> bool:
    match called:
        case ast.Name(name):
            return name in SAYING or name.endswith("Refused")
        case ast.Attribute(attr="words"):
            return True
        case ast.Attribute(value=ast.Call(func=ast.Name("super")), attr="__init__"):
            return True
        case ast.Call():
            return True
    return False


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif text := _text(node):
        yield text


def _constant(node: nodes.Expr) -> str | None:
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else None


def _constants(node: nodes.Expr) -> Iterator[str]:
    if isinstance(node, nodes.CondExpr):
        for branch in (node.expr1, node.expr2):
            yield from _constants(branch) if branch is not None else ()
    elif text := _constant(node):
        yield text
