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


class OriginGuard:
    """Refuses foreign names in Host (DNS rebinding) and foreign origins on requests that change something (CSRF).

    A literal address cannot be rebound, so all of them pass; names pass when they are this machine's or configured.
    """

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in (*names, "localhost", socket.gethostname()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (fault := self.fault(scope["method"], Headers(scope=scope))):
            await problem(HTTPStatus.FORBIDDEN, "foreign_origin", fault)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def fault(self, method: str, headers: Headers) -> str | None:
        """Why the request is refused; null when it is not."""
        host = headers.get("host")
        if host is None:  # HTTP/1.0, as health probes speak it; every browser names the host
            host = "localhost"
        if not self._is_ours(host):
            return f"Host {host!r} is not a name of this server. Add it to the setting allowed_hosts if it should be."
        if method in SAFE_METHODS:
            return None
        origin = headers.get("origin")
        if origin is not None and _split(origin)[0] != host.lower():
            return f"A page of {origin!r} may not change anything here."
        if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return "A page of another site may not change anything here."
        return None

    def _is_ours(self, host: str) -> bool:
        _, name = _split(f"//{host}")
        return name in self._names or name.endswith(".localhost") or _is_address(name)


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
