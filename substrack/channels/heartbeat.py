"""The dead man's switch outward: call an address that somebody else watches."""

from __future__ import annotations

import asyncio
import socket
import ssl

from substrack.channels.telegram import prepare_library
from substrack.domain.delivery import DeliveryFailed, Scope

TIMEOUT_SECONDS = 10.0


async def call(url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
    """Ask for an address by GET, once; redirects are not followed. The reason of a failure never names it.

    Raises:
        DeliveryFailed: there was no answer in time, or none of 2xx.
    """
    import httpx  # a large library that many processes never need

    prepare_library()  # httpx would log the address
    try:
        async with asyncio.timeout(timeout_seconds), httpx.AsyncClient(timeout=timeout_seconds) as client:
            status = (await client.get(url)).status_code
    except TimeoutError:
        raise DeliveryFailed("no answer in time", scope=Scope.LANE) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DeliveryFailed(_in_words(error), scope=Scope.LANE) from None
    if not 200 <= status < 300:
        raise DeliveryFailed(f"it answered {status}", scope=Scope.LANE)


def _in_words(error: Exception) -> str:
    """Say what was in the way; the library's own text may name the address."""
    import httpx

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, socket.gaierror):
            return "its name is not known in the DNS"
        if isinstance(seen, ssl.SSLError):
            return "its certificate can't be trusted"
        seen = seen.__cause__ or seen.__context__
    words: dict[type[Exception], str] = {
        httpx.TimeoutException: "no answer in time",
        httpx.InvalidURL: "it is no address that can be called",
        httpx.UnsupportedProtocol: "it is no address that can be called",
        httpx.ConnectError: "nobody answers there",
        httpx.NetworkError: "the connection broke off",
        httpx.RemoteProtocolError: "what answers there speaks no HTTP",
    }
    said = (text for kind, text in words.items() if isinstance(error, kind))
    return next(said, "the call failed")
