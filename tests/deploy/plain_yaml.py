"""As much of YAML 1.2 as our compose file uses, and a refusal of everything else.

Two spaces a level, block mappings and lists, plain and double-quoted scalars, one-line lists of quoted ones,
anchors, aliases and merge keys.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

_KEY: Final = re.compile(r"(?P<key>[A-Za-z_<][\w<-]*):(?: (?P<value>\S.*))?")
_ANCHOR: Final = re.compile(r"&(\w[\w-]*)")
_PLAIN: Final = re.compile(r"[\w./*&~-][^#\"'{}\[\]|>]*")
_CONSTANTS: Final = {"true": True, "false": False, "null": None}


class NotPlain(ValueError):
    """A line that this reader does not know."""


class PlainYaml:
    """One document; `value` is what it says."""

    def __init__(self, text: str) -> None:
        kept = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
        self._lines = [(len(line) - len(line.lstrip(" ")), line.strip()) for line in kept]
        self._anchors: dict[str, Any] = {}
        self.value = self._block(0)
        if self._lines:
            raise NotPlain(self._lines[0][1])

    def _block(self, indent: int) -> Any:
        is_list = bool(self._lines) and self._lines[0][1].startswith("- ")
        read = self._list if is_list else self._mapping
        return read(indent)

    def _list(self, indent: int) -> list[Any]:
        found = []
        while self._lines and self._lines[0][0] == indent and self._lines[0][1].startswith("- "):
            found.append(self._scalar(self._lines.pop(0)[1][2:]))
        return found

    def _mapping(self, indent: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while self._lines and self._lines[0][0] == indent:
            line = self._lines.pop(0)[1]
            pair = _KEY.fullmatch(line)
            if pair is None or pair["key"] in found:
                raise NotPlain(line)
            value = self._value(pair["value"] or "", indent)
            if pair["key"] == "<<":
                merged |= value
            else:
                found[pair["key"]] = value
        return merged | found

    def _value(self, text: str, indent: int) -> Any:
        anchor = _ANCHOR.fullmatch(text)
        if text and anchor is None:
            return self._scalar(text)
        has_more = bool(self._lines) and self._lines[0][0] == indent + 2
        value = self._block(indent + 2) if has_more else None
        if anchor is not None:
            self._anchors[anchor[1]] = value
        return value

    def _scalar(self, text: str) -> Any:
        if text.startswith("*"):
            return self._anchors[text[1:]]
        if text[0] in '["' or text.isdecimal():
            return json.loads(text)
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if not _PLAIN.fullmatch(text) or ": " in text:
            raise NotPlain(text)
        return text
