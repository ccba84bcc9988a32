-- One row per (test, measure, label, day) with a value: what is known at the end of that day of UTC. Values of a unit are averaged first; `units` counts units,
-- and x1 to x4 add up the first four powers of their averages less `centre`, so that squares lose no digits. A unit's average moves as it comes back, so
-- each of its days adds what it has become less what it was. What it was is told by the sums without that day: a second window would take twice the time.
with known as materialized (
    select test, list_position($measures::varchar[], measure)::usmallint as measure, list_position($labels::varchar[], label)::usmallint as label, unit, day, value
    from /* part ab_values */ told
), centres as materialized (
    select test, measure, avg(value) as centre from known group by test, measure
), unit_days as (
    select k.test, k.measure, k.label, k.unit, k.day, any_value(c.centre) as centre, count(*) as n, sum(k.value - c.centre) as s
    from known k join centres c on c.test = k.test and c.measure = k.measure group by k.test, k.measure, k.label, k.unit, k.day
), running as (
    select test, measure, label, day, centre, n, s, sum(n) over upto as all_n, sum(s) over upto as all_s
    from unit_days window upto as (partition by test, measure, unit order by day)
), moved as (
    select test, measure, label, day, centre, n, all_s / all_n as x, case when all_n > n then (all_s - s) / (all_n - n) end as was from running
), days as (
    select test, measure, label, day, centre, sum(n) as n, count(*) filter (was is null) as units,
           sum(x - coalesce(was, 0)) as x1, sum(x * x - coalesce(was * was, 0)) as x2,
           sum(x * x * x - coalesce(was * was * was, 0)) as x3, sum(x * x * x * x - coalesce(was * was * was * was, 0)) as x4
    from moved group by test, measure, label, day, centre
)
select test, list_extract($measures::varchar[], measure) as measure, list_extract($labels::varchar[], label) as label, day, centre,
       (sum(n) over upto)::bigint as n, (sum(units) over upto)::bigint as units,
       sum(x1) over upto as x1, sum(x2) over upto as x2, sum(x3) over upto as x3, sum(x4) over upto as x4
from days window upto as (partition by test, measure, label order by day)
order by test, measure, label, day
