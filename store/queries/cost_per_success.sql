-- One row per value of the dimension (null: unknown, or no dimension), dearest first; the first `$page_size` of `total`. A unit is a trace or a
-- session with a call that the filters keep; under each value it has the cost of that value's calls. Of a unit the newest score of this name
-- counts, whoever gave it: of the trace, of a span, or of a response id in it, and of the session where that is the unit. `error`: standard error
-- of per_success, a ratio of two means, by the delta method as in `calls_cost_by`.
with told as materialized (
    select trace_id, session_id, response_id, commit_seq, time, score_id,
           case when error_type is not null then null when $label::varchar is not null then label = $label else value >= $at_least::double end as success
    from scores
    where project_id = $project_id and name = $score
), of_traces as (
    select trace_id, success, commit_seq, time, score_id from told where trace_id is not null
    union all
    select s.trace_id, t.success, t.commit_seq, t.time, t.score_id from told t join spans s on s.response_id = t.response_id
    where s.project_id = $project_id and s.start_time >= $since and s.start_time < $until
    union all
    select d.trace_id, t.success, t.commit_seq, t.time, t.score_id from told t join span_derived d on d.response_id = t.response_id
    where d.project_id = $project_id
), sessions as (
    select distinct trace_id, session_id from /* part calls_kept */ kept where $unit = 'session' and session_id is not null
), of_units as (
    select trace_id, null::varchar as session_id, success, commit_seq, time, score_id from of_traces where $unit = 'trace'
    union all
    select null, s.session_id, t.success, t.commit_seq, t.time, t.score_id from of_traces t join sessions s on s.trace_id = t.trace_id
    union all
    select null, session_id, success, commit_seq, time, score_id from told where $unit = 'session' and session_id is not null
), newest as materialized (
    select trace_id, session_id, arg_max_null(success, (commit_seq, time, score_id)) as success, true as there
    from of_units group by trace_id, session_id
), units as (
    select value, case $unit when 'session' then null else trace_id end as trace_id, case $unit when 'session' then session_id end as session_id,
           sum(cost_usd) as cost_usd,
           count(*) filter (where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)) as unpriced
    from /* part calls_kept */ kept
    where case $unit when 'session' then session_id is not null else true end
    group by all
), judged as (
    select u.value, u.cost_usd, u.unpriced, n.success::int as success, n.there is not null and n.success is null as failed
    from units u
    left join newest n on n.trace_id is not distinct from u.trace_id and n.session_id is not distinct from u.session_id
), sums as (
    select value, count(cost_usd) as units, count(cost_usd) filter (where success is not null) as scored,
           coalesce(sum(success) filter (where cost_usd is not null), 0)::bigint as successes,
           count(cost_usd) filter (where failed) as failed_scores,
           count(*) filter (where cost_usd is null and success is not null) as unpriced_units,
           (coalesce(sum(unpriced) filter (where success is not null and cost_usd is not null), 0))::bigint as unpriced,
           sum(try_cast(cost_usd * 1e12 as hugeint)) filter (where success is not null) / 1e12 as cost_usd,
           var_samp(cost_usd) filter (where success is not null) as v_cost,
           var_samp(success) filter (where cost_usd is not null) as v_success, covar_samp(cost_usd, success) as v_both
    from judged group by value
)
select value, units, scored, successes, failed_scores, units - scored - failed_scores as unscored, unpriced_units, unpriced, cost_usd,
       cost_usd / nullif(successes, 0) as per_success,
       case when scored > 1 and successes > 0  -- rounding may leave a variance of nothing below 0
            then sqrt(greatest(v_cost - 2 * per_success * v_both + per_success * per_success * v_success, 0) * scored) / successes
       end as error,
       count(*) over () as total
from sums
order by cost_usd desc nulls last, units desc, value
limit $page_size
