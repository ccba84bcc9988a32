"""One try to deliver one message, in a process made for it; see `posting`.

What it says never holds a part of the address: neither what a library logs nor what an exception says is passed on,
only the status of the answer and the kind of the fault.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from server.notify.sealed import METADATA_TEXT, SealedError, of_metadata

Order = dict[str, Any]
Said = dict[str, Any]
LOCAL = frozenset({"blink1", "dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"})
"""Schemes of apprise that tell whoever sits at the server's machine."""
_CALLS = re.compile(r"@(?=(?:all|channel|everyone|group|here|room)\b)|<(?=[!@#&])", re.IGNORECASE)
_SMTP = re.compile(r"\((\d{3}), b?['\"]")
_NAMES = {"info": "INFO", "warning": "WARNING", "critical": "FAILURE"}


class AddressError(Exception):
    """An address that nothing can be sent to; says why without it."""


# Webhooks.


def signature(key: str, stamp: int, body: bytes) -> str:
    """The header `X-Assayline-Signature`: HMAC-SHA256 of `stamp.body` in hex."""
    told = hmac.new(key.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={told}"


def headers(order: Order, stamp: int) -> dict[str, str]:
    """Of one try: they are new at each, the body is not."""
    told = {
        "content-type": "application/json", "user-agent": "Assayline", "x-assayline-delivery": order["message_id"],
        "x-assayline-event": order["event"], "x-assayline-timestamp": str(stamp),
    }  # fmt: skip
    if order["key"]:
        told["x-assayline-signature"] = signature(order["key"], stamp, order["body"].encode())
    return told


def post(order: Order) -> Said:
    """Send a webhook. Redirects are not followed: a POST would become a GET, or go where nobody allowed it to."""
    import httpx  # noqa: PLC0415 - the process that forks has it already

    content, within = order["body"].encode(), order["limit_s"]
    try:
        with (
            httpx.Client(timeout=within, follow_redirects=False, verify=_MADE[0]) as http,
            http.stream("POST", order["url"], content=content, headers=headers(order, int(time.time()))) as answer,
        ):
            return answered(answer.status_code)
    except httpx.TimeoutException:
        return timed_out(within)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return faulty(error)


_MADE: list[ssl.SSLContext] = []


def prepare_webhooks() -> None:
    """Load the client and read the certificates: 50 ms of CPU. Once, in the process that forks."""
    import httpx  # noqa: PLC0415

    _MADE[:] = [httpx.create_ssl_context()]
    httpx.Client(verify=_MADE[0]).close()  # loads what is loaded with the first client


# Apprise.


@dataclass(slots=True)
class _Seen:
    """What a plug-in's requests came to, and what it logged."""

    statuses: list[int] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)  # of SMTP


_SEEN = _Seen()


class _Codes(logging.Handler):
    """Keeps the codes of SMTP out of what apprise logs, and nothing else of it."""

    def emit(self, record: logging.LogRecord) -> None:
        _SEEN.codes.extend(_SMTP.findall(record.getMessage()))


def prepare_apprise() -> None:
    """Load every plug-in, and see to it that none follows a redirect. Once, in the process that forks."""
    import apprise  # noqa: PLC0415 - 4 MB of plug-ins
    import requests  # noqa: PLC0415 - of apprise

    apprise.plugins.N_MGR.load_modules()  # type: ignore[no-untyped-call]  # as it stands there
    log = logging.getLogger("apprise")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.handlers[:] = [_Codes()]
    send = requests.Session.send

    # Plug-ins are asked not to follow redirects and some do not listen; and they say no more than that it failed.
    def sent(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        try:
            answer = send(self, request, **{**options, "allow_redirects": False})
        except Exception as error:
            _SEEN.faults.append(error)
            raise
        _SEEN.statuses.append(answer.status_code)
        return answer

    requests.Session.send = sent  # type: ignore[method-assign]  # of this process alone


def plugin(url: str) -> Any:
    """The plug-in that an address names.

    Raises:
        AddressError: there is none, it may not be used, or it lacks something.
    """
    import apprise  # noqa: PLC0415

    scheme = url.partition("://")[0].lower()
    if "://" not in url or scheme not in apprise.plugins.N_MGR:
        raise AddressError("No service of apprise has an address that begins so. See appriseit.com/services for them.")
    if scheme in LOCAL:
        raise AddressError(f"{scheme}:// tells whoever sits at the server. Name a service that reaches people.")
    asset = apprise.AppriseAsset(
        app_id="Assayline", app_desc="Assayline", app_url="", image_url_mask="", image_url_logo="", async_mode=False,
        http_redirects=False, storage_mode=apprise.PersistentStoreMode.MEMORY, pgp_autogen=False, pem_autogen=False,
        service_timeout=0,
    )  # fmt: skip
    try:
        made = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=False)
    except (SealedError, MemoryError):
        raise
    except Exception as error:
        raise AddressError(f"The address is not one of {scheme}://: {type(error).__name__}.") from error
    if made is None:
        raise AddressError(f"The address is not complete, or {scheme}:// needs what is not installed here.")
    return made


