-- Calls of the variants `$values`, of each at most some `$most`: those of the traces with the lowest hashes. `calls` and `unpriced` count all calls of the
-- variant; an unpriced call has no cost, but for failed ones that told no usage. A failed call has no duration and no TTFT.
with told as not materialized (
    select value, trace_id, start_time, failed, duration_ns, ttft_ns, cost_usd, input_tokens, output_tokens, session_id, user_id,
           /* part compare_label */ as label
    from /* part calls_kept */ kept
    where value in (select unnest($values::varchar[]))
), counted as materialized (
    select value, count(*) as calls,
           count(*) filter (where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)) as unpriced
    from told group by value
)
select t.value, t.start_time, t.failed, case when not t.failed then t.duration_ns end as duration_ns, case when not t.failed then t.ttft_ns end as ttft_ns,
       t.cost_usd, t.input_tokens, t.output_tokens, /* part compare_cluster */ as cluster, t.label, c.calls, c.unpriced
from told t join counted c on c.value = t.value
where hash(t.trace_id)::double < 18446744073709551616.0::double * $most / c.calls
order by t.value, t.start_time, t.trace_id
