-- One row per loaded trace that the rules have to look at; the others are what their own columns say. Reads the relation `loaded`.
with families as (
    select trace_id, span_id, kind, scope_name, response_id from loaded where kind in ('llm', 'embedding', 'tool', 'retriever')
), parents as (
    select distinct trace_id, parent_span_id as span_id from loaded where parent_span_id is not null
), enclosing as (  -- a call, tool or retriever above another, or above something that has children of its own
    select distinct c.trace_id
    from loaded c
    join families f on f.trace_id = c.trace_id and f.span_id = c.parent_span_id
    left join parents p on p.trace_id = c.trace_id and p.span_id = c.span_id
    where p.span_id is not null or c.kind in ('llm', 'embedding', 'tool', 'retriever', 'mcp')
), told_twice as (  -- one kind from two scopes, or one response id on two spans
    select trace_id
    from families
    group by trace_id
    having count(distinct case when kind in ('llm', 'embedding') then scope_name end) > 1
        or count(distinct case when kind = 'tool' then scope_name end) > 1
        or count(response_id) > count(distinct response_id)
), one_id as (  -- one response id in several traces
    select unnest(list(distinct trace_id)) as trace_id
    from families
    where response_id is not null
    group by response_id
    having count(distinct trace_id) > 1
), calls as (
    select trace_id, kind, scope_name, coalesce(service, '') as service, failed, input_tokens, output_tokens, content_hash,
           epoch_us(start_time) as start_us, epoch_us(start_time) + coalesce(duration_ns, 0) // 1000 as end_us
    from loaded
    where kind in ('llm', 'embedding') and usage_role = 'leaf' and (select count(distinct scope_name) > 1 from families)
), twins as (  -- one call told by two scopes in two traces: see resolver_twins
    select a.trace_id
    from calls a
    join calls b on a.kind = b.kind and a.service = b.service
                and a.start_us <= b.end_us + $slack_us and b.start_us <= a.end_us + $slack_us
    where a.scope_name <> b.scope_name and a.trace_id <> b.trace_id
      and (a.content_hash = b.content_hash or (a.input_tokens = b.input_tokens and a.output_tokens = b.output_tokens)
           or (a.failed and b.failed))
), untold as (  -- usage on aggregates only
    select trace_id
    from loaded
    group by trace_id
    having count(*) filter (where usage_role = 'aggregate' and coalesce(input_tokens, output_tokens) is not null) > 0
       and count(*) filter (where usage_role = 'leaf' and kind = 'llm' and coalesce(input_tokens, output_tokens) is not null) = 0
)
select trace_id from enclosing
union select trace_id from told_twice
union select trace_id from one_id
union select trace_id from twins
union select trace_id from untold
order by 1
