-- One row per name and bucket of end users' feedback told in [since, until): the latest by target, name and user counts. Buckets are whole multiples of
-- `step_us` since 1970, shifted by `offset_us`.
with told as (
    select name, arg_max_null(value, place) as value, max(time) as time, arg_max_null(explanation, place) is not null as said
    from (
        select *, (commit_seq, time, score_id) as place from scores
        where project_id = $project_id and source = 'user' and error_type is null and time >= $since and time < $until
    ) s
    group by name, author, trace_id, span_id, session_id, response_id
)
select name, make_timestamp((epoch_us(time) - $offset_us::bigint) // $step_us::bigint * $step_us::bigint + $offset_us::bigint) as bucket,
       count(*) as n, count(value) as valued, sum(value) as total, sum(value * value) as squares, count(*) filter (where said) as comments,
       min(value) as low, max(value) as high
from told group by name, bucket order by name, bucket
