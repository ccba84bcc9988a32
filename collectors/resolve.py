"""The spans of whole traces -> what can be said of them only together: one model call, one row.

Instrumentors tell the same call twice, agents repeat the sums of their calls, and content may come in logs. Each rule
here has a code, which stands in `span_derived.rule`:

* `from_logs`: messages, usage or names that the span lacks were in log records of the span.
* `aggregate`: a model (or tool) span that encloses several told calls; its usage is theirs again.
* `same_response_id`, `nested`, `same_call_other_scope`: the same model or embedding call told twice.
* `tool_pair`, `mcp_pair`: the same tool execution told twice (by two instrumentors; by client and server).
* `retriever_pair`: the same retrieval told twice.
* `filled`: the row that is kept took what it lacked from its duplicates.
* `lowest_aggregate_estimated`: no call of the trace told its usage, so the lowest aggregate stands in.
* `tool_from_messages`: tool results that only a model call's messages tell of, in a trace without tool spans.

No I/O. The result does not depend on the order of the input, and tells exceptions only: a span without a row here is
what its own columns say. Calls in different traces or scopes are the same only when time and facts agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field, fields, replace

import pyarrow as pa

from collectors.conventions.shapes import Message

Key = tuple[str, int]
"""(trace id, span id)"""

SLACK_US = 5_000  # two instrumentors read the clock apart; measured 0.1 to 3.5 ms, imports on the first call aside
PAIR_WINDOW_US = 24 * 3600 * 1_000_000  # a response id names one call only within a day: test servers use theirs again
STRENGTH = ("retriever_pair", "tool_pair", "mcp_pair", "same_call_other_scope", "nested", "same_response_id")
MAX_HOLDERS = 16  # more spans than this with one response id: a constant, no identity
VENDOR_SCOPES = (
    "com.anthropic.sdk.",
)  # spans that a model vendor's own SDK writes: less content than an instrumentor's

NEW_WORK = frozenset({"tool", "agent", "guardrail", "evaluator", "mcp", "retriever", "reranker", "memory"})
"""Kinds below which a model call is another one than the call above."""


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """The columns of one stored span that the rules read. Null: unknown."""

    trace_id: str
    span_id: int
    parent_span_id: int | None = None
    kind: str = "other"
    span_kind: str = "internal"
    scope_name: str = ""
    service: str | None = None
    start_us: int = 0  # Unix microseconds
    duration_ns: int | None = 0
    failed: bool = False  # status is error, or an error type is known
    usage_role: str | None = None
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_details: str | None = None
    service_tier: str | None = None
    reported_cost_usd: float | None = None
    ttft_ns: int | None = None
    finish_reason: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    http_status: int | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None
    content_rank: int = 0
    content_hash: int | None = None  # of question and answer: see messages.content_hash
    has_input: bool = False
    has_output: bool = False
    has_system_instructions: bool = False
    has_documents: bool = False
    session_id: str | None = None
    session_weak: bool = False  # an id that may have been made up for one run: see the normaliser's note
    user_id: str | None = None
    tool_results: tuple[str, ...] = ()  # call ids (else texts) of the tool results that end the input; see messages

    @property
    def key(self) -> Key:
        return self.trace_id, self.span_id

    @property
    def end_us(self) -> int:
        return self.start_us + (self.duration_ns or 0) // 1000

    @property
    def tells_usage(self) -> bool:
        return self.input_tokens is not None or self.output_tokens is not None


@dataclass(frozen=True, slots=True)
class SpanContent:
    """What log records tell of one span."""

    trace_id: str
    span_id: int
    input: str | None = None  # canonical JSON
    output: str | None = None
    system_instructions: str | None = None
    finish_reason: str | None = None
    provider: str | None = None
    response_id: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_details: str | None = None
    service_tier: str | None = None
    reported_cost_usd: float | None = None
    content_hash: int | None = None
    session_id: str | None = None
    session_weak: bool | None = None
    user_id: str | None = None


@dataclass(slots=True)
class Derived:
    """One row of `span_derived`, without its project; columns are described there."""

    trace_id: str
    span_id: int
    usage_role: str | None = None
    duplicate_of_trace: str | None = None
    duplicate_of_span: int | None = None
    rule: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_details: str | None = None
    service_tier: str | None = None
    reported_cost_usd: float | None = None
    ttft_ns: int | None = None
    request_model: str | None = None
    response_model: str | None = None
    provider: str | None = None
    finish_reason: str | None = None
    input: str | None = None
    output: str | None = None
    system_instructions: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    tool_executions: int | None = None
    response_id: str | None = None  # only logs tell it

    @property
    def key(self) -> Key:
        return self.trace_id, self.span_id


_TYPES = {
    "int | None": pa.int64(), "float | None": pa.float64(), "str": pa.string(), "str | None": pa.string(),
}  # fmt: skip
_IDS = dict.fromkeys(("span_id", "duplicate_of_span"), pa.uint64())
DERIVED_NAMES = frozenset(column.name for column in fields(Derived))
DERIVED = pa.schema([(column.name, _IDS.get(column.name) or _TYPES[str(column.type)]) for column in fields(Derived)])
TOLD = pa.schema(
    [
        ("trace_id", pa.string()), ("span_id", pa.uint64()), ("response_id", pa.string()),
        ("content_hash", pa.uint64()), ("input_tokens", pa.int64()), ("output_tokens", pa.int64()),
        ("session_id", pa.string()), ("session_weak", pa.bool_()), ("user_id", pa.string()),
    ]
)  # fmt: skip
FILLED = (
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "usage_details",
    "service_tier", "reported_cost_usd", "ttft_ns", "request_model", "response_model", "provider", "finish_reason",
)  # fmt: skip
CONTENT = ("input", "output", "system_instructions")
JOINED = frozenset({"content_hash", "session_id", "session_weak"})
"""What a span and its log records tell together, rather than one in the absence of the other."""


def resolve(spans: Iterable[TraceSpan], contents: Iterable[SpanContent] = ()) -> list[Derived]:
    """Rows of `span_derived` for whole traces, sorted by (trace id, span id); spans without exceptions have no row.

    Args:
        spans: every span of every trace given; of one project; traces that share a response id with them included.
        contents: what logs tell of these spans; contents of other spans are ignored.
    """
    book = _Book(contents)
    traces = _Traces(book.with_logs(span) for span in spans)
    for rules in FAMILY_RULES:
        _tell_once(traces, rules, book)
    for trace_spans in traces.by_trace.values():
        _estimate_from_lowest_aggregate(traces, trace_spans, book)
        _count_tools_in_messages(trace_spans, book)
    return book.rows()


def derived_table(rows: Sequence[Derived]) -> pa.Table:
    """Rows as Arrow, with the columns of `span_derived` but `project_id`; ids of traces are text."""
    columns = zip(*map(astuple, rows), strict=True) if rows else [()] * len(DERIVED)
    return pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(columns, DERIVED, strict=True)], schema=DERIVED)


def trace_spans(table: pa.Table) -> list[TraceSpan]:
    """Rows of an Arrow table with the columns of `TraceSpan`; others are ignored, missing ones keep their default."""
    names = [column.name for column in fields(TraceSpan) if column.name in table.column_names]
    return [TraceSpan(**row) for row in table.select(names).to_pylist()]


def content_table(contents: Sequence[SpanContent]) -> pa.Table:
    """What logs tell, as Arrow, for the questions that are asked in SQL; ids of traces are text."""
    columns = {field.name: pa.array([getattr(row, field.name) for row in contents], field.type) for field in TOLD}
    return pa.Table.from_arrays(list(columns.values()), schema=TOLD)


def untold(span: TraceSpan, content: SpanContent) -> SpanContent | None:
    """The part of `content` that the span itself does not tell; null: nothing."""
    told = _missing_from(span, content)
    return SpanContent(*span.key, **told) if told else None  # type: ignore[arg-type]  # names and values of one type


def _missing_from(span: TraceSpan, content: SpanContent) -> dict[str, object]:
    told: dict[str, object] = {}
    for column in fields(content)[2:]:
        value = getattr(content, column.name)
        known = getattr(span, f"has_{column.name}" if column.name in CONTENT else column.name)
        if value is not None and column.name not in JOINED and (known is None or known is False):
            told[column.name] = value
    return told | _hash_with(span, content.content_hash or 0) | _session_with(span, content)


def _hash_with(span: TraceSpan, told: int) -> dict[str, object]:
    """The span's content hash with the halves that only a log knows, if there are any."""
    both = (_question_hash(span) or told >> 32) << 32 | (_answer_hash(span) or told & 0xFFFFFFFF)
    return {} if both == (span.content_hash or 0) else {"content_hash": both}


