"""What people may write: names on one line, notes on several.

Refuses what could forge a mail header, a log line or the look of a page (control characters, line
breaks in a line, bidirectional overrides). It does not escape: pages and mails do that, so that
"<b>Ann</b>" is a name like any other.
"""

import re
import unicodedata
from typing import Final

from substrack.domain.errors import Refused

MAX_NAME: Final = 100
MAX_TEXT: Final = 2000

_FORBIDDEN_IN_TEXT: Final = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Control characters but tab and newline, line separators, bidirectional embeddings, overrides and
isolates (UAX #9; they reorder the text around them), half characters and non-characters."""

_INVISIBLE: Final = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2060-\u2064\u2800\u3164\ufeff\uffa0]+"
)


class TextRefused(Refused):
    """What was written cannot be kept as it is; `field` says where it was written."""


class TextMissing(TextRefused):
    """Nothing was written, or nothing that can be seen."""

    def __init__(self, field: str) -> None:
        super().__init__("Write something here.", field=field)


class TextTooLong(TextRefused):
    """More characters than the field keeps."""

    def __init__(self, field: str, length: int, maximum: int) -> None:
        self.length, self.maximum = length, maximum
        super().__init__(
            "This has %(length)s characters; keep it to %(most)s.", field=field, length=length, most=maximum
        )


class LineBroken(TextRefused):
    """A line break or tab where one line is wanted."""

    def __init__(self, field: str) -> None:
        super().__init__("Write this on one line, without line breaks or tabs.", field=field)


class CharacterRefused(TextRefused):
    """A character that cannot be seen but changes what is around it."""

    def __init__(self, field: str, character: str) -> None:
        self.code_point = f"U+{ord(character):04X}"
        super().__init__(
            "This contains an invisible control character (%(code)s); remove it.",
            field=field,
            code=self.code_point,
        )


def kept_of(text: str, *, maximum: int = MAX_TEXT) -> str:
    """Keep of words what can be kept: without the characters that `clean_text` refuses, and cut to fit.

    For words that come with something worth more than they are.
    """
    return _FORBIDDEN_IN_TEXT.sub(" ", unicodedata.normalize("NFC", text[: 2 * maximum]))[:maximum].strip()


def clean_line(text: str, *, field: str, maximum: int = MAX_NAME) -> str:
    """Return a name or subject in NFC without spaces around it; `maximum` counts code points.

    Raises: TextMissing, TextTooLong, LineBroken, CharacterRefused.
    """
    line = clean_text(text, field=field, maximum=maximum, required=True)
    if "\n" in line or "\t" in line:
        raise LineBroken(field)
    return line


def clean_text(text: str, *, field: str, maximum: int = MAX_TEXT, required: bool = False) -> str:
    """Return a note in NFC, with its line breaks as "\\n" and without blank space around it.

    Nothing inside is dropped or cut. An empty note is "" unless it is `required`.

    Raises: TextMissing, TextTooLong, CharacterRefused.
    """
    stripped = text.replace("\r\n", "\n").replace("\r", "\n").strip(" \t\n\u00a0\u3000")
    if len(stripped) > 3 * maximum:  # composing a hostile megabyte of accents would take minutes
        raise TextTooLong(field, len(stripped), maximum)
    forbidden = _FORBIDDEN_IN_TEXT.search(stripped)
    if forbidden:
        raise CharacterRefused(field, forbidden[0])
    composed = unicodedata.normalize("NFC", stripped)
    if len(composed) > maximum:
        raise TextTooLong(field, len(composed), maximum)
    if required and _INVISIBLE.fullmatch(composed or " "):
        raise TextMissing(field)
    return composed
