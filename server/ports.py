"""Listening sockets, bound before anything else starts, so that a port in use is one clear sentence."""

from __future__ import annotations

import errno
import ipaddress
import socket

BACKLOG = 1024


class PortError(Exception):
    """A port cannot be listened on."""

    def __init__(self, host: str, port: int, setting: str, error: OSError) -> None:
        self.host, self.port, self.setting = host, port, setting
        other = f"set ASSAY_{setting.upper()} to another port (0: any)"
        if error.errno == errno.EADDRINUSE:
            told = f"Port {port} of {host} is in use. Stop what holds it, or {other}."
        elif error.errno == errno.EACCES:
            told = f"Port {port} of {host} is kept for the administrator of this machine; {other}."
        else:
            told = f"{host} cannot be listened on ({error.strerror}). Set ASSAY_HOST to an address of this machine."
        super().__init__(told)


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket; `setting` names where the port came from.

    Raises:
        PortError: the port is in use, is privileged, or the host is not an address of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise PortError(host, port, setting, error) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise PortError(host, port, setting, error) from error
    return bound


def free_port(host: str) -> int:
    """A port that is free now."""
    with listen(host, 0, "app_port") as probe:
        return int(probe.getsockname()[1])


def port_of(bound: socket.socket) -> int:
    return int(bound.getsockname()[1])


def reachable(host: str) -> str:
    """How a client on this machine names a host that a server binds to; addresses of IPv6 in brackets."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"[{address}]" if address.version == 6 else str(address)