def _session_with(span: TraceSpan, content: SpanContent) -> dict[str, object]:
    """The session that a log tells, where the span tells none, or has an id of a run and the log a name."""
    better = span.session_id is None or (span.session_weak and not content.session_weak)
    if content.session_id is None or not better:
        return {}
    return {"session_id": content.session_id, "session_weak": bool(content.session_weak)}


def trailing_tool_results(conversation: Sequence[Message]) -> tuple[str, ...]:
    """Call ids (texts where there is no id) of the tool results that were given after the model's last turn."""
    found: dict[str, None] = {}
    for message in reversed(conversation):
        if message["role"] == "assistant":
            break
        for part in message["parts"]:
            if part.get("type") == "tool_call_response":
                found[str(part.get("id") or part.get("response"))] = None
    return tuple(reversed(found))


# --- what was decided so far


class _Book:
    """Rows under construction, one a span."""

    def __init__(self, contents: Iterable[SpanContent]) -> None:
        self._rows: dict[Key, Derived] = {}
        self._contents = {(content.trace_id, content.span_id): content for content in contents}

    def row(self, span: TraceSpan, rule: str) -> Derived:
        """The row of `span`; the first rule names it unless a later one changes the role."""
        row = self._rows.setdefault(span.key, Derived(span.trace_id, span.span_id))
        row.rule = row.rule or rule
        return row

    def peek(self, span: TraceSpan) -> Derived | None:
        return self._rows.get(span.key)

    def role(self, span: TraceSpan) -> str | None:
        row = self._rows.get(span.key)
        return (row.usage_role if row else None) or span.usage_role

    def set_role(self, span: TraceSpan, role: str, rule: str) -> Derived:
        row = self.row(span, rule)
        row.usage_role, row.rule = role, rule
        return row

    def with_logs(self, span: TraceSpan) -> TraceSpan:
        """Rule `from_logs`: the span as it is once its log records are read."""
        content = self._contents.get(span.key)
        if content is None:
            return span
        told = _missing_from(span, content)
        if not told:
            return span
        for name in told.keys() & DERIVED_NAMES:
            setattr(self.row(span, "from_logs"), name, told[name])
        seen = {f"has_{name}": True for name in CONTENT if name in told}
        plain = {name: value for name, value in told.items() if name not in CONTENT}
        return replace(span, content_rank=2 if seen else span.content_rank, **seen, **plain)  # type: ignore[arg-type]

    def rows(self) -> list[Derived]:
        return sorted(self._rows.values(), key=lambda row: row.key)


