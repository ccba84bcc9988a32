"""What a labeller is shown of an item. It is kept with the item, as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from server.labelling.free import Free


class Context(BaseModel):
    """One document that was retrieved, or given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    id: str | None = None
    rank: int | None = Field(None, description="1 is the first; null: not told.")
    score: float | None = Field(None, allow_inf_nan=False)


class Step(BaseModel):
    """One tool call, in order of time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    arguments: Free = None
    result: Free = None
    error: str | None = None


class Side(BaseModel):
    """One answer: the only one, or one of those that are compared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field("a", description="As answers name it: a, b, ...")
    answer: str | None = None
    messages: tuple[dict[str, Free], ...] = Field(
        (), description="Of the answer, canonical, where it is more than text."
    )
    steps: tuple[Step, ...] = ()
    name: str | None = Field(None, description="Of its variant; hidden while labelling is blind.")
    trace_id: str | None = Field(None, description="32 hex digits.")
    span_id: str | None = Field(None, description="16 hex digits; null: the whole trace.")


class Content(BaseModel):
    """What is shown: what was asked, on the left, and what was answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    question: str | None = Field(None, description="What was asked last, as text.")
    history: tuple[dict[str, Free], ...] = Field(
        (), description="The conversation up to the answer: canonical messages, the question the last of them."
    )
    contexts: tuple[Context, ...] = ()
    reference: str | None = Field(None, description="A right answer, where one is known and may be seen.")
    sides: tuple[Side, ...] = Field(min_length=1, max_length=8)
    cut: tuple[str, ...] = Field((), description="Parts that are longer than what is kept, such as contexts.")

    @property
    def says(self) -> bool:
        """Whether anything was asked or answered; what says nothing, nobody could label."""
        side = self.sides[0]
        return bool(self.question or self.history or side.answer or side.messages or side.steps)
