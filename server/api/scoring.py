"""Scores from outside: people, scripts, other tools."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal, Self

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from collectors.facts import ScoreFacts
from collectors.frames import score_table
from collectors.normalising.identity import hashed_authors
from server.api.answers import json_response
from server.api.context import DEFAULT, Here, Project
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.secret import hash_key
from server.when import FIRST_YEAR, LAST_YEAR, nanoseconds
from store.batch import Batch

WRITE_S = 60.0

routes = router()


class Score(BaseModel):
    """One verdict on one target. The latest by (target, name, evaluator, author) counts."""

    model_config = ConfigDict(extra="forbid")

    trace_id: str | None = Field(None, pattern=r"^[0-9a-fA-F]{32}$", description="Target: this trace; 32 hex digits.")
    span_id: str | None = Field(None, pattern=r"^[0-9a-fA-F]{16}$", description="Target: this span of the trace.")
    session_id: str | None = Field(None, min_length=1, description="Target: this session.")
    response_id: str | None = Field(None, min_length=1, description="Target: the model call with this response id.")
    name: str = Field(min_length=1, max_length=200, description="What was judged, such as `helpfulness`.")
    value: float | None = Field(
        None, allow_inf_nan=False, description="The score; null with an error or a label alone."
    )
    label: str | None = Field(None, max_length=200, description="The verdict in a word.")
    explanation: str | None = Field(None, max_length=100_000, description="Why, so that a person can check it.")
    source: Literal["human", "user", "api", "llm", "code"] = Field(
        "api", description="human: a reviewer; user: who uses the application."
    )
    evaluator: str | None = Field(None, max_length=200, description="What judged; null for a person.")
    evaluator_version: str | None = Field(None, max_length=200)
    author: str | None = Field(None, max_length=200, description="Who judged; null when no person did.")
    error_type: str | None = Field(None, max_length=200, description="Set: the evaluator failed; value must be null.")
    metadata: dict[str, str] = Field(default_factory=dict)
    time: datetime | None = Field(None, description="When it was judged; default now. With it, a retry is a no-op.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.time is not None and not FIRST_YEAR <= self.time.year <= LAST_YEAR:
            raise ValueError(f"time is outside the years {FIRST_YEAR} to {LAST_YEAR}")
        targets = (self.trace_id, self.session_id, self.response_id)
        if sum(target is not None for target in targets) != 1:
            raise ValueError("name one target: trace_id (with or without span_id), session_id or response_id")
        if self.span_id is not None and self.trace_id is None:
            raise ValueError("span_id needs its trace_id")
        if self.value is None and self.label is None and self.error_type is None:
            raise ValueError("give a value, a label, or the error_type of a failed evaluator")
        if self.value is not None and self.error_type is not None:
            raise ValueError("a failed evaluator has no value")
        return self

    def facts(self) -> ScoreFacts:
        """As telemetry would have brought it."""
        return ScoreFacts(
            trace_id=bytes.fromhex(self.trace_id) if self.trace_id else None,
            span_id=int(self.span_id, 16) if self.span_id else None,
            session_id=self.session_id,
            response_id=self.response_id,
            carrier_trace_id=None,
            carrier_span_id=None,
            name=self.name,
            value=self.value,
            label=self.label,
            explanation=self.explanation,
            source=self.source,
            evaluator=self.evaluator,
            evaluator_version=self.evaluator_version,
            author=self.author,
            error_type=self.error_type,
            time_ns=nanoseconds(self.time),
            metadata=dict(self.metadata),
        )


class Scores(BaseModel):
    """Up to 1,000 scores."""

    model_config = ConfigDict(extra="forbid")

    scores: list[Score] = Field(min_length=1, max_length=1_000)


@routes.post("/api/scores", tags=["scores"], dependencies=[needs("label")])
def add_scores(request: Request, here: Here, body: Scores, project: Project = DEFAULT) -> Response:
    """Append scores; answered after the commit. Scores are never changed: the latest counts."""
    facts, settings = [score.facts() for score in body.scores], here.core.settings
    if settings.hash_user_ids:
        facts = hashed_authors(facts, hash_key(settings.data_dir))
    table = score_table(facts)
    batch = Batch(here.core.projects.id_of(project), "api", "scores", {}, scores=table)
    receipt = here.core.writer.submit(batch).result(WRITE_S)
    if receipt.rejected:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "store_refused", f"No score is stored: {receipt.message}")
    answer: dict[str, Any] = {"accepted": len(body.scores), "commit_seq": receipt.commit_seq}
    return json_response(request, answer)
