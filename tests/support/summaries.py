"""Summaries of traces, for stores whose calls no resolver wrote."""

from __future__ import annotations

from store.writer import Writer

SUMMARIES = """
insert into trace_summaries (project_id, trace_id, resolved_seq, start_time, duration_ns, root_span_id, root_name,
    root_missing, services, spans, model_calls_ok, model_calls_failed, embedding_calls, tool_executions,
    tool_executions_failed, unknown_usage_calls, usage_estimated, errors, status, models, tags, variants, prompts,
    session_id)
select project_id, trace_id, 1, min(start_time), epoch_us(max(start_time) - min(start_time)) * 1000, 1, 'x',
       false, [], 1, 0, 0, 0, 0, 0, 0, false, 0, 'ok', [], [], [], [], any_value(session_id)
from calls
where (project_id, trace_id) not in (select (project_id, trace_id) from trace_summaries)
group by project_id, trace_id
"""


def summarise(writer: Writer) -> None:
    """Write those of the traces of all calls that have none yet, as far as calls tell them."""
    writer.call(lambda con: con.execute(SUMMARIES)).result()
