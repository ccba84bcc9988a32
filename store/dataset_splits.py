"""The rule by which items of a dataset get a split, and what it says as SQL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_DRAW = 2**52  # the first 13 hex digits of a hash


@dataclass(frozen=True, slots=True)
class Rule:
    """How items get a split: by a hash of a member of their metadata, or of their id."""

    by: str | None  # null: the id
    seed: int
    parts: tuple[tuple[str, float], ...]  # name and share; shares add up to 1

    @property
    def text(self) -> str:
        """As the store keeps it."""
        return json.dumps({"by": self.by, "seed": self.seed, "parts": [list(part) for part in self.parts]})


def rule_of(text: str | None) -> Rule | None:
    """A rule as the store keeps it."""
    if text is None:
        return None
    told = json.loads(text)
    return Rule(told["by"], told["seed"], tuple((name, share) for name, share in told["parts"]))


def drawn(rule: Rule | None, alias: str = "r") -> tuple[str, dict[str, Any]]:
    """The split that a rule gives a row, as SQL with its parameters.

    A hash of seed and cluster lies in [0, 1), and the parts lie there side by side: an item's split depends on nothing
    but its own cluster, so that others that come or go move none.
    """
    if rule is None:
        return "null", {}
    key = (
        f"{alias}.item" if rule.by is None else f"coalesce({alias}.row::json -> 'metadata' ->> $rule_by, {alias}.item)"
    )
    at = f"('0x' || substr(sha256($rule_seed || chr(10) || {key}), 1, 13))::bigint"
    params: dict[str, Any] = {"rule_seed": str(rule.seed)} | ({} if rule.by is None else {"rule_by": rule.by})
    cases, upto = [], 0.0
    for number, (name, share) in enumerate(rule.parts[:-1]):
        upto += share
        params |= {f"part_{number}": name, f"upto_{number}": round(upto * _DRAW)}
        cases.append(f"when {at} < $upto_{number} then $part_{number}")
    params["part_last"] = rule.parts[-1][0]
    return f"case {' '.join(cases)} else $part_last end" if cases else "$part_last", params
