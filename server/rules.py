"""Standing rules: what they say, which traces are theirs, what a backfill would cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from duckdb import DuckDBPyConnection
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from evaluators.protocol import Evaluator, ruler
from server import jobs
from server.core import Core
from server.jobs import PAGING, Wanted
from server.judging import Files, bench
from store import queries
from store import rules as store
from store.errors import UnknownQueryError
from store.jobs import Target
from store.queries import rules as asked
from store.queries.explore import TraceFilters
from store.queries.rules import Choice, Stored
from store.rules import Backfill, Rule, Wording

MOST = 4_000  # targets of one look; what is left is looked at next
SLICE = 400  # traces, or sessions, that a backfill is fed with at once
QUIET_S = {"trace": 15, "call": 15, "session": 300}
COSTS_SEEN = 1_000  # stored scores that an estimate rests on
PROMPT_TOKENS, REPLY_TOKENS = (
    600,
    150,
)  # that a judge's prompt adds to a case, and that it answers with, where nobody knows
FOREVER = (datetime(1970, 1, 1), datetime(9999, 1, 1))  # noqa: DTZ001 - UTC without a zone, as the store holds it
CLOSED = {"status": ("ok", "recovered", "error")}  # filters with the values that there are
NONE_SCORED = ("-",)  # rulers that nothing is scored by

Dollars = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class RuleError(Exception):
    """A rule that cannot be carried out; says why."""


class Terms(BaseModel):
    """What a rule says, but for its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field("", max_length=1_000)
    enabled: bool = Field(True, description="Off: it looks for no new traces, and what waits is not scored.")
    unit: Literal["trace", "call", "session"] = Field(
        "trace", description="What is scored: each trace as a whole, each of its model calls, or each session."
    )
    filter: dict[str, Any] = Field(
        default_factory=dict, description="Filters of the query `traces`, without a window: those traces."
    )
    sample_rate: float = Field(
        1.0, gt=0, le=1, allow_inf_nan=False,
        description="Share of them, by the hash of the trace's (or session's) id: the same for each rule of that rate.",
    )  # fmt: skip
    evaluators: list[Wanted] = Field(min_length=1, max_length=20)
    budget_usd_per_day: Dollars | None = Field(None, description="What judges may cost a day of UTC; null: no bound.")
    budget_usd: Dollars | None = Field(None, description="What judges may cost in all; null: no bound.")
    quiet_s: int | None = Field(
        None, ge=1, le=3_600,
        description="Seconds without new spans after which a trace, or session, is over; default 15, of sessions 300.",
    )  # fmt: skip

    @field_validator("evaluators", mode="before")
    @classmethod
    def _short(cls, told: Any) -> Any:
        """A name alone stands for an evaluator without options."""
        return [{"name": one} if isinstance(one, str) else one for one in told] if isinstance(told, list) else told

    @model_validator(mode="after")
    def _can_be_carried_out(self) -> Self:
        refused = next((name for name in self.filter if name in PAGING | {"since", "until"}), None)
        if refused is not None:
            raise ValueError(f"{refused!r} is of pages and windows, not of what a rule looks for; leave it out")
        told = [(wanted.name, json.dumps(wanted.options, sort_keys=True, default=str)) for wanted in self.evaluators]
        if twice := next((name for place, (name, held) in enumerate(told) if (name, held) in told[:place]), None):
            raise ValueError(f"{twice!r} is asked for twice with the same options")
        return self

    @property
    def quiet(self) -> int:
        """Seconds without new spans after which a target is over."""
        return QUIET_S[self.unit] if self.quiet_s is None else self.quiet_s

    def filters(self) -> TraceFilters:
        """As the query `traces` takes them.

        Raises:
            UnknownQueryError: it does not take one of them.
        """
        parsed = queries.get("traces").parse({**self.filter, "since": FOREVER[0], "until": FOREVER[1]})
        return {name: value for name, value in parsed.items() if name not in {"since", "until"}}  # type: ignore[return-value]  # as parsed


def terms_of(rule: Rule) -> Terms:
    """What a stored rule says."""
    return Terms.model_validate_json(rule.document)


def choice_of(project_id: int, terms: Terms, sample_rate: float | None = None) -> Choice:
    """Which traces are meant; `sample_rate` null: as the rule says."""
    return Choice(project_id, terms.filters(), terms.sample_rate if sample_rate is None else sample_rate)


def checked(core: Core, terms: Terms) -> list[Evaluator]:
    """The evaluators of a rule, made.

    Raises:
        EvaluatorError: there is no such evaluator or option, or a judge cannot be asked.
        RuleError: the filter is none.
    """
    for key, values in CLOSED.items():
        if (told := terms.filter.get(key)) is not None and told not in values:
            raise RuleError(f"The filter: {key} is one of {', '.join(values)}, not {told!r}; nothing would match.")
    try:
        choice_of(0, terms).params()
    except (UnknownQueryError, ValueError) as error:
        raise RuleError(f"The filter: {error}") from error
    made = bench(replace(Files.of(core.settings), cache=None))
    return [made.make(wanted.name, wanted.options) for wanted in terms.evaluators]