class _Traces:
    """Spans by id and by trace, with the parent chain."""

    def __init__(self, spans: Iterable[TraceSpan]) -> None:
        self.by_key = {span.key: span for span in sorted(spans, key=lambda span: (span.key, repr(span)))}
        self.by_trace: dict[str, list[TraceSpan]] = defaultdict(list)
        for span in self.by_key.values():
            self.by_trace[span.trace_id].append(span)

    def ancestors(self, span: TraceSpan) -> Iterator[TraceSpan]:
        """Received ancestors, nearest first; a cycle ends the walk."""
        seen = {span.span_id}
        parent_id = span.parent_span_id
        while parent_id is not None and parent_id not in seen:
            seen.add(parent_id)
            parent = self.by_key.get((span.trace_id, parent_id))
            if parent is None:
                return
            yield parent
            parent_id = parent.parent_span_id


# --- one call, one row


@dataclass(frozen=True, slots=True)
class _Rules:
    """How spans of one family are recognised as the same thing told twice."""

    belongs: Callable[[TraceSpan], bool]
    links: Callable[[list[TraceSpan]], Iterator[_Link]]  # pairs that are the same, wherever they stand
    nested: Callable[[TraceSpan, TraceSpan], str | None]  # (outer, inner) -> rule when they are the same
    encloses: Callable[[TraceSpan, TraceSpan], bool]  # (outer, inner): inner counts among what outer sums up
    apart: frozenset[str]  # kinds that end the way up from inner to outer
    aggregates: bool  # a span that encloses several gets the role aggregate; else it stays as it is
    prefer: Callable[[TraceSpan], tuple[object, ...]]  # smallest is kept


