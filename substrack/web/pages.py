"""Put pages together: navigation, banners and flashed sentences around a template.

What a page shows is decided here and in the views; templates only write it down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from flask import Flask, flash, g, get_flashed_messages, request
from jinja2 import StrictUndefined

from substrack.bootstrap import LOW_ROOM_BYTES
from substrack.domain.errors import Phrase
from substrack.domain.former import FORMER
from substrack.queries.accounts import SignedIn
from substrack.queries.installation import InstallationRow, load_installation
from substrack.settings import Settings
from substrack.texts import formats, labels
from substrack.texts.catalogue import DEFAULT, language_of, shown_name
from substrack.texts.words import Words
from substrack.web.drawing import once, once_for_fields
from substrack.web.forms import PageForm
from substrack.web.pieces import address, csrf_field, icon, static_url, with_tokens
from substrack.web.presses import new_press_key
from substrack.web.reading import reading, runtime
from substrack.web.sessions import me
from substrack.web.unchanged import rendered


@dataclass(frozen=True)
class NavItem:
    """One entry of the navigation; it is current on every page of its blueprint and of those it `covers`."""

    endpoint: str
    label: str
    icon: str
    covers: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        """Tell whether the page that is shown belongs to this entry."""
        return request.blueprint in (self.endpoint.partition(".")[0], *self.covers)


@dataclass(frozen=True)
class Banner:
    """A lasting sentence about the installation, above every page."""

    tone: str
    icon: str
    sentence: str


@dataclass(frozen=True)
class Flash:
    """A sentence about what was just done or refused, shown once; `undo` names what can be put back."""

    tone: str
    sentence: str
    undo: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """What stands around a page of someone who is signed in."""

    user: SignedIn
    nav: tuple[NavItem, ...]
    banners: tuple[Banner, ...]
    flashes: tuple[Flash, ...]


NAV: Final = (
    NavItem("home.show", Phrase("Home"), "home", covers=("objections",)),
    NavItem("review.show", Phrase("Review"), "review", covers=("money_in",)),
    NavItem(
        "groups.show_list",
        Phrase("Groups"),
        "groups",
        covers=("asking", "group_members", "group_terms", "members", "periods", "prices", "payments"),
    ),
    NavItem("people.show_list", Phrase("People"), "people"),
    NavItem("messages.show", Phrase("Messages"), "mail", covers=("previews",)),
)

NO_ROOM: Final = Phrase(
    "The disk is nearly full: %(left)s MB are left. Once it is full, nothing more can be written down."
)

BACKUP_IS_OLD: Final = timedelta(days=3)

SETTING_SENTENCES: Final = {
    "clock": Phrase("The clock stands still at %(now)s (SUBSTRACK_NOW)."),
    "mail": Phrase("Mail is kept here and not sent. Set SUBSTRACK_SMTP_URL to reach people by mail."),
    "link": Phrase("Links lead to this machine only (%(url)s). Set SUBSTRACK_BASE_URL to reach people."),
    "lock": Phrase(
        "Plain http: passwords travel unprotected. Put https in front and into SUBSTRACK_BASE_URL."
    ),
}


def init_pages(app: Flask) -> None:
    """Make templates strict and teach them to write instants."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.finalize = _with_names
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["moment"] = moment
    app.jinja_env.globals["labels"] = labels
    app.jinja_env.globals["new_press_key"] = new_press_key
    app.jinja_env.globals.update(
        static_url=static_url,
        url_for=address,
        draw_icon=icon,
        csrf_field=csrf_field,
        once=once,
        once_for_fields=once_for_fields,
    )


def page(template: str, **rows: Any) -> str:
    """Render a page of someone who is signed in, in their language."""
    layout, words = Layout(me(), NAV, banners(), flashes()), my_words()
    g.locale = words.locale
    return with_tokens(rendered(template, {"layout": layout, "_": words, **_spoken(rows, words)}))


def my_words() -> Words:
    """Give the words of whoever is signed in."""
    return Words(language_of(me().language))


def bare_page(template: str, *, language: str | None = None, **rows: Any) -> str:
    """Render a page that stands alone, without asking the database, in a language or the browser's first."""
    words = bare_words(language)
    g.locale = words.locale
    return with_tokens(rendered(template, {"_": words, **_spoken(rows, words)}))


def _with_names(value: object) -> object:
    """Write the neutral name of somebody who was erased in the reader's language, wherever names stand."""
    is_one = isinstance(value, str) and value.startswith(FORMER)
    return shown_name(value, g.get("locale", DEFAULT)) if is_one else value


