"""What a queue says: the fields of its form, its guidelines, how many people label an item, and who."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from unicodedata import normalize

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from server.labelling.free import Free

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
Name = Annotated[str, Field(pattern=NAME)]
Kind = Literal["binary", "categorical", "ordinal", "numeric", "text", "spans", "correction", "preference", "ranking"]
CHOOSING: frozenset[Kind] = frozenset({"binary", "categorical", "ordinal"})
COMPARING: frozenset[Kind] = frozenset({"preference", "ranking"})
SIDES = ("a", "b", "c", "d", "e", "f", "g", "h")  # of what is compared, as answers name them
TIE = "tie"


def person(told: str) -> str:
    """A name as it is kept: one blank between words and none around them, letters with marks composed."""
    return " ".join(normalize("NFC", told).split())


class Choice(BaseModel):
    """One answer that can be chosen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: str = Field(min_length=1, max_length=100, description="As it is stored, and as the score's label.")
    title: str | None = Field(None, max_length=200, description="As it is shown; null: as it is stored.")
    help: str | None = Field(None, max_length=500)
    number: float | None = Field(
        None, allow_inf_nan=False,
        description="The score's value. Null: of a binary field 1 and 0, of an ordinal one 1, 2, ..., else none.",
    )  # fmt: skip


class Asked(BaseModel):
    """One field of the form. How its answers are told, by kind.

    binary, ordinal: a choice's value; categorical: the same, with `several` a list of them; numeric: a number; text and
    correction: text; preference: `a`, `b` or `tie`; ranking: groups of sides, the best first, `[["b"], ["a", "c"]]`;
    spans: `[{side, part, start, end, label}]` with `part` answer or contexts.0, offsets in code points, end exclusive.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name = Field(description="Of the field; with it the score is stored.")
    kind: Kind
    title: str | None = Field(None, max_length=200, description="The question; null: the name.")
    help: str | None = Field(None, max_length=2_000)
    required: bool = True
    choices: tuple[Choice, ...] = Field(
        (), max_length=30,
        description="Of binary, categorical, ordinal (from least to most) and of the labels of spans. A binary field "
        "has two, yes before no; left out: yes and no.",
    )  # fmt: skip
    several: bool = Field(False, description="Of a categorical field: any number of choices.")
    low: float | None = Field(None, allow_inf_nan=False, description="Of a numeric field; null: no bound.")
    high: float | None = Field(None, allow_inf_nan=False)
    ties: bool = Field(True, description="Of a preference or ranking: whether sides may be alike.")
    better: Literal["higher", "lower"] | None = Field(None, description="Of the number; null: neither.")
    judges: tuple[str, ...] = Field(
        (), max_length=10,
        description="Scores for which this field is what people say, by name; left out: those of the field's name.",
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _short(cls, told: Any) -> Any:
        """Choices as plain words; a binary field without choices has yes and no."""
        if not isinstance(told, Mapping):
            return told
        choices = told.get("choices")
        if not choices and told.get("kind") == "binary":
            choices = ["yes", "no"]
        if isinstance(choices, list | tuple):
            choices = [{"value": one} if isinstance(one, str) else one for one in choices]
            return {**told, "choices": choices}
        return told

    @model_validator(mode="after")
    def _fits(self) -> Self:
        values = [one.value for one in self.choices]
        if len(set(values)) < len(values):
            raise ValueError(f"field {self.name}: two choices have the same value; each has its own")
        if self.kind == "binary" and len(values) != 2:
            raise ValueError(f"field {self.name} is binary and has {len(values)} choices; give two, yes before no")
        if self.kind in {"categorical", "ordinal"} and len(values) < 2:
            raise ValueError(f"field {self.name} is {self.kind} and needs two choices or more")
        if values and self.kind not in CHOOSING | {"spans"}:
            raise ValueError(f"field {self.name} is {self.kind}, which has no choices; leave them out")
        if self.kind == "spans" and not values:
            raise ValueError(f"field {self.name} marks spans and needs a choice for each kind of mark")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"field {self.name}: low is {self.low:g} and high {self.high:g}; low must be below high")
        if self.several and self.kind != "categorical":
            raise ValueError(f"field {self.name}: several choices are for categorical fields")
        return self

    @property
    def numbers(self) -> dict[str, float | None]:
        """The number of each choice, as its score has it."""
        usual: dict[str, float | None]
        if self.kind == "binary":
            usual = {self.choices[0].value: 1.0, self.choices[1].value: 0.0}
        elif self.kind == "ordinal":
            usual = {one.value: float(place) for place, one in enumerate(self.choices, 1)}
        else:
            usual = {one.value: None for one in self.choices}
        return {one.value: usual[one.value] if one.number is None else one.number for one in self.choices}


class Example(BaseModel):
    """One labelled example, shown beside the item with the guidelines."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=200)
    text: str = Field(max_length=20_000, description="Of what is labelled.")
    answers: dict[str, Free] = Field(default_factory=dict, description="By field.")
    why: str | None = Field(None, max_length=5_000)


