"""Odd and additional fields: a form changes what its own fields say, and no other column."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from substrack.store import Base
from tests.chaos.scale import sized
from tests.security.test_matrix import FIELDS, endpoints, path_of
from tests.security.world import World, as_it_was
from tests.web.support import form_token

EXAMPLES: Final = sized(short=1, full=8)

TAKEN: Final[dict[str, tuple[str, ...]]] = {}
"""Fields of a form's own that are called like a column."""

COLUMNS: Final = sorted(
    {column.name for table in Base.metadata.sorted_tables for column in table.columns}
    | {f"{table.name[:-1]}_id" for table in Base.metadata.sorted_tables}
)
CHANCE: Final = {
    "public_id", "jti", "token_hash", "correlation_id", "dedupe_key", "payload", "external_key", "reference",
    "cause_event", "lease_token", "objection", "before", "after", "password_hash", "body",
}  # fmt: skip
"""Columns that hold something new every time, or name it."""

WORDS: Final = st.one_of(
    st.sampled_from(
        ["0", "1", "-1", "true", "null", "[]", "{}", "confirmed", "owner", "2020-01-01", "x" * 999]
    ),
    st.integers(-(2**63), 2**63).map(str),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
)
ODD_FIELDS: Final = st.dictionaries(st.sampled_from(COLUMNS), WORDS, min_size=5, max_size=40)


def outcome(
    world: World, path: str, fields: dict[str, str]
) -> tuple[int, dict[str, list[tuple[object, ...]]]]:
    """Send a form as Olga; return the answer and all that the database says then, but for what is random."""
    with as_it_was(world):
        olga = world.browser_of(world.cast.olga)
        token = form_token(olga.get("/profile").text) or ""
        answer = olga.client.post(path, data=fields | {"csrf_token": token})
        rows = {
            name: sorted(
                (tuple(v for c, v in zip(Base.metadata.tables[name].columns, row, strict=True)
                       if c.name not in CHANCE) for row in found),
                key=repr,
            )
            for name, found in world.rows().items()
        }  # fmt: skip
    return answer.status_code, rows


@pytest.mark.parametrize("fields", [{}, FIELDS], ids=["empty", "filled"])
def test_no_column_changes_by_a_field_of_its_name(world: World, fields: dict[str, str]) -> None:
    changed: dict[str, str] = {}
    tried = endpoints(world.app, "signed_in")
    paths = {
        endpoint: path
        for endpoint in tried
        for method, path, _names in [path_of(world, endpoint, world.ids)]
        if method == "POST"
    }
    usual = {endpoint: outcome(world, path, fields) for endpoint, path in paths.items()}

    @settings(max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(ODD_FIELDS)
    def try_odd_fields(odd: dict[str, str]) -> None:
        for endpoint, path in paths.items():
            added = {
                name: value
                for name, value in odd.items()
                if name not in TAKEN.get(endpoint, ()) and name not in fields
            }
            status, rows = outcome(world, path, fields | added)
            if (status, rows) != usual[endpoint]:
                changed[endpoint] = f"{status}/{usual[endpoint][0]} {sorted(added)} " + str(
                    [n for n in rows if rows[n] != usual[endpoint][1][n]]
                )

    try_odd_fields()
    assert changed == {}


def test_a_field_that_counts_is_noticed(world: World) -> None:
    said = {"language": "en", "csrf_token": ""}
    one, other = (outcome(world, "/profile", said | {"name": name}) for name in ("Olga", "Olga P."))
    assert one[0] == other[0] == 303
    assert one[1] != other[1]
