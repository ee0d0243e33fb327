"""An identity provider on this machine: real HTTP, an authorization endpoint that needs no click, RS256 keys.

It is as strict as a real one about codes, redirect addresses, PKCE and the client's secret. What it says of
itself and of people can be falsified, to see what is believed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "substrack", "a secret: with/odd chars"


@cache
def signing_key(number: int) -> RSAKey:
    """Make a key once; providers of many tests may share it."""
    return RSAKey.generate_key(2048, {"kid": f"key-{number}", "use": "sig"})


@dataclass
class Grant:
    """What a code stands for until it is traded."""

    nonce: str
    challenge: str
    redirect_uri: str
    prompt: str | None


@dataclass
class FakeProvider:
    """The provider; `person` is who sits at its browser, `says` falsifies ID tokens, `itself` metadata."""

    clock: Callable[[], datetime]
    url: str = ""
    person: dict[str, Any] = field(
        default_factory=lambda: {"sub": "olga-1", "email": "olga@example.org", "email_verified": True}
    )
    says: dict[str, Any] = field(default_factory=dict)
    itself: dict[str, Any] = field(default_factory=dict)
    in_token: bool = True
    algorithm: str = "RS256"
    signs_with: RSAKey | None = None
    forger: bytes = b""
    is_down: bool = False
    asked: list[str] = field(default_factory=list)
    keys: list[RSAKey] = field(default_factory=list)
    grants: dict[str, Grant] = field(default_factory=dict)
    _rotations: int = 0

    def __post_init__(self) -> None:
        self.rotate()

    def rotate(self) -> None:
        """Sign with another key from now on, and know the former no more."""
        self._rotations += 1
        self.keys = [signing_key(self._rotations)]

    def metadata(self) -> dict[str, Any]:
        """Say what OpenID Connect Discovery asks for."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            **self.itself,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Let whoever sits there in, and say where their browser goes."""
        assert (query["client_id"], query["response_type"]) == (CLIENT, "code")
        assert query["scope"].split()[0] == "openid"
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.grants[code] = Grant(
            query["nonce"], query["code_challenge"], query["redirect_uri"], query.get("prompt")
        )
        back = {"code": code, "state": query["state"], "iss": self.url}
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def trade(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Trade a code for tokens; None for whoever does not hold all that it takes."""
        grant = self.grants.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        user, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        is_right = (
            grant is not None
            and grant.challenge == proof.decode().rstrip("=")
            and grant.redirect_uri == form.get("redirect_uri")
            and (unquote(user), unquote(password)) == (CLIENT, SECRET)
        )
        if not is_right or grant is None:
            return None
        return {"access_token": "for-userinfo", "token_type": "Bearer", "id_token": self._token(grant)}

    def _token(self, grant: Grant) -> str:
        now = int(self.clock().timestamp())
        person = self.person if self.in_token else {"sub": self.person["sub"]}
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": grant.nonce,
            **({"auth_time": now} if grant.prompt == "login" else {}),
            **person,
            **self.says,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.keys[0].kid}
        if self.algorithm in ("none", "HS256"):
            return _forge(header, claims, self.forger)
        return jwt.encode(header, claims, self.signs_with or self.keys[0])

    def public_pem(self) -> bytes:
        """Write the public key as anybody can."""
        return bytes(self.keys[0].as_pem(private=False))

    def jwks(self) -> dict[str, Any]:
        """Publish the keys that sign."""
        return dict(KeySet(list(self.keys)).as_dict(private=False))


@contextmanager
def open_provider(clock: Callable[[], datetime]) -> Iterator[FakeProvider]:
    """Serve a provider on a free port of this machine."""
    provider = FakeProvider(clock)

    class Handler(_Handler):
        def provider(self) -> FakeProvider:
            return provider

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()


def _forge(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """Write a token without the provider's key: unsigned, or signed by what others know as well."""
    body = ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
    return f"{body}.{_base64(hmac.digest(key, body.encode(), 'sha256')) if key else ''}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class _Handler(BaseHTTPRequestHandler):
    def provider(self) -> FakeProvider:
        raise NotImplementedError

    def do_GET(self) -> None:
        provider, parts = self.provider(), urlsplit(self.path)
        provider.asked.append(parts.path)
        if provider.is_down:
            self._send(503, {})
            return
        match parts.path:
            case "/.well-known/openid-configuration":
                self._send(200, provider.metadata())
            case "/jwks":
                self._send(200, provider.jwks())
            case "/userinfo" if self.headers["Authorization"] == "Bearer for-userinfo":
                self._send(200, provider.person)
            case "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.send_header("Content-Length", "0")
                self.end_headers()
            case _:
                self._send(404, {})

    def do_POST(self) -> None:
        provider = self.provider()
        provider.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        tokens = provider.trade(form, self.headers.get("Authorization", ""))
        self._send(200 if tokens else 400, tokens or {"error": "invalid_grant"})

    def _send(self, status: int, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        pass