_Link = tuple[TraceSpan, TraceSpan, str]


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


def _tell_once(traces: _Traces, rules: _Rules, book: _Book) -> None:
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


def _related(traces: _Traces, a: TraceSpan, b: TraceSpan) -> bool:
    if a.trace_id != b.trace_id:
        return False
    return any(up.key == b.key for up in traces.ancestors(a)) or any(up.key == a.key for up in traces.ancestors(b))


def _enclosed(traces: _Traces, members: list[TraceSpan], rules: _Rules) -> list[_Link]:
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


def _enclosing_several(enclosed: list[_Link], links: list[_Link]) -> dict[Key, TraceSpan]:
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


def _nested_links(enclosed: list[_Link], rules: _Rules) -> list[_Link]:
    return [(outer, inner, rule) for outer, inner, _ in enclosed if (rule := rules.nested(outer, inner))]


def _merge(links: list[_Link], rules: _Rules, book: _Book) -> None:
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


def _keep(kept: TraceSpan, others: list[TraceSpan], reasons: dict[Key, str], book: _Book) -> None:
    filled = _fill(kept, others, book)
    if filled:
        row = book.row(kept, "filled")
        for name, value in filled.items():
            setattr(row, name, value)
    for span in others:
        row = book.set_role(span, "duplicate", reasons[span.key])
        row.duplicate_of_trace, row.duplicate_of_span = kept.key


def _fill(kept: TraceSpan, others: list[TraceSpan], book: _Book) -> dict[str, object]:
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
    vendor = next((span for span in others if _is_vendor(span) and span.tells_usage), None)
    if vendor is None or _is_vendor(kept):
        return {}
    told = {name: getattr(vendor, name) for name in ("input_tokens", "output_tokens")}
    return {name: value for name, value in told.items() if value is not None and value != getattr(kept, name)}


def _is_vendor(span: TraceSpan) -> bool:
    return span.scope_name.startswith(VENDOR_SCOPES)


def _first(values: Iterable[object]) -> object | None:
    return next((value for value in values if value is not None), None)


# --- model and embedding calls


def _call_links(members: list[TraceSpan]) -> Iterator[_Link]:
    yield from _same_response_id(members)
    yield from _same_call_other_scope(members)


def _same_response_id(members: list[TraceSpan]) -> Iterator[_Link]:
    by_id: dict[str, list[TraceSpan]] = defaultdict(list)
    for span in members:
        if span.response_id:
            by_id[span.response_id].append(span)
    for holders in by_id.values():
        if 1 < len(holders) <= MAX_HOLDERS:
            reused = _is_reused(holders)
            yield from ((a, b, "same_response_id") for a, b in _pairs(holders) if _one_response(a, b, reused=reused))


def _is_reused(holders: list[TraceSpan]) -> bool:
    """True when one scope used the id for different calls: some test servers have one id for all."""
    return any(a.scope_name == b.scope_name and _facts_differ(a, b) for a, b in _pairs(holders))


def _facts_differ(a: TraceSpan, b: TraceSpan) -> bool:
    """Two spans of one scope tell different calls: they write the same call in the same way."""
    return _texts_differ(a, b) or (not (_answer_hash(a) and _answer_hash(b)) and _tokens_differ(a, b))


def _one_response(a: TraceSpan, b: TraceSpan, *, reused: bool) -> bool:
    if abs(a.start_us - b.start_us) > PAIR_WINDOW_US or (a.scope_name == b.scope_name and _facts_differ(a, b)):
        return False
    return (_contained(a, b) and not _tokens_differ(a, b)) if reused else True


