"""How the command line tells whether groups are treated alike: a sentence, rows for a table, and the limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from server.fairness import NAMED

Row = dict[str, Any]


def asked_sentences(found: Row) -> list[str]:
    """What was found, and what is missing from it."""
    results = found["results"]
    differ = [one for one in results if one["finding"] == "differs"]
    tested = [one for one in results if one["finding"] != "not enough"]
    over = f"{found['pairs'] - found['lost_pairs']:,} pairs of answers to {found['questions']:,} questions"
    if differ:
        named = "; ".join(_difference(one) for one in differ[:NAMED])
        first = f"{len(differ)} of {len(tested)} comparisons differ, over {over}: {named}" + _more(differ) + "."
    elif tested:
        first = f"No difference was found in {len(tested)} comparisons, over {over}."
    elif results:
        first = f"Not enough for a finding, which takes {found['enough']} questions for two groups: there are {over}."
    else:
        first = "Nothing could be compared: no question names a group of the list and has both answers."
    return [first, *_missing(found)]


def _difference(one: Row) -> str:
    return (
        f"{one['measure']} is {_number(one['other_mean'])} for {one['other']} and {_number(one['group_mean'])} for "
        f"{one['group']}"
    )


def _more(differ: Sequence[Row]) -> str:
    return f"; and {len(differ) - NAMED} more" if len(differ) > NAMED else ""


def _missing(found: Row) -> list[str]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in found["failures"].items())
    cost = f"{found['calls']:,} calls of models ({found['cached']:,} from the cache), {found['cost_usd']:,.4f} USD"
    cost += f", {found['unpriced']:,} of unknown cost" * bool(found["unpriced"])
    unreadable = f"Lines that are no question: {found['unreadable']:,}. {' '.join(found['unreadable_lines'])}"
    facts = [
        (
            found["failed"],
            f"Of {found['asked']:,} answers {found['failed']:,} failed ({kinds}): they are in no figure.",
        ),
        (found["lost_pairs"], f"Pairs that lack an answer, and are left out: {found['lost_pairs']:,}."),
        (found["cut"], f"Answers cut by their limit of tokens, which hides differences in length: {found['cut']:,}."),
        (found["unscored"], f"Answers without a quality: {found['unscored']:,}."),
        (found["unnamed"], f"Questions that name no group of the list, and were not asked: {found['unnamed']:,}."),
        (found["unreadable"], unreadable),
        (found["calls"] or found["cached"], f"{cost}."),
    ]
    return [sentence for count, sentence in facts if count]


def asked_rows(found: Row) -> list[Row]:
    """A row per two groups and measure."""
    return [
        {
            "axis": one["axis"], "groups": f"{one['group']}, {one['other']}", "measure": one["measure"],
            "means": f"{_number(one['group_mean'])}, {_number(one['other_mean'])}",
            **_tested(one), "questions": one["difference"]["n"], "finding": _finding(one),
        }
        for one in found["results"]
    ]  # fmt: skip


def parity_sentences(found: Row) -> list[str]:
    """What was found, and what was cut."""
    groups, what = found["groups"], measure_name(found)
    if not groups:
        return [f"Nothing tells the {what} in this window."]
    differ = [one for one in groups if one["finding"] == "differs"]
    tested = sum(one["finding"] != "not enough" for one in groups)
    over = f"{found['rows']:,} {_things(found)} of {found['clusters']:,} {CLUSTERS[found['cluster']]}"
    if not tested:
        first = (
            f"Not enough for a finding on the {what}, which takes 30 clusters in a group and in the rest: there are "
        )
        first += f"{over}."
    elif differ:
        named = "; ".join(
            f"{name(one)} {_shown(one['value']['value'], found)} against {_shown(one['rest']['value'], found)}"
            for one in differ[:NAMED]
        )
        first = f"The {what} of {len(differ)} of {tested} groups differs from the rest, over {over}: {named}"
        first += _more(differ) + "."
    else:
        first = f"No difference was found in the {what} of {tested} groups, over {over}."
    cut = found["of_groups"] - len(groups)
    return [first, *([f"{cut:,} smaller groups are not shown; they are in the rest."] * bool(cut))]


def measure_name(found: Row) -> str:
    """What is compared, in words."""
    if found["measure"] == "refusal":
        return "share of refusals"
    if found["score"] is not None:
        return f"share of {found['label']!r} in {found['score']}" if found["label"] else f"score {found['score']}"
    names = {"failed": "share of failed calls", "duration": "duration", "ttft": "time to first token"}
    return names.get(found["measure"], "cost of a trace")


def parity_rows(found: Row) -> list[Row]:
    """A row per group, in milliseconds, shares, US dollars, or the score's own scale."""
    scaled = [
        {
            **one, "difference": {**one["difference"], **{end: _scaled(one["difference"][end], found) for end in ENDS}},
            "detectable": _scaled(one["detectable"], found),
        }
        for one in found["groups"]
    ]  # fmt: skip
    unit = {"ns": " (ms)", "USD": " (USD)"}.get(found["unit"], "")
    return [
        {
            found["by"]: name(one), _things(found): one["rows"], "clusters": one["value"]["n"],
            f"mean{unit}": _interval({end: _scaled(one["value"][end], found) for end in ENDS}),
            "rest": _number(_scaled(one["rest"]["value"], found)), **_tested(one), "finding": _finding(one),
        }
        for one in scaled
    ]  # fmt: skip


ENDS = ("value", "low", "high")
CLUSTERS = {"user": "users (else sessions, else traces)", "session": "sessions (else traces)", "trace": "traces"}


def _things(found: Row) -> str:
    """What the rows are."""
    return "scores" if found["score"] is not None else "traces" if found["measure"] == "cost" else "calls"


def name(one: Row) -> str:
    """Of a group; null told nothing."""
    return "unknown" if one["group"] is None else str(one["group"])


def _scaled(value: float | None, found: Row) -> float | None:
    return value / 1e6 if value is not None and found["unit"] == "ns" else value


def _shown(value: float | None, found: Row) -> str:
    return _number(_scaled(value, found)) + {"ns": " ms", "USD": " USD"}.get(found["unit"], "")


def _tested(one: Row) -> Row:
    p = one["adjusted_p"]
    return {"difference": _interval(one["difference"]), "adjusted p": "" if p is None else f"{p:.3g}"}


def _finding(one: Row) -> str:
    least = one["detectable"]
    if one["finding"] != "no difference found" or least is None:
        return str(one["finding"])
    return f"no difference found (would have seen {_number(least)})"


def _interval(found: Row) -> str:
    if found["low"] is None or found["high"] is None:
        return _number(found["value"])
    return f"{_number(found['value'])} [{_number(found['low'])}, {_number(found['high'])}]"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
