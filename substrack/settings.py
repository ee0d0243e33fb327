"""Every setting, read once from the environment and checked at start.

Secrets may come from files: `SUBSTRACK_SMTP_PASSWORD_FILE` names a file whose content is the password.
A wrong setting is a `WrongSetting` with a sentence, never a traceback.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute, Converter, field, fields_dict, frozen

from substrack import setting_values as values
from substrack.setting_values import Read, SecretStr, is_loopback

PREFIX = "SUBSTRACK_"
FROM_FILES = (
    "SECRET_KEYS",
    "SMTP_PASSWORD",
    "TELEGRAM_TOKEN",
    "DATABASE_URL",
    "SMTP_URL",
    "OIDC_CLIENT_SECRET",
    "METRICS_TOKEN",
    "HEARTBEAT_URL",
)
KEY_FILE = "secret-key"
"""In the data directory, unless the keys are set."""


class WrongSetting(Exception):
    """A setting that SubsTrack cannot start with; the text says which and what to change."""


class LogFormat(StrEnum):
    """How a process logs: lines for people, or JSON objects for programs."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which weight on a line is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def _setting(default: Any, read: Read = values.text) -> Any:
    """Make a field that is read when it is set; one that is wrong names itself."""
    return field(default=default, converter=Converter(partial(_named, read), takes_field=True))


def _named(read: Read, value: Any, setting: Attribute[Any]) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise WrongSetting(f"{PREFIX}{setting.name.upper()}: {error}") from None


@frozen(kw_only=True)
class Settings:
    """The settings of one process. See `.env.example` for what each is for.

    Raises:
        WrongSetting: a value is malformed or unsafe, or two do not fit together.
    """

    data_dir: Path = _setting(Path("instance"), values.path)
    database_url: str = _setting("")
    base_url: str = _setting("", values.base_url)
    host: str = _setting("127.0.0.1")
    port: int = _setting(8000, values.whole(1, 65535))
    trusted_proxies: int = _setting(0, values.whole(0, 10))
    secret_keys: tuple[SecretStr, ...] = _setting((), values.keys)
    smtp_url: str = _setting("", values.smtp_url)
    smtp_password: SecretStr | None = _setting(None, values.unless_unset(values.secret))
    smtp_connections: int = _setting(4, values.whole(1, 50))
    mail_from: str = _setting("substrack@localhost", values.bare_address)
    telegram_token: SecretStr | None = _setting(None, values.unless_unset(values.secret))
    telegram_api_url: str = _setting("")
    telegram_webhook: bool = _setting(False, values.yes_or_no)
    oidc_issuer: str = _setting("", values.issuer)
    oidc_client_id: str = _setting("")
    oidc_client_secret: SecretStr | None = _setting(None, values.unless_unset(values.secret))
    oidc_label: str = _setting("OpenID Connect", values.short_text(40))
    local_sign_in: bool = _setting(True, values.yes_or_no)
    require_second_factor: bool = _setting(False, values.yes_or_no)
    lease_seconds: int = _setting(300, values.whole(1, 3600))
    backups: bool = _setting(True, values.yes_or_no)
    backup_dir: Path | None = _setting(None, values.unless_unset(values.path))
    keep_texts_days: int = _setting(30, values.whole(1, 36500))
    keep_inbound_days: int = _setting(90, values.whole(2, 36500))
    keep_events_days: int = _setting(365, values.whole(90, 36500))
    log_format: LogFormat = _setting(LogFormat.TEXT, values.one_of(LogFormat))
    log_level: LogLevel = _setting(LogLevel.INFO, values.one_of(LogLevel))
    metrics_token: SecretStr | None = _setting(None, values.unless_unset(values.token))
    heartbeat_url: SecretStr | None = _setting(None, values.unless_unset(values.heartbeat_url))
    now: datetime | None = _setting(None, values.unless_unset(values.instant))

    def __attrs_post_init__(self) -> None:
        """Fill in what follows from others, and look whether all fit together."""
        if not self.base_url:
            object.__setattr__(self, "base_url", f"http://{_url_host(self.host)}:{self.port}")
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.data_dir.absolute() / 'substrack.db'}")
        if self.now is not None and not self.base_url_is_loopback:
            raise WrongSetting(f"{PREFIX}NOW: a fixed clock is only for trials on a loopback base URL")
        is_reached_by_telegram = self.is_https or self.base_url_is_loopback or bool(self.telegram_api_url)
        if self.telegram_webhook and not is_reached_by_telegram:
            raise WrongSetting(f"{PREFIX}TELEGRAM_WEBHOOK: Telegram only calls a base URL with https")
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            raise WrongSetting(f"{PREFIX}OIDC_ISSUER and OIDC_CLIENT_ID: set both, or neither")
        if not self.local_sign_in and not self.oidc_issuer:
            raise WrongSetting(f"{PREFIX}LOCAL_SIGN_IN: nobody could sign in; set OIDC_ISSUER first")
        relay = urlsplit(self.smtp_url).hostname or "localhost"
        if self.mail_from.endswith("@localhost") and not is_loopback(relay):
            raise WrongSetting(f"{PREFIX}MAIL_FROM: name the address your mail server lets you send from")

    @property
    def backups_go_to(self) -> Path:
        """The directory of backups: the one that was named, else one in the data directory."""
        return self.backup_dir or self.data_dir / "backups"

    @property
    def base_url_is_loopback(self) -> bool:
        """Tell whether links lead to this very machine."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def base_url_is_private(self) -> bool:
        """Tell whether links lead to a loopback or private address that members' phones cannot reach."""
        host = urlsplit(self.base_url).hostname or ""
        if is_loopback(host) or "." not in host.strip("."):
            return True
        try:
            return not ipaddress.ip_address(host).is_global
        except ValueError:
            return host.endswith((".local", ".lan", ".internal", ".home.arpa"))

    @property
    def is_https(self) -> bool:
        """Tell whether browsers reach us by https, so that cookies can be Secure."""
        return self.base_url.startswith("https://")


