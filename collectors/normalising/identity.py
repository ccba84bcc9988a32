"""Whom a span belongs to: session, user, metadata, tags, variant, prompt."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace

from collectors.conventions.registry import classify, joined
from collectors.conventions.values import plain, stored_text, strings
from collectors.conventions.view import Index, View
from collectors.facts import ScoreFacts, SpanFacts
from collectors.model import RawSpan, TextMap
from collectors.normalising.metadata import member, metadata_texts
from collectors.normalising.options import NormaliserOptions
from collectors.normalising.parameters import params

HASHED_USER = re.compile(r"uid:[0-9a-f]{32}")

USER_MEMBERS = frozenset({"user_id", "userId", "user"}) | {
    rest
    for key in (*joined("user_id"), *joined("user_id_weak"))
    for field, _, rest in classify(key)
    if field == "metadata"
}
"""Members of metadata and of request parameters that name the user."""

_HIDDEN_METADATA = re.compile(
    r"^(LANGSMITH_|LANGCHAIN_|langgraph_|ls_|lc_|__|_type$|checkpoint_ns$|is_langchain_root$)"
)


def read_identity(_: RawSpan, view: View, facts: SpanFacts, options: NormaliserOptions) -> None:
    """Session, user, metadata, tags and variant."""
    metadata = metadata_texts(view)
    facts.session_id = _session(view, metadata)
    user = (
        view.text("user_id") or member(metadata, "user_id", "userId") or view.text("user_id_weak") or _sent_user(view)
    )
    facts.user_id = hashed_user(user, options.user_id_key) if user and options.hash_user_ids else user
    if metadata:
        facts.metadata = {k: v for k, v in metadata.items() if not _HIDDEN_METADATA.match(k)}
    if facts.user_id != user:
        facts.metadata = {k: facts.user_id if k in USER_MEMBERS else v for k, v in facts.metadata.items()}
    facts.tags = _tags(view)
    facts.variant = _variant(view, metadata, options.variant_keys)


def _session(view: View, metadata: TextMap) -> str | None:
    """A name that was given; else, noted, one that a library may have made up for a single run, as pydantic-ai does."""
    named = view.text("session_id") or member(metadata, "session_id", "sessionId", "thread_id", "threadId")
    if named:
        return named
    found = view.text("session_id_weak") or member(metadata, "conversation_id")
    if found:
        view.note("session_weak")
    return found


def hashed_user(user: str, key: bytes) -> str:
    """A keyed hash `uid:<32 hex>` of a user id; one that is hashed already stays."""
    if HASHED_USER.fullmatch(user):
        return user
    return f"uid:{hashlib.blake2b(user.encode(errors='replace'), digest_size=16, key=key[:64]).hexdigest()}"


def _sent_user(view: View) -> str | None:
    return next((u for held in params(view) if isinstance(u := held.get("user"), str) and u), None)


def _tags(view: View) -> list[str]:
    for key, value in view.items("tags"):
        held = view.json(key)
        found = strings(held) if isinstance(held, list) else (plain(value) or "").split(",")
        found = list(dict.fromkeys(tag.strip() for tag in found if tag.strip()))
        if found:
            return found
    return []


def _variant(view: View, metadata: TextMap, keys: tuple[str, ...]) -> str | None:
    for key in keys if metadata else view.index.once(_held, keys):
        found = plain(view.attributes.get(key)) or plain(metadata.get(key))
        if found:
            return found
    return None


def _held(index: Index, keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key for key in keys if key in index.keys)


def read_prompt(_: RawSpan, view: View, facts: SpanFacts, __: NormaliserOptions) -> None:
    """Name and version of the prompt."""
    facts.prompt_name = view.text("prompt_name")
    facts.prompt_version = view.text("prompt_version")
    for key, _value in view.items("prompt_json"):
        held = view.json(key)
        if isinstance(held, dict) and facts.prompt_name is None:
            facts.prompt_name = plain(stored_text(held.get("name")))
            facts.prompt_version = plain(stored_text(held.get("version")))


def hashed_authors(scores: Iterable[ScoreFacts], key: bytes) -> list[ScoreFacts]:
    """Scores whose end users (source `user`) are hashed as user ids are; who reviews keeps their name."""
    return [
        replace(one, author=hashed_user(one.author, key)) if one.source == "user" and one.author else one
        for one in scores
    ]
