"""What is asked for when a queue is filled: where items come from, and how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from server.jobs import PAGING
from server.labelling.terms import SIDES
from store.finding.grammar import parse
from store.finding.tree import fields_of
from store.queries.queues_filled import By, Unit

MOST = 1_000  # items of one order
MOST_NAMED = 1_000
Method = Literal["random", "stratified", "informative", "weighted", "all"]
Signal = Literal["uncertain", "disagreement", "diverse"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sample(_Part):
    """Which of what is found become items."""

    method: Method = Field(
        "random",
        description="random: by hash. stratified: equally many of each value of `by`. informative: where judges are "
        "uncertain or differ, and texts that are unlike; no random sample. weighted: at random in proportion to that, "
        "with weights that are known. all: all, or as many as `most` at random.",
    )
    most: int = Field(100, ge=1, le=MOST, description="Items at most.")
    by: By | None = Field(None, description="Of stratified: what traffic is told apart by.")
    scores: tuple[str, ...] = Field(
        (), max_length=20,
        description="Of informative and weighted: scores of judges, by name; left out: those of the source, else those "
        "that the queue's fields are about.",
    )  # fmt: skip
    evaluators: tuple[str, ...] = Field((), max_length=20, description="Of these scores; left out: of all.")
    threshold: float | None = Field(
        None, allow_inf_nan=False, description="From which value on a judge says yes; null: the middle of its scale."
    )
    signals: tuple[Signal, ...] = Field(("uncertain", "disagreement", "diverse"), min_length=1)
    seed: int = Field(0, ge=0, lt=2**53, description="The same draws the same, and more draws those and others.")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, told: Any) -> Any:
        """`score` stands for `scores` of one."""
        if isinstance(told, Mapping) and "score" in told:
            return {**{name: value for name, value in told.items() if name != "score"}, "scores": (told["score"],)}
        return told

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.method == "stratified" and self.by is None:
            raise ValueError("a stratified sample needs `by`: service, environment, release, model, prompt or variant")
        if self.method != "stratified" and self.by is not None:
            raise ValueError(f"`by` is of a stratified sample, and this one is {self.method}")
        return self

    @property
    def judged(self) -> bool:
        """Whether it looks at what judges say."""
        return self.method in {"informative", "weighted"} and set(self.signals) != {"diverse"}


class _Source(_Part):
    sample: Sample = Sample()
    priority: float = Field(0.0, allow_inf_nan=False, description="Higher ones are handed out first.")
    needed: int | None = Field(None, ge=1, le=20, description="Labels by different people; null: as the queue says.")


class _Traffic(_Source):
    filter: dict[str, Any] = Field(
        default_factory=dict, description="Filters of the query `traces`, without a window: the traces that are meant."
    )
    since: datetime | None = Field(None, description="Start of the window, inclusive; null: from the first trace on.")
    until: datetime | None = Field(None, description="End of the window, exclusive; null: up to now.")

    @field_validator("filter")
    @classmethod
    def _without_pages(cls, told: dict[str, Any]) -> dict[str, Any]:
        refused = next((name for name in told if name in PAGING | {"since", "until"}), None)
        if refused is not None:
            raise ValueError(f"{refused!r} is of pages and windows; leave it out of the filter")
        return told


class OfFilter(_Traffic):
    """Traces that match, their model calls, or their sessions."""

    kind: Literal["filter", "sample"] = "filter"
    unit: Unit = "trace"


class OfScore(_Traffic):
    """What evaluators said something of: each target as it was scored."""

    kind: Literal["score"]
    score: str = Field(min_length=1, max_length=200)
    evaluators: tuple[str, ...] = Field((), max_length=20, description="Of these; left out: of all.")
    failed: bool = Field(False, description="Whose newest score is an evaluator's failure.")
    below: float | None = Field(None, allow_inf_nan=False)
    above: float | None = Field(None, allow_inf_nan=False)
    label: str | None = Field(None, max_length=200)
    unit: Literal["trace"] | None = Field(None, description="trace: the whole trace of a call that was scored.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.failed and (self.below is not None or self.above is not None or self.label is not None):
            raise ValueError("a score that failed has neither value nor label; leave out below, above and label")
        return self


class OfDisagreement(_Traffic):
    """What evaluators decided otherwise of: two scores, or one that several evaluators gave."""

    kind: Literal["disagreement"]
    scores: tuple[str, ...] = Field(min_length=1, max_length=20)
    evaluators: tuple[str, ...] = Field((), max_length=20, description="Of these; left out: of all.")
    threshold: float | None = Field(
        None, allow_inf_nan=False, description="From which value on one says yes; null: the middle of its scale."
    )
    unit: Literal["trace"] | None = Field(None, description="trace: the whole trace of a call that was scored.")


class OfAlert(_Source):
    """The traces that an alert shows, and others of its time and filters."""

    kind: Literal["alert"]
    number: int = Field(ge=1)
    beside: bool = Field(
        False, description="Also traces of its window that its monitor watches, drawn as `sample` says."
    )


class Named(_Part):
    """One target."""

    trace_id: UUID | None = None
    span_id: str | None = Field(None, pattern=r"^[0-9a-fA-F]{16}$", description="This span; null: the whole trace.")
    session_id: str | None = Field(None, min_length=1, max_length=1_000)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.trace_id is None) == (self.session_id is None):
            raise ValueError("name a trace or a session, and one of them alone")
        return self


class OfTargets(_Source):
    """Traces, calls and sessions that are named."""

    kind: Literal["targets"]
    targets: tuple[Named, ...] = Field(min_length=1, max_length=MOST_NAMED)


class Rows(_Part):
    """Which rows of a run; null: any."""

    failing: bool = Field(False, description="Without an answer, or with a verdict that failed or does not pass.")
    evaluator: str | None = Field(None, max_length=200, description="With `failing`: by this one.")
    flaky: bool = Field(False, description="Of items of which some repeats pass and others do not.")
    text: str | None = Field(None, max_length=1_000, description="In any part of the row.")
    items: tuple[str, ...] = Field((), max_length=MOST_NAMED, description="Only these items, by id.")


class OfRun(_Source):
    """Rows of a run; with `compare` the answers of several runs to one item, side by side."""

    kind: Literal["run"]
    run: UUID | None = None
    compare: tuple[UUID, ...] = Field((), max_length=len(SIDES), description="Two make pairs, more make rankings.")
    rows: Rows = Rows()
    reference: bool = Field(True, description="Whether the right answer of the item is shown.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.run is None) == (not self.compare):
            raise ValueError("name `run`, or the runs that are compared in `compare`")
        if len(self.compare) == 1 or len(set(self.compare)) < len(self.compare):
            raise ValueError("`compare` takes two runs or more, each once")
        return self


class OfDataset(_Source):
    """Items of a dataset; with `gold` their right answers are known."""

    kind: Literal["dataset"]
    name: str = Field(min_length=1, max_length=100)
    version: int | None = Field(None, ge=1, description="Default the newest.")
    split: str | None = Field(None, max_length=100)
    tag: str | None = Field(None, max_length=100)
    items: tuple[str, ...] = Field((), max_length=MOST_NAMED, description="Only these items, by id.")
    gold: dict[str, str] = Field(
        default_factory=dict, max_length=12,
        description="Field of the queue -> what of the item is its right answer: reference, answer or metadata.NAME. "
        "Items with one are gold: mixed in, and held against what people say.",
    )  # fmt: skip
    sides: tuple[str, ...] = Field(
        (), max_length=len(SIDES),
        description="What is shown as answers: answer, reference or metadata.NAME; several are compared. Left out: the "
        "answer, else the reference where it is not gold.",
    )  # fmt: skip
    reference: bool | None = Field(
        None, description="Whether the reference is shown; null: where nothing of it is gold."
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, told: Any) -> Any:
        """`gold_field` stands for a field whose right answer is the reference."""
        if isinstance(told, Mapping) and "gold_field" in told:
            rest = {name: value for name, value in told.items() if name != "gold_field"}
            return {**rest, "gold": {told["gold_field"]: "reference"}} if told["gold_field"] else rest
        return told


From = Annotated[
    OfFilter | OfScore | OfDisagreement | OfAlert | OfTargets | OfRun | OfDataset, Field(discriminator="kind")
]
Traffic = OfFilter | OfScore | OfDisagreement
ORIGINS: Mapping[str, str] = {
    "filter": "filter", "sample": "sample", "score": "evaluator", "disagreement": "evaluator", "alert": "alert",
    "targets": "hand", "run": "run", "dataset": "dataset",
}  # fmt: skip
"""The origin of items, by the kind of their source, unless it asks for what was scored."""


def origin(wish: From) -> str:
    """Where items come from. What a filter by a score chose, or rows of a run that fail, is of an evaluator."""
    scored = isinstance(wish, _Traffic) and by_score(wish.filter)
    failing = isinstance(wish, OfRun) and (wish.rows.failing or wish.rows.flaky)
    return "evaluator" if scored or failing else ORIGINS[wish.kind]


def by_score(told: Mapping[str, Any]) -> bool:
    """Whether filters of traces ask for a score, by themselves or in their line `q`. Raises AskedError: `q` is none."""
    line = parse(str(told.get("q") or ""))
    asked = () if line is None else fields_of(line)
    return any(name.startswith("score") for name in told) or any(one.kind == "score" for one in asked)
