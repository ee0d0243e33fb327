"""Claims about languages, translations and labels."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from substrack.domain.cycles import Unit
from substrack.domain.delivery import Fate
from substrack.domain.notices import Notice
from substrack.domain.payments import Status
from substrack.domain.shares import SplitKind
from substrack.texts import catalogue, labels


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ((None,), "en"),
        (("en-US",), "en_US"),
        (("EN_gb",), "en_GB"),
        (("en-AU",), "en"),
        (("xx", "en_US"), "en_US"),
        (("", "nonsense!"), "en"),
    ],
)
def test_the_first_language_we_can_write_is_taken(wishes: tuple[str | None, ...], expected: str) -> None:
    assert catalogue.language_of(*wishes) == expected


def test_plurals_follow_the_number() -> None:
    def share(n: int) -> str:
        return catalogue.ngettext("%(n)s share", "%(n)s shares", n, "en")

    assert (share(1), share(2)) == ("1 share", "2 shares")


def test_a_percent_sign_in_a_value_is_left_alone() -> None:
    assert catalogue.gettext("Hi %(name)s,", "en", name="100%(x)s") == "Hi 100%(x)s,"


def test_a_catalogue_beside_the_module_translates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Catalog(locale="de")
    written.add("Hi %(name)s,", "Hallo %(name)s,")
    with (tmp_path / "de.po").open("wb") as file:
        write_po(file, written)
    monkeypatch.setattr(catalogue, "DIRECTORY", tmp_path)
    catalogue._translations.cache_clear()
    try:
        assert catalogue.gettext("Hi %(name)s,", "de", name="Ben") == "Hallo Ben,"
        assert catalogue.gettext("Untranslated", "de") == "Untranslated"
    finally:
        catalogue._translations.cache_clear()


def test_every_state_has_a_word_of_its_own() -> None:
    statuses = {labels.status_label(status, "en").text for status in Status}
    states = {labels.message_label(fate, "en").text for fate in Fate}
    notices = {labels.notice_name(notice, "en") for notice in Notice}
    splits = {labels.split_name(split, "en") for split in SplitKind}
    counts = [len(statuses), len(states), len(notices), len(splits)]
    assert counts == [len(Status), len(Fate), len(Notice), len(SplitKind)]


def test_statuses_differ_by_more_than_colour() -> None:
    assert len({labels.status_label(status, "en").icon for status in Status}) == len(Status)


@pytest.mark.parametrize(
    ("unit", "every", "expected"),
    [(Unit.WEEK, 1, "every week"), (Unit.MONTH, 3, "every 3 months"), (Unit.YEAR, 1, "every year")],
)
def test_rhythms_are_said_in_words(unit: Unit, every: int, expected: str) -> None:
    assert labels.rhythm(unit, every, "en") == expected
