"""What a process that sends may do: reach receivers, and nothing of this machine.

The address of a channel is written by people and read by a hundred plug-ins of somebody else's; some would read files
that an address names, start programs, or take a password from a home folder. Audit hooks (PEP 578) see all of that,
after names are resolved. They do not hold code that wants to break out; here the code is trusted and addresses are
not.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Where clouds tell a machine its own keys: link-local (AWS, Google, Azure, ECS), and what is not link-local.
_METADATA = tuple(
    ipaddress.ip_network(told)
    for told in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "100.100.100.200/32", "168.63.129.16/32")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_CODE = (".py", ".pyc", ".so", ".pth")
_READABLE = ("/usr/share/zoneinfo/", "/etc/mime.types", "/etc/ssl/", "/etc/pki/", "/dev/null", "/dev/urandom")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NEVER = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn", "sqlite3.")
_CHANGES = frozenset(
    {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
)
METADATA_TEXT = (
    "This address belongs to the machine itself, where clouds tell it its own keys. "
    "ASSAY_NOTIFY_METADATA_ADDRESSES=true allows it."
)


class SealedError(PermissionError):
    """A plug-in wanted what a process that sends may not do."""


def seal(data_dir: Path, *, metadata: bool) -> None:
    """From now on this process may do no more; it cannot be undone. `metadata`: it may reach such addresses."""
    readable = tuple({_folder(sys.prefix), _folder(sys.base_prefix), _folder(Path(os.__file__).parent), *_READABLE})
    secret = _folder(data_dir)
    checks: dict[str, Callable[[tuple[Any, ...]], None]] = {
        "open": lambda told: _open(told, readable, secret),
        "socket.connect": lambda told: _reach(told[1], metadata=metadata),
        "socket.sendto": lambda told: _reach(told[1], metadata=metadata),
    }

    def hook(event: str, told: tuple[Any, ...]) -> None:
        if check := checks.get(event):
            check(told)
        elif event in _CHANGES or event.startswith(_NEVER):
            raise SealedError(f"A channel may neither start programs nor change files ({event}).")

    sys.dont_write_bytecode = True
    sys.addaudithook(hook)


def _folder(path: str | Path) -> str:
    return str(Path(path).resolve()) + os.sep


def _open(told: tuple[Any, ...], readable: tuple[str, ...], secret: str) -> None:
    path, _, flags = told
    if isinstance(path, int):
        return
    name = os.path.realpath(os.fsdecode(path))
    if isinstance(flags, int) and flags & _WRITES and name != os.devnull:
        raise SealedError("A channel may write no file.")
    if name.startswith(secret) or not (name.startswith(readable) or name.endswith(_CODE)):
        raise SealedError("A channel may read no file of this machine. Leave files out of its address.")


def _reach(address: object, *, metadata: bool) -> None:
    if not isinstance(address, tuple):
        raise SealedError("A channel may reach no socket of this machine's file system.")
    if not metadata and of_metadata(str(address[0])):
        raise SealedError(METADATA_TEXT)


def of_metadata(host: str) -> bool:
    """Whether an address in digits is one under which clouds tell a machine its own keys; false for names."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0].strip("[]"))
    except ValueError:
        return False
    return any(one in network for one in _meant(found) for network in _METADATA if one.version == network.version)


def _meant(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """An address and the IPv4 address that it stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner = [
        address.ipv4_mapped,
        address.sixtofour,
        ipaddress.ip_address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None,
    ]
    return [address, *(one for one in inner if one is not None)]