def rulers(evaluators: Sequence[Evaluator]) -> list[str]:
    """What scores of these are known by: name and version with a blank between."""
    return [f"{one.card.name} {ruler(one)}" for one in evaluators]


def order_of(name: str, terms: Terms, **more: str) -> str:
    """The order that the rule's parts are of, as JSON."""
    held = terms.model_dump(mode="json", include={"unit", "filter", "evaluators"})
    return json.dumps({"rule": name, **held, "filter": {**held["filter"], **more}})


def put(core: Core, project: str, name: str, terms: Terms, author: str | None) -> Rule:
    """Set a rule. Raises as `checked` does."""
    checked(core, terms)
    project_id = core.projects.id_of(project)
    told = Wording(
        name, terms.model_dump_json(), order_of(name, terms), terms.enabled, terms.budget_usd_per_day,
        terms.budget_usd, author,
    )  # fmt: skip
    return core.writer.call(lambda cursor: store.put(cursor, project_id, told)).result(jobs.WRITE_S)


def one(core: Core, project: str, name: str) -> Rule:
    """A rule as it is now.

    Raises:
        UnknownRuleError: the project has none of this name.
    """
    project_id = core.projects.id_of(project)
    with core.readers.read() as cursor:
        found = store.rule(cursor, project_id, name)
        known = [] if found else [one.name for one in store.rules(cursor, project_id)]
    if found is None:
        raise UnknownRuleError(project, name, known)
    return found


class UnknownRuleError(Exception):
    """There is no such rule."""

    def __init__(self, project: str, name: str, known: Sequence[str]) -> None:
        super().__init__(f"Project {project!r} has no rule {name!r}. It has: {', '.join(known) or 'none'}.")


# Which targets.


@dataclass(frozen=True, slots=True)
class Found:
    """What a look, or a slice of a backfill, found."""

    targets: list[Target]
    upto: int = 0  # of a look: the commit up to which it went
    last: tuple[int, UUID] | None = None  # of a backfill: start and id of the last trace; null: there are no more


def look(con: DuckDBPyConnection, rule: Rule, terms: Terms, after: int, upto: int) -> Found:
    """The targets among the traces, or sessions, that went on with a commit in (after, upto] and not since.

    No more than `MOST`, or those of one commit: then the answer's `upto` is less than what was asked for.
    """
    choice = choice_of(rule.project_id, terms)
    ask = asked.rule_sessions if terms.unit == "session" else asked.rule_traces
    rows = ask(con, choice, after, upto, MOST + 1).to_pylist()
    if len(rows) > MOST:
        cut = rows[-1]["resolved_seq"]
        fewer = [row for row in rows if row["resolved_seq"] < cut]
        rows, upto = (fewer, cut - 1) if fewer else (ask(con, choice, after, cut, len(rows) * 1_000).to_pylist(), cut)
    if terms.filter.get("score") and terms.unit != "session":
        names = [wanted.name for wanted in terms.evaluators]
        rows += asked.rule_scored(con, choice, after, upto, names).to_pylist()
    return Found(_targets(con, rule, terms, rows), upto)


def stored(con: DuckDBPyConnection, backfill: Backfill, terms: Terms, known: Sequence[str]) -> Found:
    """The next targets of a backfill; `known`: rulers by which what is scored already is left out."""
    rule = backfill.rule
    place = Stored(
        backfill.since, backfill.until, NONE_SCORED if backfill.again else known, backfill.after_start_us,
        backfill.after_trace,
    )  # fmt: skip
    ask = asked.rule_stored_sessions if terms.unit == "session" else asked.rule_stored
    rows = ask(con, choice_of(rule.project_id, terms), place, SLICE).to_pylist()
    fresh = [row for row in rows if not row["scored"]]
    start = "newest_us" if terms.unit == "session" else "start_us"
    last = (rows[-1][start], UUID(rows[-1]["trace_id"])) if len(rows) == SLICE else None
    return Found(_targets(con, rule, terms, fresh), last=last)


def recent(con: DuckDBPyConnection, project_id: int, terms: Terms, most: int) -> list[Target]:
    """The newest traces, or sessions, that match, whether or not they are in the sample."""
    choice, place = choice_of(project_id, terms, 1.0), Stored(*FOREVER, NONE_SCORED)
    if terms.unit == "session":
        return [_session(row) for row in asked.rule_stored_sessions(con, choice, place, most).to_pylist()]
    found = [_whole(row) for row in asked.rule_stored(con, choice, place, most).to_pylist()]
    return _calls(con, project_id, found)[:most] if terms.unit == "call" else found


