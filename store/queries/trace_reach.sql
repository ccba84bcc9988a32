-- One row: how many traces that started in [since, until), meet every filter and are of the list `$traces` (null: any), and when the `$most`-th of them started, from the newest; null: there are fewer.
with chosen as (
    select start_time from trace_summaries
    where project_id = $project_id and start_time >= $since and start_time < $until
      and ($traces::uuid[] is null or trace_id in (select unnest($traces::uuid[]))) and /* part trace_conditions */
)
select (select count(*) from chosen) as traces,
       (select start_time from chosen order by start_time desc limit 1 offset $most - 1) as reach