def _spoken(rows: dict[str, Any], words: Words) -> dict[str, Any]:
    for row in rows.values():
        for form in row.values() if isinstance(row, dict) else (row,):
            if isinstance(form, PageForm):
                form.speak(words)
    return rows


def bare_words(language: str | None = None) -> Words:
    """Give the words of a page that stands alone, in a language or the browser's first."""
    return Words(language_of(language, *request.accept_languages.values()))


def reader_language(own: str | None, home: str) -> str:
    """Choose what somebody who is not signed in reads: their own language, the browser's, the workspace's."""
    return language_of(own, *request.accept_languages.values(), home)


def banners() -> tuple[Banner, ...]:
    """List what every admin has to know on every page: a hold, a full disk, a clock that stands still."""
    _, held, left = my_words(), installation(), runtime().room_bytes
    told = {
        "pause": _on_hold(held, _) if held.hold_reason is not None else None,
        "alert": _(NO_ROOM, left=left // 1_000_000) if left < LOW_ROOM_BYTES else None,
    }
    clock = _setting_banners(runtime().settings, ("clock",))
    return (*(Banner("warn", icon, sentence) for icon, sentence in told.items() if sentence), *clock)


def installation() -> InstallationRow:
    """Load how the installation is, once a request."""
    if "installation" not in g:
        g.installation = load_installation(reading())
    row: InstallationRow = g.installation
    return row


def _on_hold(held: InstallationRow, _: Words) -> str:
    if held.restored_from is None:
        return _("Sending is on hold: %(why)s", why=held.hold_reason)
    when = moment(held.restored_from, me())
    return _("Sending is on hold: the books were restored from the backup of %(when)s.", when=when)


def installation_notes() -> tuple[Banner, ...]:
    """List what the settings keep from people, for home: nothing is wrong, and something is to be done."""
    return _setting_banners(runtime().settings, ("mail", "link", "lock"))


def backup_notes(row: InstallationRow, now: datetime) -> tuple[Banner, ...]:
    """Say, for home, when backups fail or have stopped; whoever runs the machine reads why."""
    _ = my_words()
    if row.backup_error is not None:
        why = row.backup_error if me().role.value == "owner" else ""
        return (
            Banner("warn", "alert", _("The last backup failed. It is tried again every hour.") + f" {why}"),
        )
    if runtime().settings.backups and row.backup_at and now - row.backup_at > BACKUP_IS_OLD:
        when = moment(row.backup_at, me())
        return (
            Banner("warn", "alert", _("The last backup is from %(when)s. Does the worker run?", when=when)),
        )
    return ()


def mail_is_kept() -> bool:
    """Tell whether mail goes nowhere, for want of a mail server."""
    return not runtime().settings.smtp_url


def flash_sent(sent: Phrase, kept: Phrase, **facts: Any) -> None:
    """Say on the next page that something is on its way, or that it was only kept."""
    flash(my_words()(kept if mail_is_kept() else sent, **facts), "done")


def _setting_banners(settings: Settings, icons: Sequence[str]) -> tuple[Banner, ...]:
    """List what some of the settings mean for people."""
    _ = my_words()
    told = {
        "clock": settings.now is not None,
        "mail": not settings.smtp_url,
        "link": settings.base_url_is_loopback,
        "lock": not settings.is_https and not settings.base_url_is_loopback,
    }
    return tuple(
        Banner("note", icon, _(SETTING_SENTENCES[icon], now=settings.now, url=settings.base_url))
        for icon in icons
        if told[icon]
    )


def flashes() -> tuple[Flash, ...]:
    """Take the sentences that were kept for the next page."""
    _, kept = my_words(), cast(list[tuple[str, str]], get_flashed_messages(with_categories=True))
    return tuple(_flash(*category.split(), sentence=_(sentence)) for category, sentence in kept)


def _flash(tone: str, *undo: str, sentence: str) -> Flash:
    return Flash(tone, sentence, undo)


def moment(instant: datetime, user: SignedIn) -> str:
    """Write an instant in the zone and language of who reads it."""
    return _moment(instant, user.time_zone, user.language)


@lru_cache(formats.KEPT)
def _moment(instant: datetime, time_zone: str, language: str) -> str:
    return formats.moment(instant.astimezone(ZoneInfo(time_zone)), language_of(language))
