"""Keeps web pages of other origins from using the API through a browser on this machine."""

from __future__ import annotations

import ipaddress
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.api.problems import problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FROM_PAGES = "/api/feedback"  # pages of others may send to it, with a key; its route looks at origins itself


class OriginGuard:
    """Refuses foreign names in Host (DNS rebinding) and foreign origins on requests that change something (CSRF).

    A literal address cannot be rebound, so all of them pass; names pass when they are this machine's or configured.
    """

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in (*names, "localhost", socket.gethostname()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (fault := self.fault(scope["method"], Headers(scope=scope), scope["path"])):
            await problem(HTTPStatus.FORBIDDEN, "foreign_origin", fault)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def fault(self, method: str, headers: Headers, path: str = "/") -> str | None:
        """Why the request is refused; null when it is not."""
        host = _host(headers)
        if not self._is_ours(host):
            return f"Host {host!r} is not a name of this server. Add it to the setting allowed_hosts if it should be."
        return None if method in SAFE_METHODS or path == FROM_PAGES else foreign(headers)

    def _is_ours(self, host: str) -> bool:
        _, name = _split(f"//{host}")
        return name in self._names or name.endswith(".localhost") or _is_address(name)


def foreign(headers: Headers) -> str | None:
    """Why a request comes from a page of another site; null when it does not, or no browser tells."""
    origin = headers.get("origin")
    if origin is not None and _split(origin)[0] != _host(headers).lower():
        return f"A page of {origin!r} may not change anything here."
    if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return "A page of another site may not change anything here."
    return None


def _host(headers: Headers) -> str:
    host = headers.get("host")
    return "localhost" if host is None else host  # HTTP/1.0, as health probes speak it; every browser names the host


def _split(url: str) -> tuple[str, str]:
    """Lower case: what stands between the slashes, and the name in it. Empty when there is none, or it is malformed."""
    try:
        parts = urlsplit(url)
        return parts.netloc.lower(), (parts.hostname or "").lower()
    except ValueError:  # brackets without an address
        return "", ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
