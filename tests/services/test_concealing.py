"""Claims about kept words: no link in them opens anything until they leave, as they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from substrack.services.concealing import conceal, reveal
from substrack.services.links import LinkSigner
from substrack.store import LinkPurpose

SIGNER = LinkSigner(["k" * 32], "https://subs.example.org/flat")
OTHER = LinkSigner(["o" * 32], "https://subs.example.org/flat")
JTI = "0123456789abcdef" * 2

tokens = st.builds(
    lambda purpose, jti: f"https://subs.example.org/flat/{purpose.value}/{SIGNER.token(purpose, jti)}",
    st.sampled_from(LinkPurpose),
    st.text("0123456789abcdef", min_size=32, max_size=32),
)
codes = st.builds(SIGNER.start_code, st.text("0123456789abcdef", min_size=32, max_size=32)).map(
    "https://t.me/subs_bot?start={}".format
)
words = st.lists(tokens | codes | st.text(max_size=20), max_size=6).map(" ".join)
stored = st.recursive(
    words | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(stored)
def test_what_was_concealed_comes_back_to_the_last_letter(kept: object) -> None:
    assert reveal(conceal(kept, SIGNER), SIGNER) == kept


@given(tokens | codes)
def test_no_signature_is_left_in_what_is_kept(url: str) -> None:
    signature = url[-27:]
    html = f'<a href="{url}">Pay</a> {url}. ({url})'
    kept = conceal({"html": html, "keys": [[{"text": "Pay", "url": url}]]}, SIGNER)
    assert signature not in str(kept)
    assert reveal(kept, SIGNER)["html"] == html


def test_what_somebody_typed_is_never_signed() -> None:
    typed = f"https://subs.example.org/flat/pay/{JTI}.hidden and {JTI}_hidden"
    shown = reveal(conceal(typed, SIGNER), SIGNER)
    assert SIGNER.token(LinkPurpose.PAY, JTI) not in shown
    assert SIGNER.start_code(JTI) not in shown
    assert typed.count("hidden") == 2
    assert "hidden" not in shown


def test_what_somebody_elses_key_signed_stays_as_it_is() -> None:
    foreign = f"https://subs.example.org/flat/pay/{OTHER.token(LinkPurpose.PAY, JTI)}"
    assert conceal(foreign, SIGNER) == foreign


def test_after_a_rotation_the_newest_key_signs() -> None:
    kept = conceal(f"/pay/{OTHER.token(LinkPurpose.PAY, JTI)}", OTHER)
    rotated = LinkSigner(["k" * 32, "o" * 32], "https://subs.example.org/flat")
    assert reveal(kept, rotated) == f"/pay/{SIGNER.token(LinkPurpose.PAY, JTI)}"
