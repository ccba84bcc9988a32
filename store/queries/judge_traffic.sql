-- The newest score of each ruler named `$score` on the calls that the filters keep, a row per target and value of the dimension: of the values `$values`, of
-- each at most some `$most` (those with the lowest hashes of their traces), and all whose trace or session people labelled. A score of a call counts under the value
-- of the call, one of a trace, a session or another span under each value of the calls there. `target`, `trace`, `cluster`: as of judge_met.
with told as materialized (
    select number, evaluator, evaluator_version, trace_id, span_id, session_id, place from /* part judge_told */ every_score where name = $score
), newest as materialized (
    select evaluator, evaluator_version, trace_id, span_id, session_id, arg_max(number, place) as number from told group by all
), labelled as materialized (
    select * from /* part people_labelled */ people
), near as materialized (
    select value, trace_id, span_id, session_id, user_id from /* part calls_kept */ kept
    where value in (select unnest($values::varchar[]))
      and (trace_id in (select trace_id from newest where trace_id is not null) or session_id in (select session_id from newest where session_id is not null))
), calls_of as materialized (
    select distinct trace_id, span_id from near
), scored as (
    select n.*, c.span_id is not null as of_call from newest n left join calls_of c on c.trace_id = n.trace_id and c.span_id = n.span_id
), met as (
    select s.*, c.value, c.user_id, c.session_id as of_session from scored s join near c on c.trace_id = s.trace_id
    where s.session_id is null and (not s.of_call or c.span_id = s.span_id)
    union all
    select s.*, c.value, c.user_id, c.session_id from scored s join near c on c.session_id = s.session_id
), once as materialized (
    select evaluator, evaluator_version, trace_id, span_id, session_id, number, value, min(user_id) as user_id, min(of_session) as of_session from met group by all
), counted as (
    select value, count(*) as scored from once group by value
)
select o.value as variant, concat_ws(' ', o.evaluator, o.evaluator_version) as ruler, hash(o.trace_id, o.span_id, o.session_id) as target,
       hash(o.trace_id) as trace, o.span_id is null as whole,
       case when coalesce(o.session_id, o.of_session) is not null then hash('session', coalesce(o.session_id, o.of_session))
            when o.user_id is not null then hash('user', o.user_id) else hash(o.trace_id) end as cluster,
       s.value, s.label, s.metadata['scale'] as scale, coalesce(s.metadata['example'] = 'yes', false) as example, c.scored
from once o
join scores s on s.rowid = o.number
join counted c on c.value = o.value
where s.error_type is null and (s.value is not null or s.label is not null)
  and (hash(o.trace_id, o.session_id)::double < 18446744073709551616.0::double * $most / c.scored
       or o.trace_id in (select trace_id from labelled where trace_id is not null) or o.session_id in (select session_id from labelled where session_id is not null))
order by variant, ruler, target
