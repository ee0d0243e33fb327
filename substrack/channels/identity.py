"""Asking an identity provider who somebody is: OpenID Connect, code flow with PKCE, state and nonce.

Knows HTTP and tokens, no accounts and no pages. Every error of a library leaves as `ProviderFailed`, and what
the provider says is believed only when its signature, issuer, audience, age and nonce are right.
"""

from __future__ import annotations

import logging
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "Ed25519",
    "EdDSA",
)
"""Signatures by the provider's own key alone: neither "none" nor anything keyed by what others know."""

TIMEOUT_SECONDS: Final = 8.0
"""For one question to the provider, from its beginning to the last byte of the answer."""

FAILED_SECONDS: Final = 10.0
"""For how long nobody asks again for what could not be fetched, so that no crowd waits for a provider."""

LEEWAY_SECONDS: Final = 60
KEPT_SECONDS: Final = 3600.0
"""How long what a provider says of itself is believed; unknown keys are asked for at once."""


class ProviderFailed(Exception):
    """The provider can't be reached, or its answer can't be believed; the log says which."""


@dataclass(frozen=True)
class Asking:
    """A question on its way to the provider: where the browser goes, and what the answer has to fit."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Person:
    """Who somebody is, as the provider says; `shown_at` is when they last showed it there, if it says so."""

    issuer: str
    subject: str
    email: str
    is_verified: bool
    shown_at: datetime | None


class Provider:
    """One identity provider. Safe to share between threads; makes no connection before it is asked."""

    def __init__(self, issuer: str, *, client_id: str, client_secret: str | None, redirect_uri: str) -> None:
        self.issuer = issuer
        self._client_id, self._client_secret, self._redirect_uri = client_id, client_secret, redirect_uri
        self._lock, self._kept = Lock(), dict[str, tuple[float, dict[str, Any]]]()
        self._asked, self._failed = set[str](), dict[str, float]()

    def ask(self, *, anew: bool) -> Asking:
        """Word the question; with `anew` the provider has to let them show again who they are.

        Raises:
            ProviderFailed.
        """
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        terms = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid email",
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if anew else {}),
        }
        where = self._endpoint("authorization_endpoint")
        joint = "&" if urlsplit(where).query else "?"
        return Asking(f"{where}{joint}{urlencode(terms)}", state, nonce, verifier)

    def answer(self, *, code: str, nonce: str, verifier: str, now: datetime) -> Person:
        """Trade the code that came back for who it is.

        Raises:
            ProviderFailed.
        """
        tokens = self._trade(code, verifier)
        claims = self._claims(str(tokens.get("id_token", "")), tokens, nonce=nonce, now=now)
        if "email" not in claims:
            claims = claims | self._more(str(tokens.get("access_token", "")), claims["sub"])
        return Person(
            self.issuer,
            claims["sub"],
            str(claims.get("email", "")),
            claims.get("email_verified") is True,
            _instant(claims.get("auth_time")),
        )

    def _trade(self, code: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        where, auth = self._endpoint("token_endpoint"), None
        methods = self._metadata().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._client_secret is None:
            form["client_id"] = self._client_id
        elif "client_secret_basic" in methods:
            auth = (quote(self._client_id, safe=""), quote(self._client_secret, safe=""))  # RFC 6749, 2.3.1
        else:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        return self._json("POST", where, data=form, auth=auth)

    def _claims(self, token: str, tokens: dict[str, Any], *, nonce: str, now: datetime) -> dict[str, Any]:
        """Read an ID token and check all that OpenID Connect Core, section 3.1.3.7, asks for."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        try:
            try:
                read = jwt.decode(token, self._keys(), algorithms=ALGORITHMS)
            except InvalidKeyIdError:
                read = jwt.decode(token, self._keys(anew=True), algorithms=ALGORITHMS)
            CodeIDToken(
                read.claims,
                read.header,
                options={
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._client_id},
                    "exp": {"essential": True},
                    "sub": {"essential": True},
                },
                params={
                    "nonce": nonce,
                    "client_id": self._client_id,
                    "access_token": tokens.get("access_token"),
                },
            ).validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            log.warning("an ID token of %s is not believed: %s", self.issuer, error)
            raise ProviderFailed from None
        subject = read.claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise ProviderFailed
        return dict(read.claims)

    def _more(self, access_token: str, subject: str) -> dict[str, Any]:
        """Ask for the email address where the ID token leaves it out; the answer must be about the same."""
        if not self._metadata().get("userinfo_endpoint"):
            return {}
        where, headers = self._endpoint("userinfo_endpoint"), {"Authorization": f"Bearer {access_token}"}
        more = self._json("GET", where, headers=headers)
        if more.get("sub") != subject:
            raise ProviderFailed
        return {name: more[name] for name in ("email", "email_verified") if name in more}

    def _keys(self, *, anew: bool = False) -> Any:
        from joserfc.jwk import KeySet

        return KeySet.import_key_set(self._cached(self._endpoint("jwks_uri"), anew=anew))  # type: ignore[arg-type]

    def _metadata(self) -> dict[str, Any]:
        found = self._cached(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            log.warning("the provider at %s calls itself %s", self.issuer, found.get("issuer"))
            raise ProviderFailed
        return found

    def _endpoint(self, name: str) -> str:
        """Find an address of the provider; one that is less protected than its issuer is none."""
        where = self._metadata().get(name)
        if not isinstance(where, str) or urlsplit(where).scheme not in {
            "https",
            urlsplit(self.issuer).scheme,
        }:
            log.warning("%s names no %s that can be used", self.issuer, name)
            raise ProviderFailed
        return where

    def _cached(self, url: str, *, anew: bool = False) -> dict[str, Any]:
        """Fetch what is kept for a while; one thread asks at a time, and the others do not wait for it."""
        with self._lock:
            now, is_asked = time.monotonic(), url in self._asked
            found_at, found = self._kept.get(url, (now, None))
            if found is not None and not anew and (is_asked or now - found_at <= KEPT_SECONDS):
                return found
            if is_asked or now - self._failed.get(url, float("-inf")) < FAILED_SECONDS:
                raise ProviderFailed
            self._asked.add(url)
        try:
            return self._fetch(url)
        finally:
            with self._lock:
                self._asked.discard(url)

    def _fetch(self, url: str) -> dict[str, Any]:
        try:
            found = self._json("GET", url)
        except ProviderFailed:
            with self._lock:
                self._failed[url] = time.monotonic()
            raise
        with self._lock:
            self._kept[url] = (time.monotonic(), found)
        return found

    def _json(self, method: str, url: str, **request: Any) -> dict[str, Any]:
        import httpx

        request["headers"] = {"Accept": "application/json", **request.get("headers", {})}
        try:
            with _cut_off_after(TIMEOUT_SECONDS) as trace, httpx.Client(timeout=TIMEOUT_SECONDS) as client:
                return _body(client.request(method, url, **request, extensions={"trace": trace}))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            log.warning("%s %s did not work: %s", method, url, type(error).__name__)
            raise ProviderFailed from None


@contextmanager
def _cut_off_after(seconds: float) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """Give a tracer to httpx and cut its connection in time: its own timeout is for each read alone."""
    connected: list[socket.socket] = []

    def trace(event: str, facts: dict[str, Any]) -> None:
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            connected.append(facts["return_value"].get_extra_info("socket"))

    def cut_off() -> None:
        for one in connected:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, cut_off)
    timer.daemon = True
    timer.start()
    try:
        yield trace
    finally:
        timer.cancel()


def _instant(said: object) -> datetime | None:
    """Read seconds since 1970; None for what is no time."""
    if not isinstance(said, int | float):
        return None
    try:
        return datetime.fromtimestamp(said, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _body(response: httpx.Response) -> dict[str, Any]:
    found = response.raise_for_status().json()
    if not response.is_success or not isinstance(found, dict):
        raise ValueError("not an answer")
    return found
