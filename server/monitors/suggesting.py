"""Which monitors would suit a project: by what it has, with the reason for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from server.core import Core
from server.evals.figures import counted
from server.monitors.terms import Terms
from store import documents, queries

SEEN = timedelta(days=28)  # of which it is told what there is
MOST = 8
LEAST_CALLS = 30  # a day, below which rates of calls say little
LEAST_SCORES = 5  # a day
_FAILING = 0.001  # share of scores that failed, from which that is worth watching


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A monitor that could be set as it stands."""

    name: str
    terms: Terms
    why: str  # one sentence


@dataclass(frozen=True, slots=True)
class Seen:
    """What a project has, of the last `SEEN`."""

    days: float  # since the first call, at least one
    totals: Mapping[str, Any]  # row of `calls_totals`
    services: Sequence[tuple[str, int]]  # name and calls, most first
    scores: Sequence[Mapping[str, Any]]  # rows of `score_names`, most first
    extra: Mapping[str, Any]  # row of `watchable`
    budgets: bool

    @property
    def calls_a_day(self) -> float:
        """Model calls, over the days since the first."""
        return float(self.totals["calls"]) / self.days


def seen(core: Core, project: str, now: datetime) -> Seen:
    """What the store has. `now`: UTC without a zone."""
    project_id, since = core.projects.id_of(project), now - SEEN
    with core.readers.read() as con:
        extra = queries.get("watchable").function(con, project_id, since, now).to_pylist()[0]
        totals = queries.get("calls_totals").function(con, project_id, since, now).to_pylist()[0]
        offered = queries.get("calls_filters").function(con, project_id, since, now).to_pylist()
        scores = queries.get("score_names").function(con, project_id, since, max_rows=20).to_pylist()
        kept = documents.read(con, "budgets", project_id)
    first = extra["first_hour"]
    days = 1.0 if first is None else max((now - first) / timedelta(days=1), 1.0)
    services = [(row["value"], row["calls"]) for row in offered if row["field"] == "service"]
    return Seen(days, totals, services, scores, extra, kept is not None and "usd_per_month" in kept.document)


def suggestions(found: Seen, there: Sequence[Terms]) -> list[Suggestion]:
    """At most `MOST` monitors, the most useful first, without those that watch what one that is there does."""
    known = {_watched(one) for one in there}
    fresh = [one for one in _every(found) if _watched(one.terms) not in known]
    return fresh[:MOST]


def _watched(terms: Terms) -> tuple[object, ...]:
    """What two monitors that are the same have in common."""
    own = terms.alert.kind if terms.signal is None else ""
    return terms.signal, own, terms.score, terms.quantile, tuple(sorted(map(str, terms.where.items())))


def _every(found: Seen) -> Iterator[Suggestion]:
    if found.totals["calls"]:
        yield from _of_calls(found)
        yield from _of_money(found)
    yield from _of_scores(found)
    if found.totals["calls"]:
        yield from _of_arrival(found)
    yield from _of_spans(found)
    yield from _of_usage(found)


def _of_calls(found: Seen) -> Iterator[Suggestion]:
    calls, failed = found.totals["calls"], found.totals["failed"]
    window = _window(found.calls_a_day, LEAST_CALLS)
    many = f"{counted(calls, 'call')} in {_days(found.days)}"
    failing = f"{100 * failed / calls:.2g} % of them failed" if failed else "none of them failed"
    yield _drift(found, "error-rate", "error_rate", f"{many}; {failing}.", window=window, alert={"side": "up"})
    where: dict[str, Any] = {}
    if len(found.services) > 1:
        busiest, of_it = found.services[0]
        where = {"service": busiest}
        many = f"Service {busiest} has most calls, {of_it:,} of {calls:,}"
    yield _drift(
        found, "duration-p95", "duration", f"{many}; the slowest calls are what people feel.", window=window,
        where=where, quantile=0.95, alert={"side": "up"},
    )  # fmt: skip


def _of_money(found: Seen) -> Iterator[Suggestion]:
    cost = found.totals["cost_usd"]
    if not cost:
        return
    yield _drift(
        found, "cost-per-call", "cost",
        f"{counted(found.totals['priced'], 'priced call')} cost ${cost:,.2f} in {_days(found.days)}; another model, or "
        "a longer prompt, shows here first.",
        window=_window(found.calls_a_day, LEAST_CALLS), alert={"side": "up"},
    )  # fmt: skip
    if found.budgets:
        why = "The project has budgets; this tells when one is forecast to be overrun."
        yield Suggestion("budgets", Terms(alert={"kind": "budget"}, every="6h", severity="warning"), why)


