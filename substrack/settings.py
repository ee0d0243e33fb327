"""Every setting, read once from the environment and checked at start.

Secrets may come from files: `SUBSTRACK_SMTP_PASSWORD_FILE` names a file whose content is the password.
A wrong setting is a `WrongSetting` with a sentence, never a traceback.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

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

MIN_KEY_LENGTH = 32
MIN_METRICS_TOKEN_LENGTH = 16
_BARE_ADDRESS = re.compile(r"[^@\s<>,;:\"()]+@[^@\s<>,;:\"()]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
KNOWN_BAD_KEYS = ("changeme", "change-me", "secret", "default", "password", "example")


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


class Settings(BaseModel):
    """The settings of one process. See `.env.example` for what each is for."""

    model_config = ConfigDict(extra="ignore", frozen=True, validate_default=True)

    data_dir: Path = Path("instance")
    database_url: str = ""
    base_url: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    secret_keys: tuple[SecretStr, ...] = ()
    smtp_url: str = ""
    smtp_password: SecretStr | None = None
    smtp_connections: int = Field(default=4, ge=1, le=50)
    mail_from: str = "substrack@localhost"
    telegram_token: SecretStr | None = None
    telegram_api_url: str = ""
    telegram_webhook: bool = False
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_label: str = Field(default="OpenID Connect", max_length=40)
    local_sign_in: bool = True
    require_second_factor: bool = False
    lease_seconds: int = Field(default=300, ge=1, le=3600)
    backups: bool = True
    backup_dir: Path | None = None
    keep_texts_days: int = Field(default=30, ge=1, le=36500)
    keep_inbound_days: int = Field(default=90, ge=2, le=36500)
    keep_events_days: int = Field(default=365, ge=90, le=36500)
    log_format: LogFormat = LogFormat.TEXT
    log_level: LogLevel = LogLevel.INFO
    metrics_token: SecretStr | None = None
    heartbeat_url: SecretStr | None = None
    now: datetime | None = None

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: Any) -> Any:
        return tuple(key.strip() for key in value.split(",")) if isinstance(value, str) else value

    @field_validator("secret_keys")
    @classmethod
    def _check_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in keys:
            _check_key(key.get_secret_value())
        return keys

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        is_plain = not (parts.query or parts.fragment or parts.username or parts.password)
        if parts.scheme not in ("http", "https") or not _names_host(parts) or not is_plain:
            raise ValueError("must look like https://subs.example.org or https://example.org/subs")
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("smtp", "smtps") or not _names_host(parts):
            raise ValueError("must look like smtp://user@mail.example.org:587 or smtps://…")
        return value

    @field_validator("mail_from")
    @classmethod
    def _check_mail_from(cls, value: str) -> str:
        if not _BARE_ADDRESS.fullmatch(value):
            raise ValueError("must be a bare address like subs@example.org; names are added per mail")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _check_issuer(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        is_plain = not (parts.query or parts.fragment or parts.username or parts.password)
        if not _names_host(parts) or not is_plain or len(value) > 255:
            raise ValueError("must look like https://id.example.org, exactly as the provider calls itself")
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
            raise ValueError("needs https: who signs in would be anybody's word")
        return value

    @field_validator("log_format", "log_level", mode="before")
    @classmethod
    def _in_any_case(cls, value: Any, info: ValidationInfo) -> Any:
        change = str.upper if info.field_name == "log_level" else str.lower
        return change(value) if isinstance(value, str) else value

    @field_validator("metrics_token")
    @classmethod
    def _check_metrics_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < MIN_METRICS_TOKEN_LENGTH:
            raise ValueError(f"needs at least {MIN_METRICS_TOKEN_LENGTH} characters of randomness")
        return value

    @field_validator("heartbeat_url")
    @classmethod
    def _check_heartbeat_url(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value() if value else "https://none")
        if parts.scheme not in ("http", "https") or not _names_host(parts):
            raise ValueError("must look like https://hc-ping.com/…, as the service shows it")
        return value

    @field_validator("now")
    @classmethod
    def _check_now(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("needs a zone, like 2026-03-01T10:00:00Z")
        return value

    @model_validator(mode="after")
    def _fill_in(self) -> Settings:
        if not self.base_url:
            object.__setattr__(self, "base_url", f"http://{_url_host(self.host)}:{self.port}")
        if self.now is not None and not self.base_url_is_loopback:
            raise ValueError("NOW: a fixed clock is only for trials on a loopback base URL")
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            raise ValueError("OIDC_ISSUER and OIDC_CLIENT_ID: set both, or neither")
        if not self.local_sign_in and not self.oidc_issuer:
            raise ValueError("LOCAL_SIGN_IN: nobody could sign in; set OIDC_ISSUER first")
        relay = urlsplit(self.smtp_url).hostname or "localhost"
        if self.mail_from.endswith("@localhost") and not _is_loopback(relay):
            raise ValueError("MAIL_FROM: name the address your mail server lets you send from")
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.data_dir.absolute() / 'substrack.db'}")
        return self

    @property
    def backups_go_to(self) -> Path:
        """The directory of backups: the one that was named, else one in the data directory."""
        return self.backup_dir or self.data_dir / "backups"

    @property
    def base_url_is_loopback(self) -> bool:
        """Tell whether links lead to this very machine."""
        return _is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def base_url_is_private(self) -> bool:
        """Tell whether links lead to a loopback or private address that members' phones cannot reach."""
        host = urlsplit(self.base_url).hostname or ""
        if _is_loopback(host) or "." not in host.strip("."):
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
    values = dict(os.environ if environ is None else environ)
    _check_names(values)
    fields = {
        name[len(PREFIX) :].lower(): value
        for name, value in values.items()
        if name.startswith(PREFIX) and name[len(PREFIX) :].lower() in Settings.model_fields
    }
    fields |= {
        name.lower(): _from_file(values[f"{PREFIX}{name}_FILE"], name) for name in _named_files(values)
    }
    fields = {name: value for name, value in fields.items() if value != ""}
    try:
        return Settings(**(fields | overrides))
    except ValidationError as error:
        raise WrongSetting(_sentence(error)) from None


