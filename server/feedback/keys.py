"""Keys that open one thing: sending feedback. They may stand in the source of a page, where everybody can read them."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from uuid import UUID, uuid4

from server.core import Core
from server.when import utc_now
from store import feedback_keys as store
from store.feedback_keys import FeedbackKey

PREFIX = "assay-fb-"
SHOWN = len(PREFIX) + 4  # letters of a key by which people tell it from others
WRITE_S = 60.0
_ORIGIN = re.compile(r"https?://[a-z0-9._\-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")


class FeedbackKeyError(Exception):
    """A key that cannot be made so; says why."""


class UnknownFeedbackKeyError(Exception):
    """There is no such key that is in use."""


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def made(  # noqa: PLR0917 - as the request has it
    core: Core, project: str, name: str, origins: Sequence[str], per_minute: int, author: str
) -> tuple[FeedbackKey, str]:
    """A new key, and what it is, which is nowhere kept.

    Raises:
        FeedbackKeyError: the name is in use, or an origin is none.
    """
    key = PREFIX + secrets.token_urlsafe(24)
    row = FeedbackKey(
        core.projects.id_of(project), uuid4(), name, hashed(key), key[:SHOWN],
        list(dict.fromkeys(origin(one) for one in origins)), per_minute, utc_now(), author,
    )  # fmt: skip
    if not core.writer.call(lambda cursor: store.add(cursor, row)).result(WRITE_S):
        raise FeedbackKeyError(f"A key named {name!r} is in use. Take another name, or revoke that one first.")
    return row, key


def origin(told: str) -> str:
    """An origin as browsers send it: small letters, without the usual port.

    Raises:
        FeedbackKeyError: it is none, such as an address with a path.
    """
    found = told.strip().lower().rstrip("/")
    if not _ORIGIN.fullmatch(found):
        detail = f"{told!r} is no origin. Write https://app.example or http://localhost:3000: no path, no pattern."
        raise FeedbackKeyError(detail)
    return found.removesuffix(":443" if found.startswith("https:") else ":80")


def revoked(core: Core, project: str, key_id: UUID, author: str | None) -> None:
    """Close what a key opened, at once.

    Raises:
        UnknownFeedbackKeyError: no such key is in use.
    """
    project_id, now = core.projects.id_of(project), utc_now()
    done = core.writer.call(lambda cursor: store.revoke(cursor, project_id, key_id, now, author)).result(WRITE_S)
    if not done:
        raise UnknownFeedbackKeyError(f"Project {project!r} has no key {key_id} that is in use.")