def _of_scores(found: Seen) -> Iterator[Suggestion]:
    judged = set(found.extra["judged"])
    valued = [one for one in found.scores if one["valued"]]
    for one in valued[:2]:
        a_day = one["scores"] / found.days
        yield _drift(
            found, f"score-{one['name']}", "score",
            f"{counted(one['scores'], 'score')} named {one['name']} in {_days(found.days)}.", score=one["name"],
            window=_window(a_day, LEAST_SCORES),
        )  # fmt: skip
    for one in valued:
        if one["name"] in judged:
            yield _drift(
                found, f"judge-{one['name']}", "judge_agreement",
                f"Both a judge and people score {one['name']}; a judge that drifts away from people shows here.",
                score=one["name"], window="7d", alert={"side": "down"},
            )  # fmt: skip
            break
    failing = max(found.scores, key=lambda one: one["failed"] / one["scores"], default=None)
    if failing is not None and failing["failed"] >= _FAILING * failing["scores"] > 0:
        yield _drift(
            found, f"failed-{failing['name']}", "score_failures",
            f"{counted(failing['failed'], 'score')} named {failing['name']} failed; failed ones are in no mean.",
            score=failing["name"], window=_window(failing["scores"] / found.days, LEAST_SCORES), alert={"side": "up"},
        )  # fmt: skip


def _of_arrival(found: Seen) -> Iterator[Suggestion]:
    """Twice the longest silence of the past, where calls come steadily enough for silence to mean something."""
    gap = found.extra["longest_gap_h"]
    if gap is None or found.extra["hours"] < 24 or gap > 24:
        return
    window = f"{max(2 * gap, 1)}h"
    why = f"Calls came in {counted(found.extra['hours'], 'hour')}, never more than {gap} h apart: silence is a fault."
    yield Suggestion("no-calls", Terms(alert={"kind": "no_data"}, window=window, every="15m", severity="critical"), why)


def _of_spans(found: Seen) -> Iterator[Suggestion]:
    retrievals, tools = found.extra["retrievals"], found.extra["tools"]
    if retrievals:
        yield _drift(
            found, "retrieval-score", "retrieval_score",
            f"{counted(retrievals, 'retrieval')} in {_days(found.days)}; a stale index shows in the scores of "
            "documents.",
            window=_window(retrievals / found.days, LEAST_CALLS), alert={"side": "down"},
        )  # fmt: skip
    if tools and tools > 1:
        yield _drift(
            found, "tool-mix", "tool_mix",
            f"{tools} tools are called; an agent that changes its habits calls others.",
            window=_window(found.extra["tool_calls"] / found.days, LEAST_CALLS),
        )  # fmt: skip


def _of_usage(found: Seen) -> Iterator[Suggestion]:
    calls, unknown = found.totals["calls"], found.totals["unknown_usage"]
    if unknown:
        yield _drift(
            found, "unknown-usage", "unknown_usage_rate",
            f"{unknown:,} of {counted(calls, 'call')} told no usage; what they cost is unknown.",
            window=_window(found.calls_a_day, LEAST_CALLS), alert={"side": "up"}, severity="info",
        )  # fmt: skip
    if calls:
        yield _drift(
            found, "input-length", "input_tokens",
            "Longer inputs cost more and are answered otherwise; both ways count.",
            window=_window(found.calls_a_day, LEAST_CALLS), severity="info",
        )  # fmt: skip


def _drift(found: Seen, name: str, signal: str, why: str, **more: Any) -> Suggestion:
    """A drift monitor; what is younger than four weeks has a shorter reference, and windows of a week a longer one."""
    against = {} if found.days >= SEEN.days - 1 else {"last": "14d" if found.days >= 14 else "7d"}
    if more.get("window") == "7d":
        against = {"last": "42d"}  # five windows are the least that a reference takes
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in name)
    return Suggestion(plain[:100], Terms(signal=signal, against=against, **more), why)


def _window(a_day: float, least: int) -> str:
    """As short as holds ten times what a day needs at least."""
    if a_day >= 40 * least:
        return "6h"
    return "1d" if a_day >= least else "7d"


def _days(days: float) -> str:
    return counted(round(min(days, SEEN.days)), "day")
