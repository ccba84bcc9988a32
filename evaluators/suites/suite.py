"""The suite file: a dataset, a target, evaluators and gates, as YAML that is checked whole before anything is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from evaluators.documents import LineOf, document
from evaluators.rows import NAMES
from evaluators.targets.config import TargetSettings
from evaluators.verdict import Verdict

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Alias = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]


def _nameable(value: str) -> str:
    if "\0" in value:
        raise ValueError("a file's name holds no NUL")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        (value if value.tzinfo is None else value.astimezone(UTC)).timestamp()
    except (OverflowError, ValueError):
        raise ValueError("in UTC it lies before the year 1 or after 9999") from None
    return value


FileName = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_nameable)]
Time = Annotated[datetime, AfterValidator(_in_utc)]

FORMATS = (".jsonl", ".ndjson", ".csv", ".parquet", ".jsonl.gz", ".ndjson.gz", ".csv.gz")
TARGET = "target"
MEASURED = ("latency_ms", "ttft_ms", "cost_usd", "input_tokens", "output_tokens")
"""What is measured of each answer, beside what evaluators say of it: `target.latency_ms` in a gate."""
SHARES = ("pass_rate", "errors")
"""Measures that are shares, whatever they are of."""
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
Measure = Literal["mean", "pass_rate", "errors", "p50", "p90", "p95", "p99"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Traces(_Part):
    """Stored traces as the dataset: what was asked and answered in production."""

    project: str = Field("default", max_length=200)
    since: Time = Field(description="Traces that start at this time or later; with a zone, else UTC.")
    until: Time = Field(description="And before this time.")
    filter: Mapping[str, JsonValue] = Field(
        default_factory=dict, description="Parameters of the query `traces`, such as {model: gpt-4o, status: error}."
    )
    unit: Literal["trace", "call"] = Field("trace", description="An item is a whole trace, or one model call.")
    most: int = Field(1000, ge=1, le=10_000, description="Traces at most, the newest first.")

    @model_validator(mode="after")
    def _forwards(self) -> Traces:
        if (self.since.tzinfo is None) != (self.until.tzinfo is None):
            raise ValueError("since and until both have a zone, or neither has")
        if self.until <= self.since:
            raise ValueError(f"until ({self.until}) lies after since ({self.since})")
        return self


class Dataset(_Part):
    """Where the items come from: a file, a stored dataset, or stored traces."""

    file: FileName | None = Field(
        None,
        description="JSON lines, CSV (both also as .gz) or Parquet; a path relative to the suite's file.",
    )
    traces: Traces | None = Field(None, description="Stored traces, in place of a file.")
    stored: Name | None = Field(None, description="Name of a stored dataset, in place of a file.")
    version: int | None = Field(None, ge=1, description="Of the stored dataset; null: the newest.")
    split: str | None = Field(None, max_length=100, description="Only items of this split of the stored dataset.")
    project: str | None = Field(
        None, max_length=200, description="Project of the stored dataset; null: that of the run."
    )
    fields: Mapping[str, str] = Field(
        default_factory=dict,
        description="Field of the case <- column of the row, where names differ; dots lead into objects.",
    )
    where: Mapping[str, JsonValue] = Field(
        default_factory=dict, description="Only rows whose columns have these values, such as {split: test}."
    )
    cluster: str | None = Field(
        None, description="Column: items with one value of it belong together, such as a customer or a document."
    )
    sample: int | None = Field(None, ge=1, description="So many items, chosen by the seed and their ids; null: all.")

    @field_validator("file")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None and not value.lower().endswith(FORMATS):
            raise ValueError(f"a dataset's file ends in {', '.join(FORMATS)}")
        return value

    @field_validator("fields")
    @classmethod
    def _known_fields(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        unknown = sorted(value.keys() - NAMES.keys())
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no field of a case; they are: {', '.join(NAMES)}")
        return value

    @model_validator(mode="after")
    def _one_source(self) -> Dataset:
        if sum(one is not None for one in (self.file, self.stored, self.traces)) != 1:
            raise ValueError("a dataset has a file, stored, or traces: one of them")
        given = next((name for name in ("version", "split") if getattr(self, name) is not None), None)
        if given is not None and self.stored is None:
            raise ValueError(f"{given} is of a stored dataset; of other rows say where: {{{given}: ...}}")
        return self


class Pass(_Part):
    """When a verdict passes."""

    at_least: Number | None = None
    at_most: Number | None = None
    label: str | None = Field(None, description="The label that passes.")
    labels: tuple[str, ...] = Field((), description="Labels that pass.")

    @model_validator(mode="after")
    def _something(self) -> Pass:
        if self.at_least is None and self.at_most is None and self.label is None and not self.labels:
            raise ValueError("pass says at_least, at_most, label or labels")
        return self

    def of(self, verdict: Verdict) -> bool | None:
        """Whether the verdict passes; null: it is none, or lacks the number or label that decides."""
        if verdict.status != "ok":
            return None
        wanted = (*self.labels, *([] if self.label is None else [self.label]))
        if wanted and verdict.label is None:
            return None
        bounded = self.at_least is not None or self.at_most is not None
        if bounded and verdict.value is None:
            return None
        value = verdict.value if verdict.value is not None else 0.0
        low = self.at_least is None or value >= self.at_least
        high = self.at_most is None or value <= self.at_most
        return low and high and (not wanted or verdict.label in wanted)


class Use(_Part):
    """An evaluator as the suite uses it."""

    name: str = Field(min_length=1, max_length=200, description="As `assay evaluators` lists it.")
    alias: Alias | None = Field(
        None, alias="as", description="What gates and reports call it; default: its name. Needed for one used twice."
    )
    options: Mapping[str, JsonValue] = Field(default_factory=dict)
    passing: Pass | None = Field(None, alias="pass", description="When its verdict passes; null: it only measures.")

    @property
    def called(self) -> str:
        """What gates and reports call it."""
        return self.alias or self.name


class Gate(_Part):
    """What must hold of a run. It fails a build when the data show that it does not, not when a mean lies there."""

    of: str = Field(
        description="What an evaluator is called in this suite; `target` for its errors; or `target.` with one of "
        + ", ".join(MEASURED)
        + "."
    )
    measure: Measure = Field("mean", description="errors: the share of answers or verdicts that failed.")
    at_least: Number | None = None
    at_most: Number | None = None
    no_worse_than: Literal["baseline"] | None = Field(
        None, description="In place of a bound: a paired test against the run that --baseline names."
    )
    by_at_most: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="With no_worse_than: how much worse it may be, in its own unit."
    )
    when_undecided: Literal["pass", "fail"] = Field(
        "pass", description="What a gate does that the data neither prove nor refute: fail asks for proof."
    )

    @model_validator(mode="after")
    def _one_bound(self) -> Gate:
        given = [name for name in ("at_least", "at_most", "no_worse_than") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a gate has one of at_least, at_most, no_worse_than; not {' and '.join(given) or 'none'}")
        if self.by_at_most and self.no_worse_than is None:
            raise ValueError("by_at_most belongs to no_worse_than")
        if self.measure in SHARES:
            self._of_a_share()
        if self.of.startswith(f"{TARGET}."):
            self._of_target()
        elif self.of == TARGET and self.measure != "errors":
            raise ValueError(f"of the target itself only errors are measured; of its answers: {_measures()}")
        return self

    @property
    def bounds(self) -> dict[str, float]:
        """The numbers that it names, by key."""
        told = {name: getattr(self, name) for name in ("at_least", "at_most")}
        return {name: value for name, value in told.items() if value is not None}

    def _of_a_share(self) -> None:
        for name, value in {**self.bounds, "by_at_most": self.by_at_most}.items():
            if not 0 <= value <= 1:
                hint = f"; {value:g} % is {value / 100:g}" if 1 < value <= 100 else ""
                raise ValueError(f"{self.measure} is a share from 0 to 1, and {name} is {value:g}{hint}")

    def _of_target(self) -> None:
        if self.of.partition(".")[2] not in MEASURED:
            raise ValueError(f"{self.of!r} is not measured; what is: {_measures()}")
        if self.measure in {"pass_rate", "errors"}:
            raise ValueError(f"{self.of} has no {self.measure}; use mean, p50, p90, p95 or p99")
        below = next((name for name, value in self.bounds.items() if value < 0), None)
        if below is not None:
            raise ValueError(f"{self.of} is never below 0, and {below} is {self.bounds[below]:g}")

    @property
    def text(self) -> str:
        """The gate in a line, as reports name it."""
        if self.no_worse_than is not None:
            margin = f" by more than {self.by_at_most:g}" if self.by_at_most else ""
            return f"{self.of} {self.measure} not worse than the baseline{margin}"
        sign, bound = (">=", self.at_least) if self.at_least is not None else ("<=", self.at_most)
        return f"{self.of} {self.measure} {sign} {bound:g}"


def _measures() -> str:
    return ", ".join(f"{TARGET}.{name}" for name in MEASURED)


class Suite(_Part):
    """All that a suite file says."""

    name: Name = Field(alias="suite", description="Letters, digits, dots, dashes and underscores.")
    description: str = Field("", max_length=5000)
    dataset: Dataset
    target: TargetSettings
    evaluators: tuple[Use, ...] = Field(min_length=1, max_length=50)
    gates: tuple[Gate, ...] = Field((), max_length=100)
    repeats: int = Field(1, ge=1, le=100, description="Answers to each item.")
    seed: int = Field(0, ge=0, lt=2**53, description="Of the sample, and of what the target is given.")
    concurrency: int = Field(8, ge=1, le=1024, description="Answers asked for at once.")
    budget_usd: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="What target and judges may cost together; null: no bound."
    )
    judges: FileName | None = Field(
        None, description="YAML file of judges, relative to the suite's; --judges, else ASSAY_JUDGES_FILE, comes first."
    )
    own_evaluators: FileName | None = Field(None, description="YAML file of your own evaluators, likewise.")
    failures_at_most: float = Field(
        0.05, ge=0, le=1, description="Share of failed answers, or verdicts of one evaluator, above which a run fails."
    )

    @field_validator("evaluators", mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        return [{"name": one} if isinstance(one, str) else one for one in value] if isinstance(value, list) else value

    @model_validator(mode="after")
    def _fits_together(self) -> Suite:
        names = [use.called for use in self.evaluators]
        twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
        if twice is not None:
            raise ValueError(f"two evaluators are called {twice!r}; tell them apart by `as`")
        if TARGET in names:
            raise ValueError(f"no evaluator is called {TARGET!r}; give it another name by `as`")
        for gate in self.gates:
            self._known(gate, names)
        return self

    def _known(self, gate: Gate, names: list[str]) -> None:
        if gate.of.partition(".")[0] == TARGET:
            return
        if gate.of not in names:
            raise ValueError(f"a gate is of {gate.of!r}, and no evaluator is called so; there are: {', '.join(names)}")
        use = self.evaluators[names.index(gate.of)]
        if gate.measure == "pass_rate" and use.passing is None:
            raise ValueError(f"a gate asks for the pass rate of {gate.of}, which has no `pass`")


def parse_suite(told: Any, origin: str, line_of: LineOf | None = None) -> Suite:
    """The suite of a parsed YAML document. `line_of` finds the line of a part.

    Raises:
        DocumentError: it is none; names origin, line, key, value, rule, and the nearest key that there is.
    """
    return document(told, Suite, origin, line_of)


def schema() -> dict[str, Any]:
    """The JSON schema of suite files (draft 2020-12), for editors."""
    found = Suite.model_json_schema(by_alias=True) | {"title": "Assayline suite"}
    listed = found["properties"]["evaluators"]
    listed["items"] = {"anyOf": [{"type": "string", "description": "The evaluator's name."}, listed["items"]]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
