"""Groups of spans that are the same thing: which is kept, and what it takes from the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from collectors.resolving.agreement import is_vendor
from collectors.resolving.book import Book, Traces
from collectors.resolving.rows import CONTENT, Key, TraceSpan
from collectors.resolving.rules import Link, Rules

STRENGTH = ("retriever_pair", "tool_pair", "mcp_pair", "same_call_other_scope", "nested", "same_response_id")

FILLED = (
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "usage_details",
    "service_tier", "reported_cost_usd", "ttft_ns", "request_model", "response_model", "provider", "finish_reason",
)  # fmt: skip


@dataclass(slots=True)
class _Groups:
    """Union-find over span keys. Deterministic: the smallest key is the representative."""

    parent: dict[Key, Key] = field(default_factory=dict)

    def find(self, key: Key) -> Key:
        while (up := self.parent.get(key, key)) != key:
            self.parent[key] = self.parent.get(up, up)
            key = up
        return key

    def join(self, a: Key, b: Key) -> None:
        first, second = sorted((self.find(a), self.find(b)))
        self.parent[second] = first


def tell_once(traces: Traces, rules: Rules, book: Book) -> None:
    """Decide which spans of a family are the same thing, which sum others up, and which is kept."""
    members = [span for span in traces.by_key.values() if rules.belongs(span)]
    if len(members) < 2:
        return
    links = [link for link in rules.links(members) if not _related(traces, link[0], link[1])]
    enclosed = _enclosed(traces, members, rules)
    enclosing = _enclosing_several(enclosed, links)
    if rules.aggregates:
        for span in enclosing.values():
            book.set_role(span, "aggregate", "aggregate")
    nested = _nested_links(enclosed, rules)
    _merge([link for link in (*links, *nested) if not {link[0].key, link[1].key} & enclosing.keys()], rules, book)


def _related(traces: Traces, a: TraceSpan, b: TraceSpan) -> bool:
    if a.trace_id != b.trace_id:
        return False
    return any(up.key == b.key for up in traces.ancestors(a)) or any(up.key == a.key for up in traces.ancestors(b))


def _enclosed(traces: Traces, members: list[TraceSpan], rules: Rules) -> list[Link]:
    """(outer, inner, '') for each member and its nearest enclosing member, unless another kind of step lies between."""
    family = {span.key for span in members}
    found = []
    for span in members:
        for up in traces.ancestors(span):
            if up.key in family:
                if rules.encloses(up, span):
                    found.append((up, span, ""))
                break
            if up.kind in rules.apart:
                break
    return found


def _enclosing_several(enclosed: list[Link], links: list[Link]) -> dict[Key, TraceSpan]:
    """Members that enclose two or more different calls, and those around them."""
    groups = _Groups()
    for a, b, _ in links:
        groups.join(a.key, b.key)
    inner: dict[Key, set[Key]] = defaultdict(set)
    outer_of: dict[Key, TraceSpan] = {}
    for up, span, _ in enclosed:
        inner[up.key].add(groups.find(span.key))
        outer_of[span.key] = up
    found: dict[Key, TraceSpan] = {}
    for up, _, _ in enclosed:
        above: TraceSpan | None = up if len(inner[up.key]) > 1 else None
        while above is not None and above.key not in found:
            found[above.key] = above
            above = outer_of.get(above.key)
    return found


def _nested_links(enclosed: list[Link], rules: Rules) -> list[Link]:
    return [(outer, inner, rule) for outer, inner, _ in enclosed if (rule := rules.nested(outer, inner))]


def _merge(links: list[Link], rules: Rules, book: Book) -> None:
    groups = _Groups()
    reasons: dict[Key, str] = {}
    spans: dict[Key, TraceSpan] = {}
    for a, b, rule in sorted(links, key=lambda link: (link[0].key, link[1].key, link[2])):
        groups.join(a.key, b.key)
        for span in (a, b):
            spans[span.key] = span
            reasons[span.key] = max(reasons.get(span.key, rule), rule, key=_strength)
    by_group: dict[Key, list[TraceSpan]] = defaultdict(list)
    for key, span in spans.items():
        by_group[groups.find(key)].append(span)
    for told in by_group.values():
        kept, *others = sorted(told, key=lambda span: (*rules.prefer(span), span.key))
        _keep(kept, others, reasons, book)


def _strength(rule: str) -> int:
    """Of several rules that join a span to its group the most certain names it."""
    return STRENGTH.index(rule)


def _keep(kept: TraceSpan, others: list[TraceSpan], reasons: dict[Key, str], book: Book) -> None:
    filled = _fill(kept, others, book)
    if filled:
        row = book.row(kept, "filled")
        for name, value in filled.items():
            setattr(row, name, value)
    for span in others:
        row = book.set_role(span, "duplicate", reasons[span.key])
        row.duplicate_of_trace, row.duplicate_of_span = kept.key


def _fill(kept: TraceSpan, others: list[TraceSpan], book: Book) -> dict[str, object]:
    """What `kept` lacks and a duplicate has; tools also take over a failure that the kept row did not see."""
    names = [name for name in FILLED if getattr(kept, name) is None]
    if kept.failed or kept.kind in {"tool", "mcp"}:
        names += [name for name in ("error_type", "error_message") if getattr(kept, name) is None]
    filled = {name: value for name in names if (value := _first(getattr(span, name) for span in others)) is not None}
    filled |= _told_better(kept, others)
    for name in CONTENT:
        if not getattr(kept, f"has_{name}"):
            rows = (book.peek(span) for span in others)
            value = _first(getattr(row, name) for row in rows if row is not None)
            if value is not None:
                filled[name] = value
    return filled


def _told_better(kept: TraceSpan, others: list[TraceSpan]) -> dict[str, object]:
    """Usage that the vendor's own SDK tells otherwise: instrumentors have added up the parts of a stream wrongly."""
    vendor = next((span for span in others if is_vendor(span) and span.tells_usage), None)
    if vendor is None or is_vendor(kept):
        return {}
    told = {name: getattr(vendor, name) for name in ("input_tokens", "output_tokens")}
    return {name: value for name, value in told.items() if value is not None and value != getattr(kept, name)}


def _first(values: Iterable[object]) -> object | None:
    return next((value for value in values if value is not None), None)