def notify(order: Order) -> Said:
    """Send by apprise."""
    import apprise  # noqa: PLC0415

    try:
        made = plugin(order["url"])
    except AddressError as error:
        return {"outcome": "failed", "detail": str(error)}
    made.redirects = False  # whatever the address says
    made.socket_connect_timeout = made.socket_read_timeout = order["limit_s"]
    box = apprise.Apprise(asset=made.asset)
    box.add(made)
    kind = "SUCCESS" if order["event"] == "resolved" else _NAMES[order["severity"]]
    told = box.notify(
        body=f"{quietly(order['text'])}\n\n{order['link']}", title=quietly(order["title"]),
        notify_type=apprise.NotifyType[kind], body_format=apprise.NotifyFormat.TEXT,
    )  # fmt: skip
    return _judged(taken=bool(told), within=order["limit_s"])


def quietly(text: str) -> str:
    """The same to read, but that names out of somebody's traces call nobody: chats take `@channel` for a command."""
    return _CALLS.sub("\\g<0>\u200b", text)


def _judged(*, taken: bool, within: float) -> Said:
    """What a plug-in's word and its requests say together."""
    last = _SEEN.statuses[-1] if _SEEN.statuses else None
    if taken and not (last is not None and 300 <= last < 400):
        return {"outcome": "sent", "detail": None if last is None else f"The service answered {last}."}
    if _SEEN.faults:
        return timed_out(within) if _is_timeout(_SEEN.faults[-1]) else faulty(_SEEN.faults[-1])
    if last is not None and not 200 <= last < 300:
        return answered(last)
    code = f" It answered {_SEEN.codes[-1]}." if _SEEN.codes else ""
    return {"outcome": "refused" if code else "failed", "detail": f"The service did not take the message.{code}"}


def _is_timeout(error: BaseException) -> bool:
    return any("Timeout" in type(one).__name__ for one in _causes(error))


# What is said of an address before anything is sent.


def check(order: Order) -> Said:
    """Whether an address can be one of its kind, and what may be shown of it: kind, host, a mask."""
    try:
        shown = _webhook(order["url"]) if order["kind"] == "webhook" else _service(order["url"])
        metadata = of_metadata(urlsplit(order["url"]).hostname or "")
    except (AddressError, SealedError) as error:
        return {"fault": str(error)}
    except ValueError:
        return {"fault": "The address is none: its host or port cannot be read."}
    return {"fault": METADATA_TEXT} if metadata and not order["metadata"] else {"shown": shown}


def _webhook(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AddressError("A webhook's address begins with http:// or https:// and names a host.")
    return f"{parts.scheme}://{_host(parts.hostname, parts.port)}/***"


def _service(url: str) -> str:
    made = plugin(url)
    token = made.template_tokens.get("host", {})
    named = all("{host}" in template for template in made.templates) and not token.get("private")
    host = _host(made.host, made.port) + "/" if named and isinstance(made.host, str) and made.host else ""
    return f"{made.service_name}: {url.partition('://')[0].lower()}://{host}***"


def _host(name: str, port: int | None) -> str:
    return name if port is None else f"{name}:{port}"


# Outcomes.


def answered(status: int) -> Said:
    """What an answer's status means."""
    if 200 <= status < 300:
        return {"outcome": "sent", "detail": f"The receiver answered {status}."}
    if 300 <= status < 400:
        told = f"The receiver answered {status}, a redirect, which is not followed. Set the address that it leads to."
        return {"outcome": "refused", "detail": told}
    return {"outcome": "refused", "detail": f"The receiver answered {status}."}


def timed_out(within: float) -> Said:
    return {"outcome": "timeout", "detail": f"The receiver did not answer within {within:g} s."}


def faulty(error: BaseException) -> Said:
    """The kind of a fault, in words that hold nothing of the address."""
    return {
        "outcome": "failed",
        "detail": next((told for one in _causes(error) if (told := _kind(one))), _other(error)),
    }


def _kind(error: BaseException) -> str | None:  # noqa: PLR0911 - a table
    """What one exception is known to mean; null: something else."""
    match error:
        case SealedError():
            return str(error)
        case socket.gaierror():
            return "The name of the host cannot be resolved."
        case ssl.SSLCertVerificationError():
            return f"The certificate of the host is not accepted: {ssl_reason(error.verify_code)}."
        case ssl.SSLError():
            return "No secure connection could be made: the host does not speak TLS, or another version of it."
        case TimeoutError():
            return "The host took no connection in time."
        case OSError(errno=int(number)) if number > 0:
            return f"No connection: {os.strerror(number)}."
        case _:
            return None


def ssl_reason(code: int) -> str:
    """The commonest of OpenSSL's codes (x509_vfy.h); others by number."""
    known = {
        10: "it has expired",
        18: "it is self-signed",
        19: "it is self-signed",
        20: "its issuer is not known",
        62: "it is of another host",
    }
    return known.get(code, f"code {code} of OpenSSL")


def _other(error: BaseException) -> str:
    return f"The connection ended without an answer ({type(error).__name__})."


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The innermost first: outer ones are of libraries and say less."""
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        inner = next((one for one in at.args if isinstance(one, BaseException)), None)  # as requests and urllib3 wrap
        reason = getattr(at, "reason", None)
        at = at.__cause__ or at.__context__ or inner or (reason if isinstance(reason, BaseException) else None)
    return reversed(chain)


WORK: dict[str, Callable[[Order], Said]] = {"webhook": post, "apprise": notify}
