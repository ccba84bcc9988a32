"""What `assay rules` reads, sends and says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import Field

from evaluators.documents import DocumentError, LineOf
from server.client import Client
from server.rules import Terms
from server.told_entries import Told, read, set_each
from store.queries.explore import TraceFilters

Row = dict[str, Any]


class _Named(Terms):
    name: str = Field(pattern=r"^[\w.-]{1,100}$")


def read_rules(path: Path) -> list[Told]:
    """The rules of a YAML file `rules: [...]`; see `told_entries.read`."""
    return read(path, "rules", _Named, _check_filters)


def _check_filters(document: Any, origin: str, line_of: LineOf) -> None:
    """Of what a filter can name, the nearest: the entries' own check knows the keys of a rule alone."""
    told = document.get("rules") if isinstance(document, dict) else None
    for place, rule in enumerate(told if isinstance(told, list) else ()):
        held = rule.get("filter") if isinstance(rule, dict) else None
        for name in held if isinstance(held, dict) else ():
            if name not in TraceFilters.__annotations__:
                close = get_close_matches(str(name), TraceFilters.__annotations__, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                at = line_of(("rules", place, "filter", name))
                raise DocumentError(f"{origin}, line {at}, entry {place + 1}: filter.{name}: there is no filter{hint}")


def set_rules(client: Client, told: Sequence[Told], author: str | None) -> list[Row]:
    """Set each; the rules as they are now. See `told_entries.set_each`."""
    return set_each(
        told,
        lambda one: client.set_rule(one.name, one.terms, author),
        lambda one: f"{one.where}, rule {one.name!r}",
    )


TERMS = frozenset(Terms.model_fields)


def terms_of(rule: Mapping[str, Any]) -> Row:
    """What `PUT /api/rules/{name}` takes, of a rule as the API tells it."""
    return {name: value for name, value in rule.items() if name in TERMS}


def row(rule: Mapping[str, Any]) -> Row:
    """A rule as a row of a table."""
    waits = rule["backlog"]
    return {
        "name": rule["name"], "state": rule["state"], "unit": rule["unit"], "rate": f"{rule['sample_rate']:.6g}",
        "evaluators": ", ".join(one["name"] for one in rule["evaluators"]), "pending": waits["pending"],
        "oldest": waits["oldest_pending"], "failures": waits["failures"], "scored 24 h": waits["targets_day"],
        "usd today": waits["spent_today_usd"], "a day": rule["budget_usd_per_day"],
    }  # fmt: skip


def sentence(rule: Mapping[str, Any]) -> str:
    """What a rule is and how far it is."""
    waits = rule["backlog"]
    names = ", ".join(one["name"] for one in rule["evaluators"])
    what = f"Rule {rule['name']} (version {rule['version']}) is {rule['state']}: {rule['sample_rate'] * 100:.6g} % of "
    what += f"{rule['unit']}s by {names}. {waits['pending']:,} pending, {waits['failures']:,} failed, "
    what += f"{waits['targets_day']:,} scored in 24 hours."
    return f"{what} {rule['why']}" if rule["why"] else what


def foretold(found: Mapping[str, Any]) -> str:
    """What a dry run of a backfill says."""
    unit = f"{found['unit']}s" if found["unit"] == "session" else "traces"
    what = (
        f"{found['matching']:,} {unit} match, {found['sampled']:,} are in the sample, {found['scored']:,} of them are "
    )
    what += f"scored already. {found['targets']:,} targets would be scored"
    if not found["judge_calls"]:
        return f"{what}; no model is asked."
    cost = "an unknown sum" if found["usd"] is None else f"some ${found['usd']:.4f}"
    how = " ".join(f"{one['evaluator']}: {one['how']}" for one in found["evaluators"] if one["calls"])
    return f"{what} by {found['judge_calls']:,} calls of judges, for {cost}. {how}"
