"""Claims about mail that is kept in files instead of sent."""

import asyncio
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from substrack.channels.mailbox import MailboxChannel
from substrack.domain.delivery import DeliveryFailed, Scope
from tests.channels.conftest import MAIL


def test_a_kept_mail_can_be_read_back(tmp_path: Path) -> None:
    mailbox = MailboxChannel(tmp_path / "mail")
    name = asyncio.run(mailbox.send(MAIL))
    assert name == "20260308T090000Z-k3m9wq7tz2bc.eml"
    kept = mailbox.read(name)
    assert kept is not None
    assert (kept.to, kept.subject, kept.text) == (MAIL.to, MAIL.subject, MAIL.text)
    assert kept.html.strip() == MAIL.html
    assert kept.date == MAIL.date


def test_the_newest_comes_first(tmp_path: Path) -> None:
    mailbox = MailboxChannel(tmp_path)
    for day in (1, 3, 2):
        asyncio.run(mailbox.send(replace(MAIL, date=MAIL.date + timedelta(days=day), subject=f"day {day}")))
    assert [mail.subject for mail in mailbox.newest()] == ["day 3", "day 2", "day 1"]
    assert [mail.subject for mail in mailbox.newest(limit=1)] == ["day 3"]


def test_the_same_mail_again_is_one_file(tmp_path: Path) -> None:
    mailbox = MailboxChannel(tmp_path)
    asyncio.run(mailbox.send(MAIL))
    asyncio.run(mailbox.send(MAIL))
    assert len(list(tmp_path.iterdir())) == 1


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    name = asyncio.run(MailboxChannel(tmp_path).send(MAIL))
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_an_empty_mailbox_is_empty(tmp_path: Path) -> None:
    assert MailboxChannel(tmp_path / "missing").newest() == []


@pytest.mark.parametrize(
    "name", ["../secret.eml", "secret.txt", "", "20260308T090000Z-../../x.eml", "/etc/passwd"]
)
def test_nothing_but_kept_mail_can_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path.parent / "secret.eml").write_text("secret")
    assert MailboxChannel(tmp_path).read(name) is None


def test_a_full_or_forbidden_disk_fails_for_everybody(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file where the directory should be")
    with pytest.raises(DeliveryFailed) as failed:
        asyncio.run(MailboxChannel(tmp_path / "mail").send(MAIL))
    assert failed.value.scope is Scope.LANE
