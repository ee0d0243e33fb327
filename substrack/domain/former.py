"""How somebody is called whose name was erased: a neutral word and a number, translated when shown."""

from __future__ import annotations

import re
from typing import Final

FORMER: Final = "Former member"

_FORMER: Final = re.compile(rf"{FORMER} ([0-9]{{1,19}})")


def former_name(number: int) -> str:
    """Write the name that is kept of somebody who was erased."""
    return f"{FORMER} {number}"


def former_number(name: object) -> int | None:
    """Read the number of somebody who was erased out of their name; None for anything else."""
    found = _FORMER.fullmatch(name) if isinstance(name, str) else None
    return int(found[1]) if found else None
