-- One row per month (UTC) and model of the calls that the filters keep, dearest month first: what was generated, and the seconds that it took by
-- each of two speeds, or the duration where that is shorter. A model without a speed has no seconds.
with speeds as (
    select unnest($models::varchar[]) as model, unnest($low::double[]) as low, unnest($high::double[]) as high, unnest($first::double[]) as first_s
)
select date_trunc('month', k.start_time)::date as month, k.model, count(*) as calls,
       count(*) filter (k.output_tokens is not null) as told, coalesce(sum(k.output_tokens), 0)::bigint as output_tokens,
       sum(least(k.duration_ns / 1e9, k.output_tokens * s.low + s.first_s)) as seconds_low,
       sum(least(k.duration_ns / 1e9, k.output_tokens * s.high + s.first_s)) as seconds_high
from (select * from /* part calls_kept */ kept) k left join speeds s on s.model = k.model
group by month, k.model order by month, calls desc, k.model
