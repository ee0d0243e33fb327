"""When people are first asked, in sentences: the day that holds for most, then who is asked otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from datetime import date
from typing import Final, TypeVar

from substrack.domain.collecting import FirstRequest
from substrack.texts.words import Words

Key = TypeVar("Key", bound=Hashable)

NAMED: Final = 3
"""How many people are named at most; more of them are counted."""


def first_request_sentences(
    requests: Mapping[Key, FirstRequest],
    names: Mapping[Key, str],
    _: Words,
    *,
    is_billed: bool,
    free: Collection[Key] = (),
) -> list[str]:
    """Say when the first request goes out, to whom on another day, and whom none reaches.

    `names` are those of everybody who shares, of whom the `free` bear nothing; who owes something and is not
    among the `requests` cannot be asked.
    """
    owing = {key: name for key, name in names.items() if key not in free}
    if names and not owing:
        return [nothing_to_ask_for(_)]
    sentences = []
    asked = {key: request for key, request in requests.items() if key not in free}
    if asked:
        usual = _usual(list(asked.values()))
        others = {key: request for key, request in asked.items() if request.on != usual.on}
        first = first_request_sentence if is_billed else _first_once_billed
        sentences = [first(usual, _), *_others(others, names, _)]
    cut_off = [name for key, name in owing.items() if key not in asked]
    if cut_off:
        sentences.append(_("No request reaches %(names)s: ask them yourself.", names=_few(cut_off, _)))
    return sentences


def nothing_to_ask_for(_: Words) -> str:
    """Say that no request goes out, as nobody bears anything."""
    return _("There is nothing to ask for: nobody has to pay anything.")


def first_request_sentence(request: FirstRequest, _: Words) -> str:
    """Say when a period is first asked for."""
    if request.is_collected:
        return _("The first request goes out on %(day)s, the collection day.", day=_.day(request.on))
    return _("The first request goes out on %(day)s.", day=_.day(request.on))


def _usual(requests: Sequence[FirstRequest]) -> FirstRequest:
    """Find what holds for most, the earlier when for as many."""
    counts = Counter(requests)
    return min(counts, key=lambda request: (-counts[request], request.on))


def _first_once_billed(request: FirstRequest, _: Words) -> str:
    if request.is_collected:
        return _(
            "The first request goes out on a collection day, once the bill is entered: on %(day)s at the "
            "earliest.",
            day=_.day(request.on),
        )
    return _(
        "The first request goes out on %(day)s at the earliest, once the bill is entered.",
        day=_.day(request.on),
    )


def _others(others: Mapping[Key, FirstRequest], names: Mapping[Key, str], _: Words) -> list[str]:
    if len(others) > NAMED:
        n = len(others)
        return [
            _.ngettext(
                "%(n)s person is first asked on another day.",
                "%(n)s people are first asked on another day.",
                n,
            )
        ]
    by_request: dict[FirstRequest, list[str]] = {}
    for key, request in sorted(others.items(), key=lambda pair: pair[1].on):
        by_request.setdefault(request, []).append(names[key])
    return [_other(request, _.listed(some), _) for request, some in by_request.items()]


def _other(request: FirstRequest, names: str, _: Words) -> str:
    day: date = request.on
    if request.is_collected:
        return _("%(names)s: on %(day)s, the collection day.", names=names, day=_.day(day))
    return _("%(names)s: on %(day)s.", names=names, day=_.day(day))


def _few(names: Sequence[str], _: Words) -> str:
    if len(names) <= NAMED:
        return _.listed(names)
    rest = len(names) - NAMED
    return _.listed([*names[:NAMED], _.ngettext("%(n)s more", "%(n)s more", rest)])
