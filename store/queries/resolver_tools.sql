-- One row per loaded span below a tool, with the name of the innermost. Reads the relation `loaded`.
with recursive within(trace_id, span_id, kind, tool, depth) as (  -- down to the next tool
    select c.trace_id, c.span_id, c.kind, coalesce(t.tool_name, t.name), 1
    from loaded t join loaded c on c.trace_id = t.trace_id and c.parent_span_id = t.span_id
    where t.kind = 'tool'
    union all
    select c.trace_id, c.span_id, c.kind, w.tool, w.depth + 1
    from within w join loaded c on c.trace_id = w.trace_id and c.parent_span_id = w.span_id
    where w.kind <> 'tool' and w.depth < 200
)
select trace_id, span_id, max(tool) as tool from within where kind <> 'tool' group by trace_id, span_id
