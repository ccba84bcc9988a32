"""What is odd about a trace, in sentences. Markdown: names of others are escaped. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app import format as fmt
from app import tree

Row = Mapping[str, Any]


def uncounted(found: Sequence[Row]) -> list[str]:
    """Why spans do not count, and what counting them would add; empty when all count."""
    if not found:
        return []
    why = [f"{fmt.plural(one['spans'], 'span')} not, as {tree.why_not(one['role'], one['rule'])}" for one in found]
    tokens, usd = sum(one["tokens"] for one in found), sum(one["cost_usd"] for one in found)
    added = [f"{tokens:,} tokens"] * bool(tokens) + [fmt.plain(fmt.money(usd))] * bool(usd)
    more = f"; counting them too would add {' and '.join(added)}" if added else ""
    return [f"Totals count each call once: {', '.join(why)}{more}."]


def doubts(outline: Row) -> list[str]:
    """Sentences on times and parents that cannot be right; empty when all can."""
    said = (
        (outline["early"], "starts", "start", "before the parent: clocks disagree."),
        (outline["unknown"], "ends", "end", "before it began: the clock stepped back, so the duration is unknown."),
        (outline["never_ended"], "was never ended", "were never ended", "by the sender, so the duration is unknown."),
        (outline["orphans"], "names a parent", "name parents", "that never arrived; they stand below one line."),
        (outline["looped"], "is", "are", "drawn as roots: their parents form a loop."),
    )
    return [f"{fmt.plural(n, 'span')} {one if n == 1 else many} {rest}" for n, one, many, rest in said if n > 0]


def clocks(skews: Sequence[Row]) -> list[str]:
    """Which clocks are drawn shifted, by how much against the root's, and why."""
    return [_clock(one) for one in skews if one["shift_ns"]]


def _clock(one: Row) -> str:
    service = fmt.plain(str(one["service"] or "a service without a name"), 60)
    host = f" on {fmt.plain(str(one['host']), 60)}" if one["host"] else ""
    above = fmt.plain(str(one["above"] or "the service above it"), 60)
    way = "behind" if one["shift_ns"] > 0 else "ahead of"
    by = fmt.duration(abs(one["shift_ns"]))
    why = (
        f"{one['early']:,} of {fmt.plural(one['edges'], 'call')} to it from {above} would have started before being "
        "made" if one["early"] else f"that of {above}, which called it, does"
    )  # fmt: skip
    drawn = "is drawn" if one["spans"] == 1 else "are drawn"
    return (
        f"The clock of {service}{host} seems {by} {way} that of the trace's first span: {why}. "
        f"{fmt.plural(one['spans'], 'span')} {drawn} shifted; stored times stay as sent."
    )


def repeats(found: Row) -> list[tuple[str, int]]:
    """Repeated calls and rounds: a sentence, and the row to look at. The most frequent first."""
    again = [
        (f"{fmt.plain(one['name'], 60)} was called {one['times']:,} times with the same {_what(one)}", one["rows"][0])
        for one in found["repeated"] if one["rows"]
    ]  # fmt: skip
    told = {row for one in found["repeated"] for row in one["rows"]}
    rounds = [
        (f"{fmt.plain(' > '.join(one['names']), 90)} went round {one['times']:,} times", one["rows"][0])
        for one in found["rounds"] if one["rows"] and not told.issuperset(one["rows"])
    ]  # fmt: skip
    return [*rounds, *again]


def _what(repeat: Row) -> str:
    return "arguments and result" if repeat["results"] else "arguments; not all results were recorded"


def marks(found: Row) -> dict[int, str]:
    """Words on the rows of repeated calls: `same call, 3 of 7`."""
    return {
        row: f"same call, {number} of {one['times']}"
        for one in found["repeated"]
        for number, row in enumerate(one["rows"], 1)
    }


def path(found: Row, length_ns: int) -> str:
    """Where the time went by kind of span, in shares of the trace's duration; '' when nothing is known of it."""
    parts = [f"{one['kind'] or 'between spans'} {fmt.percent(one['path_ns'] / length_ns)}" for one in found["path"][:6]]
    return f"Where the time went (critical path): {', '.join(parts)}." if parts else ""
