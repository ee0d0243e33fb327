"""The dead man's switch outward: call an address that somebody else watches."""

from __future__ import annotations

import asyncio

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
        raise DeliveryFailed(type(error).__name__, scope=Scope.LANE) from None
    if not 200 <= status < 300:
        raise DeliveryFailed(f"it answered {status}", scope=Scope.LANE)
