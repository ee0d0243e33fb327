"""Kept words without live links: what is stored of a message or a screen opens nothing for who reads tables.

A token in a URL is a signature over the id of a row (`services/links.py`). Only the id is kept, with `hidden`
in the place of the signature, which is written again whenever the words leave: by the same key it is the same
to the last byte. What people type is never signed: a `hidden` of theirs is taken out before ours is put in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar

from substrack.services.links import LinkSigner
from substrack.store import LinkPurpose

Words = TypeVar("Words")

_PURPOSES: Final = "|".join(purpose.value for purpose in LinkPurpose)
ID_LENGTH: Final = 32
_ID: Final = f"[0-9a-f]{{{ID_LENGTH}}}"
_SIGNATURE: Final = r"[\w-]{27}(?![\w-])"

_TOKEN: Final = re.compile(rf"/({_PURPOSES})/({_ID}\.{_SIGNATURE})", re.ASCII)
_CODE: Final = re.compile(rf"(?<=(?<![\w-]){_ID})_{_SIGNATURE}", re.ASCII)
_HIDDEN: Final = "hidden"
_HIDDEN_TOKEN: Final = re.compile(rf"/({_PURPOSES})/({_ID})\.{_HIDDEN}(?![\w-])")
_HIDDEN_CODE: Final = re.compile(rf"(?<=(?<![\w-]){_ID})_{_HIDDEN}(?![\w-])")
"""Of codes only what follows the id is looked for: at every letter an id might begin."""


def conceal(words: Words, signer: LinkSigner) -> Words:
    """Return words, or JSON of words, whose links and chat codes of ours have lost their signature."""
    read = cache(signer.read)  # a letter has the same link in its text, its HTML and a header

    def hide_token(found: re.Match[str]) -> str:
        jti = read(LinkPurpose(found[1]), found[2])
        return found[0] if jti is None else f"/{found[1]}/{jti}.hidden"

    def hide_code(found: re.Match[str]) -> str:
        code = _id_before(found) + found[0]
        return found[0] if signer.read_start_code(code) is None else f"_{_HIDDEN}"

    def hide(text: str) -> str:
        typed = text
        if _HIDDEN in text:
            typed = _HIDDEN_CODE.sub("", _HIDDEN_TOKEN.sub(r"/\1/\2", text))
        return _CODE.sub(hide_code, _TOKEN.sub(hide_token, typed))

    kept: Words = _in_all(words, hide)
    return kept


def reveal(words: Words, signer: LinkSigner) -> Words:
    """Return what was concealed as it was; words that were not concealed stay as they are."""
    token = cache(signer.token)

    def show_token(found: re.Match[str]) -> str:
        purpose = LinkPurpose(found[1])
        return f"/{purpose.value}/{token(purpose, found[2])}"

    def show_code(found: re.Match[str]) -> str:
        return signer.start_code(_id_before(found)).removeprefix(_id_before(found))

    def show(text: str) -> str:
        if _HIDDEN not in text:
            return text
        return _HIDDEN_CODE.sub(show_code, _HIDDEN_TOKEN.sub(show_token, text))

    shown: Words = _in_all(words, show)
    return shown


def _id_before(found: re.Match[str]) -> str:
    return found.string[found.start() - ID_LENGTH : found.start()]


def _in_all(words: Any, change: Callable[[str], str]) -> Any:
    match words:
        case str():
            return change(words)
        case dict():
            return {key: _in_all(value, change) for key, value in words.items()}
        case list() | tuple():
            return [_in_all(value, change) for value in words]
        case _:
            return words
