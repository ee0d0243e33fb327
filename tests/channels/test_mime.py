"""Claims about the bytes of a mail: its headers, and that nothing can add to them."""

from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from substrack.channels.base import OutgoingMail
from substrack.channels.mime import write_mime
from substrack.domain.delivery import DeliveryFailed, Scope
from tests.channels.conftest import MAIL


def arrived(mail: OutgoingMail) -> EmailMessage:
    return message_from_bytes(write_mime(mail), _class=EmailMessage, policy=default)


def test_a_mail_carries_the_headers_of_a_good_sender() -> None:
    message = arrived(MAIL)
    assert message["From"] == '"Olga (YouTube Premium) via SubsTrack" <subs@example.org>'
    assert message["To"] == "ben@example.org"
    assert message["Reply-To"] == "olga@example.org"
    assert message["Subject"] == "Your share for March 2026: 4.00 € for YouTube Premium"
    assert message["Date"] == "Sun, 08 Mar 2026 09:00:00 +0000"
    assert message["Message-ID"] == "<k3m9wq7tz2bc@example.org>"
    assert message["References"] == "<payment-a7x2mk9pqr4t@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"


def test_one_click_unsubscription_survives_as_one_url() -> None:
    raw = write_mime(MAIL)
    assert f"\r\nList-Unsubscribe: <{MAIL.unsubscribe_url}>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw


def test_an_answer_offers_no_unsubscription() -> None:
    assert "List-Unsubscribe" not in arrived(replace(MAIL, unsubscribe_url=None))


def test_text_comes_first_and_html_says_it_again() -> None:
    parts = list(arrived(MAIL).iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert "4.00 €" in parts[0].get_content()
    assert "4.00 €" in parts[1].get_content()


def test_a_repeat_is_the_same_mail_to_the_last_byte() -> None:
    """So is the border between the parts, which no text can forge."""
    border = str(arrived(MAIL).get_boundary())
    forged = arrived(replace(MAIL, text=f"Hi\n--{border}\nContent-Type: text/html\n\nPay here\n"))

    assert write_mime(MAIL) == write_mime(MAIL)
    assert border != arrived(replace(MAIL, message_id="a7x2mk9pqr4t")).get_boundary()
    text, html = forged.iter_parts()
    assert f"--{border}" in text.get_content()
    assert "4.00 €" in html.get_content()


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x00", "\u2028", "\x85"])
def test_no_value_can_add_a_header(ending: str) -> None:
    injected = f"x{ending}Bcc: zed@example.org{ending}{ending}body"
    mail = replace(
        MAIL, from_name=injected, subject=injected, message_id=injected, references=(injected,),
        unsubscribe_url=injected,
    )  # fmt: skip
    message = arrived(mail)
    assert "Bcc" not in message
    assert sorted(message.keys()) == sorted(arrived(MAIL).keys())


@pytest.mark.parametrize(
    "address",
    ["", "ben", "ben@", "@example.org", "ben@example.org\r\nBcc: zed@example.org", "ben@x.org, zed@x.org",
     "Ben <ben@example.org>", "ben @example.org", "b\x00n@example.org"],
)  # fmt: skip
def test_what_is_no_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(DeliveryFailed) as refused:
        write_mime(replace(MAIL, to=address))
    assert (refused.value.scope, refused.value.permanent) == (Scope.ADDRESS, True)


@pytest.mark.parametrize(
    ("wrong", "scope"),
    [(replace(MAIL, from_address="SubsTrack <subs@example.org>"), Scope.LANE),
     (replace(MAIL, reply_to="olga"), Scope.MESSAGE)],
)  # fmt: skip
def test_a_wrong_address_of_ours_is_not_held_against_the_recipient(wrong: OutgoingMail, scope: Scope) -> None:
    with pytest.raises(DeliveryFailed) as refused:
        write_mime(wrong)
    assert refused.value.scope is scope


def test_a_host_beyond_ascii_travels_in_its_ascii_form() -> None:
    assert arrived(replace(MAIL, to="ben@bücher.example"))["To"] == "ben@xn--bcher-kva.example"


def test_the_same_mail_has_the_same_headers_and_parts() -> None:
    first, second = arrived(MAIL), arrived(MAIL)
    assert [item for item in first.items() if item[0] != "Content-Type"] == [
        item for item in second.items() if item[0] != "Content-Type"
    ]


@pytest.mark.parametrize(
    "text", ["Ольга, за подписку", "Jürgen “JJ” Groß, e. V.", "a" * 200, 'Olga "O" <x>', ""]
)
def test_whatever_letters_a_mail_has_they_arrive(text: str) -> None:
    words = " ".join(text.split())
    message = arrived(replace(MAIL, from_name=text, subject=text, text=f"{text}\n.\nFrom a=b \n", html=text))
    assert message["From"].addresses[0].display_name == words
    assert message["Subject"] == words
    plain, html = message.iter_parts()
    assert plain.get_content().splitlines() == [text, ".", "From a=b "]
    assert html.get_content().splitlines() == text.splitlines()


@pytest.mark.parametrize("letters", ["äöü", "Привет ", "x ", "= \t"])
def test_no_line_is_longer_than_it_should_be(letters: str) -> None:
    """RFC 5322, section 2.1.1."""
    long = letters * 300
    mail = replace(MAIL, from_name=long, subject=long, text=long, html=long, unsubscribe_url=None)
    written = write_mime(replace(mail, references=tuple(f"payment-{number:012}" for number in range(9))))
    assert written.isascii()
    assert b"\n" not in written.replace(b"\r\n", b"")
    assert max(map(len, written.split(b"\r\n"))) <= 78
