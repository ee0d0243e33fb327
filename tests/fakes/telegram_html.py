"""What Telegram makes of HTML: plain text with entities, or a refusal (Bot API, "HTML style").

Offsets and lengths of entities count UTF-16 units, as Telegram's do. Links are not looked for in plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlsplit

Entity = dict[str, Any]

KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
    "a": "text_link",
}
TAG = re.compile(r"<(/?)([a-zA-Z0-9-]*)([^<>]*)>")
HREF = re.compile(r"""\shref\s*=\s*(?:"([^"]*)"|'([^']*)')""")
CHARACTER = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
"""The only character references it knows; anything else after an ampersand is shown as it stands."""


class CannotParse(ValueError):
    """The markup is not what Telegram takes; says why in its words."""


@dataclass
class _Reading:
    text: str = ""
    entities: list[Entity] = field(default_factory=list)
    open: list[tuple[str, int, str]] = field(default_factory=list)


def units(text: str) -> int:
    """Count UTF-16 units, the characters of the Bot API."""
    return len(text.encode("utf-16-le")) // 2


def cut_out(text: str, entity: Entity) -> str:
    """Return the part of `text` that an entity is about."""
    start, end = entity["offset"] * 2, (entity["offset"] + entity["length"]) * 2
    return text.encode("utf-16-le")[start:end].decode("utf-16-le")


def parse_html(markup: str) -> tuple[str, list[Entity]]:
    """Split markup into the text a phone shows, without space at its ends, and its entities.

    Raises:
        CannotParse: an unknown, unclosed or wrongly nested tag.
    """
    reading, position = _Reading(), 0
    while (start := markup.find("<", position)) >= 0:
        tag = TAG.match(markup, start)
        if tag is None:
            raise CannotParse(f"Unclosed start tag at byte offset {_bytes(markup, start)}")
        reading.text += _shown(markup[position:start])
        (_close if tag[1] else _open)(reading, tag, _bytes(markup, start))
        position = tag.end()
    reading.text += _shown(markup[position:])
    if reading.open:
        raise CannotParse(f'Can\'t find end tag corresponding to start tag "{reading.open[-1][0]}"')
    return _trimmed(
        reading.text, sorted(reading.entities, key=lambda each: (each["offset"], -each["length"]))
    )


def is_link_allowed(url: str) -> bool:
    """Tell whether Telegram takes an address: a known scheme, and a host with a dot in it."""
    parts = urlsplit(url)
    if parts.scheme == "tg":
        return True
    return parts.scheme in ("http", "https") and "." in (parts.hostname or "")


def _open(reading: _Reading, tag: re.Match[str], offset: int) -> None:
    name = tag[2].lower()
    if name not in KINDS:
        raise CannotParse(f'Unsupported start tag "{name}" at byte offset {offset}')
    href = HREF.search(tag[3])
    address = _shown(href[1] if href[1] is not None else href[2]) if href else ""
    reading.open.append((name, units(reading.text), address))


def _close(reading: _Reading, tag: re.Match[str], offset: int) -> None:
    if not reading.open:
        raise CannotParse(f"Unexpected end tag at byte offset {offset}")
    name, start, address = reading.open.pop()
    if tag[2].lower() not in ("", name):
        found = tag[2].lower()
        raise CannotParse(
            f'Unmatched end tag at byte offset {offset}, expected "</{name}>", found "</{found}>"'
        )
    entity: Entity = {"type": KINDS[name], "offset": start, "length": units(reading.text) - start}
    if name == "a":
        if not is_link_allowed(address):
            return  # the words stay and lead nowhere
        entity["url"] = address
    if entity["length"]:
        reading.entities.append(entity)


def _shown(markup: str) -> str:
    return CHARACTER.sub(lambda found: unescape(found[0]), markup)


def _trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    shown = text.strip()
    shift, end = units(text) - units(text.lstrip()), units(shown)
    kept = []
    for entity in entities:
        start = max(0, entity["offset"] - shift)
        stop = min(end, entity["offset"] + entity["length"] - shift)
        if stop > start:
            kept.append(entity | {"offset": start, "length": stop - start})
    return shown, kept


def _bytes(markup: str, index: int) -> int:
    return len(markup[:index].encode())
