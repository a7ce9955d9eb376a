"""Where is the server, and who asks? The two clients a program makes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypedDict

import httpx

from messaging.client.awaiting import Awaiting
from messaging.client.blocking import Blocking
from messaging.client.calls import Call
from messaging.client.errors import PosthornClientError
from messaging.client.parts import Parts

_CONNECT = 2.0


class Posthorn(Parts[Blocking]):
    """A connection to one Posthorn server; safe to share between threads.

    `url` and `api_key` default to `POSTHORN_URL` and `POSTHORN_API_KEY`; `timeout` is in seconds for
    each try.

    Raises:
        PosthornClientError: there is no URL or no key.
    """

    def __init__(
        self, url: str | None = None, api_key: str | None = None, timeout: float = 10.0
    ) -> None:
        self._http = httpx.Client(**_settings(url, api_key, timeout))
        self._carrier = Blocking(self._http)
        super().__init__(self._carrier)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _e: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request of any kind, repeated where that cannot do something twice.

        Raises:
            ApiError: the server said no.
            UnreachableError: no answer came.
        """
        return self._carrier.answer(_any(method, path, json, params, headers))


class AsyncPosthorn(Parts[Awaiting]):
    """As `Posthorn`, for one event loop: methods are awaited, lists iterated with `async for`.

    Raises:
        PosthornClientError: there is no URL or no key.
    """

    def __init__(
        self, url: str | None = None, api_key: str | None = None, timeout: float = 10.0
    ) -> None:
        self._http = httpx.AsyncClient(**_settings(url, api_key, timeout))
        self._carrier = Awaiting(self._http)
        super().__init__(self._carrier)

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _e: BaseException | None, _tb: TracebackType | None
    ) -> None:
        await self.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request of any kind, repeated where that cannot do something twice.

        Raises:
            ApiError: the server said no.
            UnreachableError: no answer came.
        """
        return await self._carrier.answer(_any(method, path, json, params, headers))


class _Settings(TypedDict):
    base_url: str
    headers: dict[str, str]
    timeout: httpx.Timeout


def _settings(url: str | None, api_key: str | None, timeout: float) -> _Settings:
    address = url or os.environ.get("POSTHORN_URL")
    key = api_key or os.environ.get("POSTHORN_API_KEY")
    if not address or not key:
        raise PosthornClientError("give url and api_key, or set POSTHORN_URL, POSTHORN_API_KEY")
    return {
        "base_url": address,
        "headers": {"Authorization": f"Bearer {key}"},
        "timeout": httpx.Timeout(timeout, connect=min(timeout, _CONNECT)),
    }


def _any(
    method: str,
    path: str,
    json: Any,
    params: Mapping[str, Any] | None,
    headers: Mapping[str, str] | None,
) -> Call[None]:
    return Call(
        method.upper(), path, lambda _: None, query=params or {}, json=json, headers=headers or {}
    )