def _same_call_other_scope(members: list[TraceSpan]) -> Iterator[_Link]:
    """Calls that two scopes tell with nested times and equal facts; each span has at most one partner in each scope."""
    found = {}
    for bucket, agree in _buckets(members):
        for a, b in _overlapping(bucket):
            if a.scope_name != b.scope_name and _contained(a, b) and agree(a, b):
                found[a.key, b.key] = (a, b)
    taken: set[tuple[Key, str]] = set()
    for a, b in sorted(found.values(), key=_distance):
        if (a.key, b.scope_name) not in taken and (b.key, a.scope_name) not in taken:
            taken |= {(a.key, b.scope_name), (b.key, a.scope_name)}
            yield a, b, "same_call_other_scope"


def _distance(pair: tuple[TraceSpan, TraceSpan]) -> tuple[int, Key, Key]:
    a, b = pair
    return abs(a.start_us - b.start_us) + abs(a.end_us - b.end_us), a.key, b.key


def _buckets(
    members: list[TraceSpan],
) -> Iterator[tuple[list[TraceSpan], Callable[[TraceSpan, TraceSpan], bool]]]:
    """Spans that could be the same call, with the test that they have to pass: looser inside one trace."""
    inside: dict[object, list[TraceSpan]] = defaultdict(list)
    across: dict[object, list[TraceSpan]] = defaultdict(list)
    for span in members:
        inside[span.trace_id].append(span)
        for key in across_keys(span):
            across[key].append(span)
    yield from ((bucket, _agree_inside) for bucket in inside.values())
    yield from ((bucket, _agree_across) for bucket in across.values())


def across_keys(span: TraceSpan) -> list[tuple[object, ...]]:
    """What a call without a shared response id must have in common with its twin in another trace; empty: it has none.

    The store looks for partners by the same keys (`queries/resolver_partners.sql`).
    """
    keys: list[tuple[object, ...]] = []
    if span.input_tokens is not None and span.output_tokens is not None:
        keys.append((span.service, "tokens", span.input_tokens, span.output_tokens))
    if _answer_hash(span):
        keys.append((span.service, "text", span.content_hash))
    if span.failed and not span.tells_usage:
        keys.append((span.service, "failed"))
    return keys


def _agree_inside(a: TraceSpan, b: TraceSpan) -> bool:
    differ = _tokens_differ(a, b) or _texts_differ(a, b) or _differ(a.http_status, b.http_status)
    return _ids_allow(a, b) and _models_agree(a, b) and a.failed == b.failed and not differ


def _agree_across(a: TraceSpan, b: TraceSpan) -> bool:
    if a.service != b.service or a.trace_id == b.trace_id or not _agree_inside(a, b):
        return False
    return not a.failed or (a.tells_usage and b.tells_usage) or _same_failure(a, b)


def _same_failure(a: TraceSpan, b: TraceSpan) -> bool:
    """Failures have no tokens to compare, and an outage makes many at one time: they need a cause in common.

    And a reason why one call should have two traces: a vendor's SDK, or another tracer, began one of its own with it.
    """
    apart = _is_vendor(a) or _is_vendor(b) or a.parent_span_id is None or b.parent_span_id is None
    if a.http_status is not None and b.http_status is not None:
        return apart  # they agree
    mine, theirs = _error_class(a), _error_class(b)
    return apart and bool(mine and theirs) and (mine.endswith(theirs) or theirs.endswith(mine))


def _error_class(span: TraceSpan) -> str:
    """`rate_limit_error`, `anthropic.RateLimitError` and `x.OpenAIRateLimitError` end alike; empty: names no cause."""
    name = (span.error_type or "").rsplit(".", 1)[-1]
    letters = "".join(filter(str.isalpha, name)).lower()
    return "" if letters == "other" else letters.removesuffix("exception").removesuffix("error")


def _texts_differ(a: TraceSpan, b: TraceSpan) -> bool:
    """Questions or answers are known on both sides and are not the same."""
    pairs = ((_question_hash(a), _question_hash(b)), (_answer_hash(a), _answer_hash(b)))
    return any(mine and theirs and mine != theirs for mine, theirs in pairs)


def _question_hash(span: TraceSpan) -> int:
    return (span.content_hash or 0) >> 32


def _answer_hash(span: TraceSpan) -> int:
    return (span.content_hash or 0) & 0xFFFFFFFF


