"""The document in which users name evaluators of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evaluators import registry
from evaluators.calibrated import Calibrated
from evaluators.case import Part
from evaluators.documents import LineOf, entries
from evaluators.errors import OptionError
from evaluators.external import Endpoint, Program
from evaluators.judges.rubric import Rubric, RubricMaker, Shot
from evaluators.processes import placed, python_command
from evaluators.protocol import Card, Evaluator, Maker
from evaluators.verdict import Scale

_Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
WAYS = ("python", "command", "url", "prompt", "evaluator")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScaleSettings(_Part):
    """The ruler; as `Scale`."""

    low: float | None = 0.0
    high: float | None = 1.0
    labels: tuple[str, ...] = ()
    better: Literal["higher", "lower"] | None = "higher"
    unit: str | None = None


class ShotSettings(_Part):
    """An example that the judge is shown; as `Shot`."""

    parts: Mapping[str, str]
    said: str | float
    reason: str | None = None
    of: Annotated[str, Field(pattern=r"^[0-9a-f]{32}(/[0-9a-f]{16})?$")] | None = None


class OwnEvaluator(_Part):
    """One evaluator, and the one of five ways in which it is asked."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    version: Annotated[str, Field(min_length=1, max_length=50)] = "1"
    measures: Annotated[str, Field(min_length=1)]
    needs: tuple[Part, ...] = ("answer",)
    takes: tuple[Part, ...] = ()
    limits: tuple[str, ...] = ()
    scale: ScaleSettings = ScaleSettings()
    python: Annotated[str, Field(pattern=r"^[\w.]+:[\w.]+$")] | None = None  # module:function
    interpreter: str | None = None  # of `python`; null: ours, with which the module's own packages may be missing
    command: tuple[str, ...] | None = None
    url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    headers_env: Mapping[str, str] = Field(default_factory=dict)  # of `url`: header -> environment variable
    prompt: str | None = None
    judge: str | None = None  # of `prompt`: the judge's name; null: the one that the run uses
    labels: Mapping[str, float | None] = Field(default_factory=dict)  # of `prompt`: worst to best, with their values
    quotes: bool = False  # of `prompt`: whether the judge quotes what decides
    examples: tuple[ShotSettings, ...] = Field((), max_length=20)  # of `prompt`: cases that people decided
    evaluator: str | None = None  # an installed one, whose numbers `threshold` makes yes and no of
    options: Mapping[str, Any] = Field(default_factory=dict)  # of `evaluator`
    threshold: Annotated[float, Field(allow_inf_nan=False)] | None = None  # of `prompt` and `evaluator`: yes from here
    timeout_s: _Seconds = 30.0
    start_s: _Seconds = 60.0
    memory_mb: Annotated[int, Field(ge=16)] | None = None
    processes: Annotated[int, Field(ge=1, le=64)] = 1

    @model_validator(mode="after")
    def _one_way(self) -> OwnEvaluator:
        ways = [way for way in WAYS if getattr(self, way) is not None]
        if len(ways) != 1:
            found = " and ".join(ways) or "none"
            raise ValueError(f"an evaluator has exactly one of {', '.join(WAYS)}; this one has {found}")
        if ways == ["prompt"]:
            self.rubric()
        elif self.labels or self.examples:
            raise ValueError("labels with values and examples are of a prompt; others name theirs in scale.labels")
        if ways == ["evaluator"] and self.threshold is None:
            raise ValueError("an installed evaluator needs a threshold, from which on its number is a yes")
        if self.threshold is not None and ways not in (["prompt"], ["evaluator"]):
            raise ValueError("a threshold is of a prompt, or of an installed evaluator")
        return self

    def rubric(self) -> Rubric:
        """What its judge is asked. Raises ValueError for a prompt that cannot be."""
        low, high = self.scale.low, self.scale.high
        if low is None or high is None:
            raise ValueError("the scale of a prompt has both ends")
        return Rubric(
            self.name, self.version, self.measures, self.prompt or "", self.needs, dict(self.labels), low, high,
            self.scale.better, self.quotes, "custom", self.limits, self.threshold,
            tuple(Shot(dict(one.parts), one.said, one.reason, one.of) for one in self.examples),
        )  # fmt: skip

    def card(self) -> Card:
        """As of any evaluator."""
        scale = Scale(**self.scale.model_dump())
        return Card(self.name, self.version, "custom", self.measures, self.needs, self.takes, scale, limits=self.limits)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Makes an evaluator that has no options."""

    card: Card
    make: Callable[[], Evaluator]

    def __call__(self) -> Evaluator:
        return self.make()


def parse_evaluators(document: Any, origin: str, folder: Path, line_of: LineOf | None = None) -> dict[str, Maker]:
    """What makes the evaluators of a parsed YAML document `{evaluators: [...]}`, by name. None is started.

    Programs are started in the folder, which relative paths are of. Those with a prompt take the option `judge`.

    Raises:
        DocumentError: it is not of that form; says where.
    """
    return {one.name: _maker(one, folder) for one in entries(document, "evaluators", OwnEvaluator, origin, line_of)}


def _maker(one: OwnEvaluator, folder: Path) -> Maker:
    # A maker takes options of its own names only, which the types of calls cannot say.
    return cast("Maker", RubricMaker(one.rubric(), one.judge) if one.prompt is not None else _fixed(one, folder))


def _fixed(one: OwnEvaluator, folder: Path) -> _Fixed:
    if one.evaluator is not None:
        return _calibrated(one)
    card, url = one.card(), one.url
    if url is not None:
        return _Fixed(card, lambda: Endpoint(card, url, one.timeout_s, one.headers_env))
    return _Fixed(card, lambda: _program(one, card, folder))


def _calibrated(one: OwnEvaluator) -> _Fixed:
    """An installed evaluator under another name, with a threshold.

    Raises:
        EvaluatorError: there is none of this name or option, or it asks a model.
    """
    maker = registry.maker(str(one.evaluator))
    if "judge" in registry.options_of(maker):
        raise OptionError(f"{one.evaluator} asks a model: give its prompt in place of the evaluator's name.")
    threshold = 0.0 if one.threshold is None else one.threshold
    made = registry.made(maker, dict(one.options))
    card = Calibrated.card_of(made, one.name, one.version, one.measures, threshold)
    return _Fixed(card, lambda: Calibrated(made, card, threshold))


def _program(one: OwnEvaluator, card: Card, folder: Path) -> Program:
    command = one.command or python_command(placed(one.interpreter, folder), one.python or "", "verdict")
    asked = one.command or (one.python or "",)
    return Program(
        card, command, asked, folder, one.timeout_s, one.start_s, one.memory_mb, one.processes,
        says_ready=one.python is not None,
    )  # fmt: skip