def _check_names(values: Mapping[str, str]) -> None:
    """Refuse a name that is nearly one of ours: a misspelt setting would silently not hold."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {f"{PREFIX}{name}_FILE" for name in FROM_FILES}
    for name in sorted(set(values) - known):
        written = name.upper()
        if written in known:
            raise WrongSetting(f"{name} has to be written in capitals: {written}.")
        meant = get_close_matches(name, known, n=1, cutoff=0.9) if name.startswith(PREFIX) else []
        if meant:
            raise WrongSetting(f"{name} is not a setting of SubsTrack; {meant[0]} is.")


def _named_files(values: Mapping[str, str]) -> list[str]:
    named = [name for name in FROM_FILES if values.get(f"{PREFIX}{name}_FILE")]
    for name in named:
        if values.get(PREFIX + name):
            raise WrongSetting(f"Set either {PREFIX}{name} or {PREFIX}{name}_FILE, not both.")
    return named


def _from_file(path: str, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"{PREFIX}{name}_FILE can't be read: {error}") from None


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    message = str(first["msg"]).removeprefix("Value error, ")
    place = ".".join(str(part) for part in first["loc"][:1])
    return f"{PREFIX}{place.upper()}: {message}" if place else f"{PREFIX}{message}"


def _check_key(key: str) -> None:
    if len(key) < MIN_KEY_LENGTH:
        raise ValueError(f"each key needs at least {MIN_KEY_LENGTH} characters of randomness")
    in_order = sum(ord(after) - ord(before) == 1 for before, after in pairwise(key))
    if any(bad in key.lower() for bad in KNOWN_BAD_KEYS) or len(set(key)) < 8 or in_order > len(key) / 2:
        raise ValueError("a default or guessable key; leave it unset and a random one is made on first start")


def _names_host(parts: SplitResult) -> bool:
    """Tell whether a URL has a host and, if it has a port, one that exists."""
    try:
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    return port != 0 and (_HOST.fullmatch(host) is not None or ":" in host)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _url_host(host: str) -> str:
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