def _ids_allow(a: TraceSpan, b: TraceSpan) -> bool:
    return a.response_id is None or b.response_id is None or a.response_id == b.response_id


def _models_agree(a: TraceSpan, b: TraceSpan) -> bool:
    mine, theirs = _model_names(a), _model_names(b)
    if not mine or not theirs:
        return True
    return any(x.startswith(y) or y.startswith(x) for x in mine for y in theirs)


def _model_names(span: TraceSpan) -> list[str]:
    return [name.lower().rsplit("/", 1)[-1] for name in (span.request_model, span.response_model) if name]


def _same_call_nested(outer: TraceSpan, inner: TraceSpan) -> str | None:
    """A call inside the interval of another is the same call, unless their facts contradict one another."""
    if outer.response_id is not None and outer.response_id == inner.response_id:
        return "same_response_id"
    if not _starts_within(outer, inner):
        return None
    if outer.tells_usage and inner.tells_usage:
        return None if _tokens_differ(outer, inner) else "nested"
    answered = outer.tells_usage or (outer.has_output and not outer.failed)
    return None if inner.failed and not outer.failed and answered else "nested"


def _starts_within(outer: TraceSpan, inner: TraceSpan) -> bool:
    if outer.service != inner.service:
        return True  # two machines, two clocks
    return outer.start_us - SLACK_US <= inner.start_us <= outer.end_us + SLACK_US


def _tokens_differ(a: TraceSpan, b: TraceSpan) -> bool:
    return _differ(a.output_tokens, b.output_tokens) or (
        _differ(a.input_tokens, b.input_tokens) and not (_lacks_cache(a, b) or _lacks_cache(b, a))
    )


def _lacks_cache(one: TraceSpan, other: TraceSpan) -> bool:
    """`one` knows of no cache, and its input is the other's without it (Anthropic's count, sent on as it is)."""
    if one.cache_read_tokens is not None or one.cache_write_tokens is not None or one.input_tokens is None:
        return False
    cache = (other.cache_read_tokens or 0) + (other.cache_write_tokens or 0)
    return cache > 0 and other.input_tokens == one.input_tokens + cache


def _differ(a: int | None, b: int | None) -> bool:
    return a is not None and b is not None and a != b


def _prefer_call(span: TraceSpan) -> tuple[object, ...]:
    """Succeeded first (an answer that did not parse was billed too), then most content, then an instrumentor."""
    return (
        span.failed,
        -span.content_rank,
        _is_vendor(span),
        not span.tells_usage,
        span.start_us,
        -(span.duration_ns or 0),
    )


# --- tool executions and retrievals


def _is_tool(span: TraceSpan) -> bool:
    return span.kind == "tool"


def _tool_links(members: list[TraceSpan]) -> Iterator[_Link]:
    """Siblings from two scopes: nested times, same name, same call id where both have one."""
    by_trace: dict[str, list[TraceSpan]] = defaultdict(list)
    for span in members:
        by_trace[span.trace_id].append(span)
    taken: set[tuple[Key, str]] = set()
    pairs = [
        (a, b)
        for bucket in by_trace.values()
        for a, b in _overlapping(bucket)
        if a.scope_name != b.scope_name and _contained(a, b) and _same_tool(a, b)
    ]
    for a, b in sorted(pairs, key=_distance):
        if (a.key, b.scope_name) not in taken and (b.key, a.scope_name) not in taken:
            taken |= {(a.key, b.scope_name), (b.key, a.scope_name)}
            yield a, b, "tool_pair"


def _same_tool(a: TraceSpan, b: TraceSpan) -> bool:
    if a.tool_call_id and b.tool_call_id and a.tool_call_id != b.tool_call_id:
        return False
    return a.tool_name is None or b.tool_name is None or a.tool_name == b.tool_name


def _nested_tool(outer: TraceSpan, inner: TraceSpan) -> str | None:
    if not _same_tool(outer, inner) or not _starts_within(outer, inner):
        return None
    return "mcp_pair" if "server" in {outer.span_kind, inner.span_kind} else "tool_pair"


def _prefer_tool(span: TraceSpan) -> tuple[object, ...]:
    return span.tool_name is None, -span.content_rank, span.start_us, -(span.duration_ns or 0)


