"""Every column says what it holds about people; whose the rows are is known for every table with any."""

import re

import pytest

from substrack.bootstrap import ROOT
from substrack.queries.personal import WHOSE
from substrack.store import Base
from substrack.store.privacy import NOBODYS, PRIVACY, Erasing, Holds

COLUMNS = {table.name: {column.name for column in table.columns} for table in Base.metadata.sorted_tables}


def test_every_column_has_a_tag() -> None:
    assert {table: set(tags) for table, tags in PRIVACY.items()} == COLUMNS


def test_every_table_belongs_to_people_or_to_nobody() -> None:
    assert WHOSE.keys() | NOBODYS == COLUMNS.keys()
    assert not WHOSE.keys() & NOBODYS


@pytest.mark.parametrize("table", sorted(NOBODYS))
def test_what_is_nobodys_holds_nothing_about_people(table: str) -> None:
    assert {tag.holds for tag in PRIVACY[table].values()} <= {Holds.NONE, Holds.TECHNICAL}


def test_words_and_addresses_of_people_do_not_outlive_them() -> None:
    stays = {
        f"{table}.{name}"
        for table, tags in PRIVACY.items()
        for name, tag in tags.items()
        if tag.holds in (Holds.IDENTITY, Holds.CONTACT_DATA, Holds.WORDS) and tag.erasing is Erasing.KEPT
    }
    assert stays == {"groups.name", "groups.description", "groups.request_sentence", "roles.role"}


def test_a_row_goes_as_a_whole_or_stays() -> None:
    for table, tags in PRIVACY.items():
        removed = {tag.erasing is Erasing.REMOVED for tag in tags.values()}
        assert len(removed) == 1, table


def test_no_script_stores_anything_in_the_browser() -> None:
    scripts = [path.read_text("utf-8") for path in (ROOT / "static" / "js").glob("*.js")]
    assert scripts
    assert not [one for one in scripts if re.search(r"localStorage|sessionStorage|indexedDB|caches\.", one)]
