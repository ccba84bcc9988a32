"""One piece of feedback, as a sender tells it, and the score that it becomes.

Its source is `user`: it stands beside what reviewers say (`human`), and is never mixed with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from collectors.facts import ScoreFacts
from collectors.normalising.identity import hashed_user
from server.when import FIRST_YEAR, LAST_YEAR, nanoseconds

SOURCE = "user"
NAMES = {
    "thumbs": "user_feedback", "stars": "user_stars", "text": "user_comment", "correction": "user_correction",
}  # fmt: skip
STARS = 5
WITHDRAWN = "withdrawn"  # as labels have it: without a value, so that it enters no mean
Short = Annotated[str, Field(min_length=1, max_length=200)]
Long = Annotated[str, Field(min_length=1, max_length=20_000)]


class Feedback(BaseModel):
    """What one user said of one answer. A later one of the same user on the same answer replaces it."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["thumbs", "stars", "text", "correction"]
    trace_id: str | None = Field(None, pattern=r"^[0-9a-fA-F]{32}$", description="Of the answer: 32 hex digits.")
    span_id: str | None = Field(None, pattern=r"^[0-9a-fA-F]{16}$", description="The model call in that trace.")
    response_id: Short | None = Field(None, description="In place of a trace: the id that the provider gave.")
    thumb: Literal["up", "down"] | None = Field(None, description="Of kind thumbs.")
    stars: int | None = Field(None, ge=1, le=STARS, description="Of kind stars: 1 to 5.")
    text: Long | None = Field(None, description="Of kind text the comment, of kind correction the better answer.")
    comment: Long | None = Field(None, description="With any kind: why.")
    user: Short | None = Field(None, description="Who says so; hashed where user ids are. Null: nobody knows.")
    name: str | None = Field(
        None, pattern=r"^user_[\w.-]{1,95}$",
        description="Of the score; it begins with user_, so that it is no reviewer's or judge's. Null: user_feedback, "
        "user_stars, user_comment or user_correction.",
    )  # fmt: skip
    withdrawn: bool = Field(False, description="Takes back what this user said of this kind, or name, before.")
    time: datetime | None = Field(None, description="When it was said; null: now. With it, a retry adds nothing.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.trace_id is None) == (self.response_id is None):
            raise ValueError("name what it is of: trace_id (with or without span_id), or response_id")
        if self.span_id is not None and self.trace_id is None:
            raise ValueError("span_id needs its trace_id")
        field = {"thumbs": "thumb", "stars": "stars"}.get(self.kind, "text")
        given = {name for name in ("thumb", "stars", "text") if getattr(self, name) is not None}
        if self.withdrawn:
            if given or self.comment is not None:
                extra = ", ".join(sorted(given | ({"comment"} if self.comment is not None else set())))
                raise ValueError(f"what is withdrawn says nothing: leave out {extra}")
        elif given != {field}:
            extra = ", ".join(sorted(given - {field}))
            raise ValueError(f"kind {self.kind} takes {field}" + (f", and not {extra}" if extra else ""))
        if self.time is not None and not FIRST_YEAR <= self.time.year <= LAST_YEAR:
            raise ValueError(f"time is outside the years {FIRST_YEAR} to {LAST_YEAR}")
        return self

    def facts(self, user_key: bytes | None, metadata: dict[str, str]) -> ScoreFacts:
        """As a score. `user_key`: with which users are hashed; null: they are not."""
        value, label = self._verdict()
        user = self.user
        return ScoreFacts(
            trace_id=bytes.fromhex(self.trace_id) if self.trace_id else None,
            span_id=int(self.span_id, 16) if self.span_id else None, session_id=None, response_id=self.response_id,
            carrier_trace_id=None, carrier_span_id=None, name=self.name or NAMES[self.kind], value=value, label=label,
            explanation="\n\n".join(part for part in (self.text, self.comment) if part) or None, source=SOURCE,
            evaluator=None, evaluator_version=None,
            author=hashed_user(user, user_key) if user and user_key is not None else user,
            error_type=WITHDRAWN if self.withdrawn else None,
            time_ns=nanoseconds(self.time), metadata={"kind": self.kind, **metadata},
        )  # fmt: skip

    def _verdict(self) -> tuple[float | None, str | None]:
        if self.withdrawn:
            return None, None
        if self.kind == "thumbs":
            return float(self.thumb == "up"), self.thumb
        if self.kind == "stars":
            return float(self.stars or 0), None
        return None, self.kind