def _prefer_retriever(span: TraceSpan) -> tuple[object, ...]:
    return not span.has_documents, -span.content_rank, span.start_us, -(span.duration_ns or 0)


def _call_rules(kind: str) -> _Rules:
    return _Rules(
        belongs=lambda span: span.kind == kind and span.usage_role == "leaf",
        links=_call_links,
        nested=_same_call_nested,
        encloses=lambda _outer, _inner: True,
        apart=NEW_WORK,
        aggregates=True,
        prefer=_prefer_call,
    )


FAMILY_RULES = (
    _call_rules("llm"),
    _call_rules("embedding"),
    _Rules(
        belongs=_is_tool,
        links=_tool_links,
        nested=_nested_tool,
        encloses=_same_tool,
        apart=frozenset({"agent", "llm", "guardrail", "evaluator"}),
        aggregates=True,
        prefer=_prefer_tool,
    ),
    _Rules(
        belongs=lambda span: span.kind == "retriever",
        links=lambda _members: iter(()),
        nested=lambda outer, inner: "retriever_pair" if _starts_within(outer, inner) else None,
        encloses=lambda _outer, _inner: True,
        apart=frozenset({"agent", "llm", "tool"}),
        aggregates=False,
        prefer=_prefer_retriever,
    ),
)


# --- whole traces


def _estimate_from_lowest_aggregate(traces: _Traces, spans: list[TraceSpan], book: _Book) -> None:
    """Rule `lowest_aggregate_estimated`: aggregates count where no model call of the trace told its usage."""
    if any(_usage_known(span, book) for span in spans if span.kind == "llm"):
        return
    telling = [span for span in spans if span.usage_role == "aggregate" and span.tells_usage]
    if not telling:
        return
    embeddings = (span for span in spans if span.kind == "embedding")
    above = {up.key for span in (*telling, *embeddings) for up in traces.ancestors(span)}
    for span in telling:
        if span.key not in above:
            book.set_role(span, "leaf", "lowest_aggregate_estimated")


def _usage_known(span: TraceSpan, book: _Book) -> bool:
    """True when the usage of this call is counted: in its row, or in that of the span that is kept for it."""
    row = book.peek(span)
    if row and (row.usage_role == "duplicate" or row.input_tokens is not None or row.output_tokens is not None):
        return True
    return span.usage_role == "leaf" and span.tells_usage


def _count_tools_in_messages(spans: list[TraceSpan], book: _Book) -> None:
    """Rule `tool_from_messages`: a tool result given back to a model was an execution, each call id once a trace."""
    if any(_is_tool(span) for span in spans):
        return
    seen: set[str] = set()
    for span in sorted(spans, key=lambda span: (span.start_us, span.key)):
        if span.tool_results and book.role(span) == "leaf":
            new = set(span.tool_results) - seen
            seen |= new
            if new:
                book.row(span, "tool_from_messages").tool_executions = len(new)


# --- pairs in time


def _contained(a: TraceSpan, b: TraceSpan) -> bool:
    """One interval lies within the other."""
    outer, inner = sorted((a, b), key=lambda span: (-(span.duration_ns or 0), span.key))
    return outer.start_us - SLACK_US <= inner.start_us and inner.end_us <= outer.end_us + SLACK_US


def _pairs(spans: Sequence[TraceSpan]) -> Iterator[tuple[TraceSpan, TraceSpan]]:
    for index, a in enumerate(spans):
        for b in spans[index + 1 :]:
            yield a, b


def _overlapping(spans: Sequence[TraceSpan]) -> Iterator[tuple[TraceSpan, TraceSpan]]:
    """Pairs whose intervals meet; a sweep over start times."""
    scopes = {span.scope_name for span in spans}
    if len(scopes) < 2:
        return  # the callers look for other scopes only
    open_spans: list[TraceSpan] = []
    for span in sorted(spans, key=lambda span: (span.start_us, span.key)):
        open_spans = [earlier for earlier in open_spans if earlier.end_us + SLACK_US >= span.start_us]
        yield from ((earlier, span) for earlier in open_spans)
        open_spans.append(span)
