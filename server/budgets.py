"""A project's budgets as YAML: US dollars a calendar month, of all its calls or of one value of a dimension."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from server.yaml_lines import line_in, parsed
from store.queries.calls import Dimension

MAX_DOCUMENT = 100_000  # letters
MAX_BUDGETS = 100
_SHOWN = 200  # letters of a value that is refused


class BudgetError(Exception):
    """A list of budgets that cannot be read; names the entry, the value and the rule."""


class Budget(BaseModel):
    """One entry, such as `{usd_per_month: 500, where: {service: shop}}`; without `where` it is of all calls."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    usd_per_month: Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]
    where: dict[str, Annotated[str, Field(min_length=1, max_length=1_000)]] | None = None
    note: Annotated[str, Field(max_length=1_000)] | None = None

    @field_validator("where")
    @classmethod
    def _names_one_value(cls, where: dict[str, str] | None) -> dict[str, str] | None:
        if where is None:
            return None
        if len(where) != 1:
            raise ValueError(f"name one dimension and its value, not {len(where)}")
        (dimension,) = where
        if dimension not in get_args(Dimension):
            raise ValueError(f"there is no dimension {dimension!r}; known: {', '.join(get_args(Dimension))}")
        return where

    @property
    def dimension(self) -> str | None:
        """What its calls are told apart by; null: it is of all calls."""
        return next(iter(self.where), None) if self.where else None

    @property
    def value(self) -> str | None:
        return next(iter(self.where.values()), None) if self.where else None


def parse_budgets(text: str, origin: str) -> list[Budget]:
    """The entries of a YAML text `budgets: [...]`, in its order; an empty text has none.

    Raises:
        BudgetError: it is too long, no YAML, or an entry breaks a rule; names the line, the key and the value.
    """
    found = [_entry(told, place, origin, text) for place, told in enumerate(_entries(text, origin))]
    for place, budget in enumerate(found):
        if any(budget.where == other.where for other in found[:place]):
            of = f"{budget.dimension} {budget.value}" if budget.where else "all calls"
            raise BudgetError(f"{origin}, line {_line(text, place)}, entry {place + 1}: {of} has a budget already.")
    return found


def _entries(text: str, origin: str) -> list[Any]:
    document = parsed(text, origin, MAX_DOCUMENT, BudgetError)
    if document is None:
        return []
    entries = document.get("budgets") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise BudgetError(f"{origin} needs a list called 'budgets' at its top.")
    if len(entries) > MAX_BUDGETS:
        raise BudgetError(f"{origin} has {len(entries)} budgets; {MAX_BUDGETS} are the most.")
    return entries


def _entry(told: Any, place: int, origin: str, text: str) -> Budget:
    try:
        return Budget.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the entry"
        message = first["msg"].removeprefix("Value error, ")
        got = repr(first["input"])
        shown = got if len(got) <= _SHOWN else f"{got[:_SHOWN]}…"
        at = _line(text, place, *first["loc"])
        raise BudgetError(f"{origin}, line {at}, entry {place + 1}: {field}: {message}; got {shown}.") from error


def _line(text: str, *path: str | int) -> int:
    return line_in(text, ("budgets", *path))
