"""What is asked for: whose labels, which of them, in which format, and under which licence."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evaluators.pii import IDENTIFIERS, TYPES
from server.labelling.terms import Name

Format = Literal["openai", "messages", "dpo", "kto", "reward", "reward-pairs"]
SPLITS = ("train", "validation", "test")
_SUM_SLACK = 1e-6
_Words = tuple[Annotated[str, Field(max_length=200)], ...]


class TrainingDataError(Exception):
    """What was asked for cannot be made; says which value, the rule, and what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OfQueue(_Part):
    """Labels of one field of a queue, one answer an item: by decision, gold, majority, or the model of consensus."""

    kind: Literal["queue"] = "queue"
    queue: Name
    field: Name


class OfFeedback(_Part):
    """Corrections that end users sent: a better answer to a trace or call."""

    kind: Literal["feedback"] = "feedback"
    score: str = Field("user_correction", min_length=1, max_length=200)
    since: datetime
    until: datetime


Source = Annotated[OfQueue | OfFeedback, Field(discriminator="kind")]


class Keep(_Part):
    """Which items are taken. What is left out is counted, by reason."""

    where: dict[Name, _Words] = Field(
        default_factory=dict, max_length=12,
        description="Field of the queue -> answers, as text: only items whose consensus is one of these.",
    )  # fmt: skip
    attributes: dict[Annotated[str, Field(max_length=200)], _Words] = Field(
        default_factory=dict, max_length=12, description="Attribute of items, such as model -> values."
    )
    labellers: _Words = Field((), max_length=200, description="Labels of these people alone; empty: of all.")
    since: datetime | None = Field(None, description="Labels saved at this time or later.")
    until: datetime | None = Field(None, description="And before this time.")
    least_labels: int = Field(1, ge=1, le=20)
    least_agreement: float = Field(
        0, ge=0, le=1, allow_inf_nan=False, description="Share of an item's labels that are its answer."
    )
    least_probability: float = Field(
        0, ge=0, le=1, allow_inf_nan=False,
        description="By the model of consensus; what people settled is taken without one, and an unknown one is not.",
    )  # fmt: skip
    gold: Literal["leave_out", "take", "only"] = Field(
        "leave_out", description="Items whose right answer was known beforehand, which tell how right labellers are."
    )


class Good(_Part):
    """Which answers are good ones. None said: of a binary field the first choice, or second if lower is better."""

    answers: _Words = Field((), max_length=30)
    at_least: float | None = Field(None, allow_inf_nan=False)
    at_most: float | None = Field(None, allow_inf_nan=False)

    @property
    def told(self) -> bool:
        """Whether it says anything."""
        return bool(self.answers) or self.at_least is not None or self.at_most is not None


class Selected(_Part):
    """Whose labels, and which items."""

    source: Source
    keep: Keep = Keep()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if isinstance(self.source, OfFeedback):
            if self.source.until <= self.source.since:
                raise ValueError("until lies after since")
            idle = sorted(self.keep.model_fields_set - {"attributes"})
            if idle:
                raise ValueError(f"feedback has no labels to keep by {idle[0]}; leave it out")
        return self


class Wanted(Selected):
    """Training files."""

    format: Format
    good: Good = Good()
    each: bool = Field(
        False, description="Of corrections that differ each person's makes a row; else such an item is tied, left out."
    )
    contexts: bool = Field(False, description="Documents of an item stand in a system message before the conversation.")
    splits: dict[Literal["train", "validation", "test"], float] = Field(
        default={"train": 0.8, "validation": 0.1, "test": 0.1}, min_length=1, description="Shares; they add up to 1."
    )
    seed: int = Field(0, ge=0, lt=2**53)
    near: float = Field(
        0.9, ge=0.5, le=1, allow_inf_nan=False, description="Likeness from which on prompts lie in one split."
    )
    redact: bool = Field(True, description="Personal data in texts is replaced by its type, such as [EMAIL].")
    redact_types: tuple[str, ...] = Field(IDENTIFIERS, max_length=30)
    licence: str = Field(
        min_length=3, max_length=5_000,
        description="Under which licence, or whose consent, these texts may be trained on; it is kept in the card.",
    )  # fmt: skip
    names: bool = Field(False, description="The card names the labellers; else it counts them.")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if not self.licence.strip():
            raise ValueError("licence says under which licence, or whose consent, the texts may be trained on")
        if abs(sum(self.splits.values()) - 1) > _SUM_SLACK or min(self.splits.values()) < 0:
            raise ValueError(f"the shares of splits add up to 1, not {sum(self.splits.values()):g}")
        if unknown := next((one for one in self.redact_types if one not in TYPES), None):
            raise ValueError(f"{unknown!r} is no type of personal data; there are {', '.join(TYPES)}")
        return self
