"""What is left of stored facts once words are taken out."""

from substrack.domain.sifting import sift


def test_words_are_emptied_and_numbers_days_and_choices_stay() -> None:
    facts = {"amount": 299, "status": "pending", "due_on": "2026-03-05", "note": "for Ann", "is_cut": True}
    assert sift(facts) == facts | {"note": ""}


def test_lists_and_facts_within_facts_are_sifted_like_any() -> None:
    facts = {
        "kinds": ["iban", "link"],
        "names": ["Ann", "Bob"],
        "amounts": [1, 2],
        "payment": {"status": "pending", "reason": "typed", "rows": [{"unit": "month", "name": "Ann"}]},
    }
    assert sift(facts) == {
        "kinds": ["iban", "link"],
        "names": ["", ""],
        "amounts": [1, 2],
        "payment": {"status": "pending", "reason": "", "rows": [{"unit": "month", "name": ""}]},
    }