def load_settings(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Read the settings from an environment (default: the process's), `_FILE` twins included.

    Raises:
        WrongSetting: a value is missing, malformed or unsafe; the text names the variable.
    """
    given = dict(os.environ if environ is None else environ)
    _check_names(given)
    written = {name: given.get(PREFIX + name.upper(), "") for name in fields_dict(Settings)}
    written |= {name.lower(): _from_file(given[f"{PREFIX}{name}_FILE"], name) for name in _named_files(given)}
    return Settings(**({name: value for name, value in written.items() if value} | overrides))


def _check_names(given: Mapping[str, str]) -> None:
    """Refuse a name that is nearly one of ours: a misspelt setting would silently not hold."""
    known = {PREFIX + name.upper() for name in fields_dict(Settings)}
    known |= {f"{PREFIX}{name}_FILE" for name in FROM_FILES}
    for name in sorted(set(given) - known):
        written = name.upper()
        if written in known:
            raise WrongSetting(f"{name} has to be written in capitals: {written}.")
        meant = get_close_matches(name, known, n=1, cutoff=0.9) if name.startswith(PREFIX) else []
        if meant:
            raise WrongSetting(f"{name} is not a setting of SubsTrack; {meant[0]} is.")


def _named_files(given: Mapping[str, str]) -> list[str]:
    named = [name for name in FROM_FILES if given.get(f"{PREFIX}{name}_FILE")]
    for name in named:
        if given.get(PREFIX + name):
            raise WrongSetting(f"Set either {PREFIX}{name} or {PREFIX}{name}_FILE, not both.")
    return named


def _from_file(path: str, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"{PREFIX}{name}_FILE can't be read: {error}") from None


def _url_host(host: str) -> str:
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
