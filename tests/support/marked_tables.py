"""Tables of figures on pages of the documents: rows between two marks, which programs replace.

A row is known by its first two cells: what was measured, and how or on what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Row = tuple[str, ...]


@dataclass(frozen=True)
class MarkedTable:
    """The table between `<!-- name -->` and `<!-- end of name -->`, with the names of its columns."""

    name: str
    columns: Row

    def merged(self, page: str, rows: Sequence[Row]) -> str:
        """Put rows into the table of a page, each in the place of the one before it; all others stay.

        Rows that begin alike stand together.

        Raises:
            ValueError: the page has no place for them.
        """
        begin, end = f"<!-- {self.name} -->", f"<!-- end of {self.name} -->"
        before, begins, rest = page.partition(begin)
        table, ends, after = rest.partition(end)
        if not (begins and ends):
            raise ValueError(f"the page has no table between {begin} and {end}")
        head = [_line(self.columns), "|---" * len(self.columns) + "|"]
        lines = [*head, *map(_line, self._ordered([*_read(table), *rows]))]
        return before + begin + "\n" + "\n".join(lines) + "\n" + end + after

    def _ordered(self, rows: Sequence[Row]) -> list[Row]:
        newest = {cells[:2]: cells for cells in rows}
        firsts = list(dict.fromkeys(first for first, _second in newest))
        return sorted(newest.values(), key=lambda cells: firsts.index(cells[0]))


def _line(cells: Row) -> str:
    return f"| {' | '.join(cells)} |"


def _read(table: str) -> list[Row]:
    lines = [line for line in table.strip().splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[2:]]