def _targets(con: DuckDBPyConnection, rule: Rule, terms: Terms, rows: Sequence[Mapping[str, Any]]) -> list[Target]:
    if terms.unit == "session":
        return [_session(row) for row in rows]
    found = list({row["trace_id"]: _whole(row) for row in rows}.values())
    return _calls(con, rule.project_id, found) if terms.unit == "call" else found


def _calls(con: DuckDBPyConnection, project_id: int, traces: Sequence[Target]) -> list[Target]:
    known = {target.trace_id: target for target in traces}
    calls = []
    for start in range(0, len(traces), jobs.PAGE):
        page = queries.get("case_calls").function(con, project_id, **jobs.bounds(traces[start : start + jobs.PAGE]))
        calls += [replace(known[UUID(row["trace_id"])], span_id=int(row["span_id"], 16)) for row in page.to_pylist()]
    return calls


def _whole(row: Mapping[str, Any]) -> Target:
    return Target(UUID(row["trace_id"]), None, row["start_us"], jobs.end_us(row))


def _session(row: Mapping[str, Any]) -> Target:
    return Target(UUID(row["trace_id"]), None, row["start_us"], row["end_us"], row["session_id"])


# What a backfill would do.


def backfill(  # noqa: PLR0917 - what it says
    core: Core, rule: Rule, since: datetime, until: datetime, budget_usd: float | None, author: str | None, *,
    again: bool,
) -> UUID:  # fmt: skip
    """Order the stored traces of a window; the id of the job."""
    window = {"since": f"{since.isoformat()}Z", "until": f"{until.isoformat()}Z"}
    order = order_of(rule.name, terms_of(rule), **window)
    return core.writer.call(
        lambda cursor: store.add_backfill(cursor, rule, since, until, order, budget_usd, author, again=again)
    ).result(jobs.WRITE_S)


def foretold(
    core: Core, project: str, terms: Terms, since: datetime, until: datetime, *, again: bool
) -> dict[str, Any]:
    """What a backfill of the window would do: how many match, are sampled, are scored already; and its estimated cost.

    Raises as `checked` does.
    """
    made = checked(core, terms)
    project_id = core.projects.id_of(project)
    place = Stored(since, until, rulers(made))
    ask = asked.rule_session_counts if terms.unit == "session" else asked.rule_counts
    with core.readers.read() as con:
        counts = ask(con, choice_of(project_id, terms), place)
        spent = asked.rule_spent(con, project_id, rulers(made), COSTS_SEEN).to_pylist()
    left = counts["sampled"] if again else counts["sampled"] - counts["scored"]
    of_calls = counts["sampled_calls"] if again else counts["calls"]
    targets = of_calls if terms.unit == "call" else left
    each = [_estimate(evaluator, targets, counts, spent) for evaluator in made]
    costs = [one["usd"] for one in each]
    return {
        "unit": terms.unit, "matching": counts["matching"], "sampled": counts["sampled"], "scored": counts["scored"],
        "targets": targets, "judge_calls": sum(one["calls"] for one in each),
        "usd": None if None in costs else sum(costs), "evaluators": each,
    }  # fmt: skip


def _estimate(
    evaluator: Evaluator, targets: int, counts: Mapping[str, Any], spent: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Calls of a judge and US dollars (null: unknown), and what that rests on."""
    card = evaluator.card
    told: dict[str, Any] = {
        "evaluator": card.name,
        "asks": card.cost,
        "calls": 0,
        "usd": 0.0,
        "how": "It asks no model.",
    }
    if card.cost == "free":
        return told
    held = [json.loads(row["spent"]) for row in spent if row["evaluator"] == card.name]
    costs = [row["cost_usd"] for row in held if row.get("cost_usd") is not None]
    calls = [row.get("calls", 0) + row.get("cached", 0) for row in held]
    told["calls"] = round(targets * sum(calls) / len(calls)) if calls else targets
    if costs:
        mean = sum(costs) / len(costs)
        how = f"The mean of the newest {len(costs):,} stored scores, ${mean:.6f} each."
        return told | {"usd": mean * targets, "how": how}
    return told | _by_tokens(evaluator, targets, counts)


def _by_tokens(evaluator: Evaluator, targets: int, counts: Mapping[str, Any]) -> dict[str, Any]:
    from evaluators.judges.model import Usage  # noqa: PLC0415 - only for what asks a model

    judge, tokens = getattr(evaluator, "judge", None), counts["input_tokens"]
    if judge is None or tokens is None:
        return {"usd": None, "how": "Unknown: no score of it is stored, and no tokens of these traces are known."}
    read = round(tokens + (counts["output_tokens"] or 0)) + PROMPT_TOKENS
    each = judge.cost(Usage(read, REPLY_TOKENS))
    if each is None:
        return {"usd": None, "how": f"Unknown: no score of it is stored, and {judge.settings.model} has no price."}
    how = f"By tokens: some {read:,} read and {REPLY_TOKENS} written a target, at the price of {judge.settings.model}."
    return {"usd": each * targets, "how": how}