class Feed(BaseModel):
    """New traces that become items by themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    filter: dict[str, Free] = Field(
        default_factory=dict, description="Filters of the query `traces`, without a window."
    )
    unit: Literal["trace", "call", "session"] = "trace"
    score: str | None = Field(None, description="Only traces that have a score of this name ...")
    below: float | None = Field(None, allow_inf_nan=False, description="... below this value,")
    above: float | None = Field(None, allow_inf_nan=False, description="... above this value,")
    failed: bool = Field(False, description="... or whose evaluator failed.")
    share: float = Field(1.0, gt=0, le=1, allow_inf_nan=False, description="Of these, by the hash of the trace's id.")
    per_day: int | None = Field(None, ge=1, le=100_000, description="Items a day of UTC at most; null: no bound.")
    priority: float = Field(0.0, allow_inf_nan=False)
    quiet_s: int | None = Field(
        None, ge=1, le=3_600,
        description="Seconds without new spans after which a trace, or session, is over; default 15, of sessions 300.",
    )  # fmt: skip


class Terms(BaseModel):
    """What a queue says, but for its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field("", max_length=1_000)
    fields: tuple[Asked, ...] = Field(min_length=1, max_length=12)
    guidelines: str = Field("", max_length=100_000, description="Markdown, shown beside the item.")
    examples: tuple[Example, ...] = Field((), max_length=20)
    labels: int = Field(1, ge=1, le=20, description="By different people, of each item.")
    blind: bool = Field(True, description="Scores of judges and labels of others are hidden until one's own is saved.")
    gold_share: float = Field(
        0.1, ge=0, le=0.5, allow_inf_nan=False,
        description="Of what a person is handed, about so much has a right answer that is known, while there are such.",
    )  # fmt: skip
    labellers: tuple[str, ...] = Field((), max_length=200, description="Who may label; empty: everybody.")
    lease_minutes: float = Field(
        15, ge=0.02, le=1_440, allow_inf_nan=False, description="After which an item in hand may be given to another."
    )
    order: Literal["priority", "random"] = Field(
        "priority", description="Of equal priority the oldest first; random: by a hash of item and labeller."
    )
    priority: int = Field(0, ge=-100, le=100, description="Of the queue among others; higher ones stand first.")
    deadline: datetime | None = Field(None, description="By when all is to be labelled.")
    feeds: tuple[Feed, ...] = Field((), max_length=10)

    @field_validator("labellers")
    @classmethod
    def _people(cls, told: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(person(one) for one in told))
        if wrong := next((one for one in names if not 1 <= len(one) <= 200), None):
            raise ValueError(f"labeller {wrong[:40]!r} has {len(wrong)} characters; a name has 1 to 200")
        if "" in names:
            raise ValueError("a labeller has no name; give 1 to 200 characters, or leave it out")
        return names

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [one.name for one in self.fields]
        if twice := next((name for place, name in enumerate(names) if name in names[:place]), None):
            raise ValueError(f"two fields are named {twice!r}; each has its own name")
        kinds = {one.kind for one in self.fields}
        if kinds & COMPARING and "spans" in kinds:
            raise ValueError("marks of spans and comparisons cannot stand in one queue; make two")
        return self

    @property
    def compares(self) -> bool:
        """Whether its items have several sides."""
        return any(one.kind in COMPARING for one in self.fields)
