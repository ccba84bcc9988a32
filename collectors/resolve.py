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

from collections.abc import Iterable

from collectors.resolving.book import Book, Traces
from collectors.resolving.calls import call_rules
from collectors.resolving.merging import tell_once
from collectors.resolving.rows import Derived, SpanContent, TraceSpan
from collectors.resolving.tools import RETRIEVER_RULES, TOOL_RULES
from collectors.resolving.whole import count_tools_in_messages, estimate_from_lowest_aggregate


def resolve(spans: Iterable[TraceSpan], contents: Iterable[SpanContent] = ()) -> list[Derived]:
    """Rows of `span_derived` for whole traces, sorted by (trace id, span id); spans without exceptions have no row.

    Args:
        spans: every span of every trace given; of one project; traces that share a response id with them included.
        contents: what logs tell of these spans; contents of other spans are ignored.
    """
    book = Book(contents)
    traces = Traces(book.with_logs(span) for span in spans)
    for rules in FAMILY_RULES:
        tell_once(traces, rules, book)
    for trace_spans in traces.by_trace.values():
        estimate_from_lowest_aggregate(traces, trace_spans, book)
        count_tools_in_messages(trace_spans, book)
    return book.rows()


FAMILY_RULES = (call_rules("llm"), call_rules("embedding"), TOOL_RULES, RETRIEVER_RULES)
