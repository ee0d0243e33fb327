"""Claims about reading the URL of a mail server."""

import pytest

from substrack.channels.smtp_server import SmtpServer, WrongSmtpUrl


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.org", SmtpServer("mail.example.org", 587)),
        ("smtp://mail.example.org:25", SmtpServer("mail.example.org", 25)),
        ("smtps://mail.example.org", SmtpServer("mail.example.org", 465, is_tls=True)),
        (
            "smtp://olga%40example.org@mail.example.org",
            SmtpServer("mail.example.org", 587, user="olga@example.org"),
        ),
        ("smtp://relay.lan:25?insecure=1", SmtpServer("relay.lan", 25, may_be_plain=True)),
        ("smtp://olga:p%40ss@[::1]:2525", SmtpServer("::1", 2525, user="olga", password="p@ss")),
    ],
)
def test_urls_are_read(url: str, expected: SmtpServer) -> None:
    assert SmtpServer.from_url(url) == expected


def test_the_password_beside_the_url_wins() -> None:
    assert SmtpServer.from_url("smtp://olga:old@mail.example.org", "new").password == "new"


def test_the_password_is_not_shown() -> None:
    assert "right horse" not in repr(SmtpServer.from_url("smtp://olga@mail.example.org", "right horse"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://x:99999",
        "smtp://x?insecure=maybe",
        "smtp://mail..example.org",
        f"smtp://{'x' * 64}.example.org",
    ],
)
def test_what_names_no_server_is_refused(url: str) -> None:
    with pytest.raises(WrongSmtpUrl):
        SmtpServer.from_url(url)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("mail.example.org", False),
        ("10.0.0.1", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, is_loopback: bool) -> None:
    assert SmtpServer(host, 25).is_loopback is is_loopback
