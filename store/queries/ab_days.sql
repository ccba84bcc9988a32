-- One row per (measure, label, day) with a value: what is known at the end of that day of UTC. Values of a unit are averaged first; `units` counts units,
-- and x1 to x4 add up the first four powers of their averages less `centre`, so that squares lose no digits. A unit's average moves as it comes back, so
-- each of its days adds what it has become less what it was.
with known as materialized (
    select * from /* part ab_values */ told
), centres as materialized (
    select measure, avg(value) as centre from known group by measure
), unit_days as (
    select measure, label, unit, day, count(*) as n, sum(value) as s from known group by measure, label, unit, day
), running as (
    select measure, label, unit, day, n, sum(s) over upto / sum(n) over upto as average
    from unit_days window upto as (partition by measure, unit order by day)
), moved as (
    select r.measure, r.label, r.day, r.n, c.centre, r.average - c.centre as x,
           lag(r.average - c.centre) over (partition by r.measure, r.unit order by r.day) as was
    from running r join centres c on c.measure = r.measure
), days as (
    select measure, label, day, centre, sum(n) as n, count(*) filter (was is null) as units,
           sum(x - coalesce(was, 0)) as x1, sum(x * x - coalesce(was * was, 0)) as x2,
           sum(x * x * x - coalesce(was * was * was, 0)) as x3, sum(x * x * x * x - coalesce(was * was * was * was, 0)) as x4
    from moved group by measure, label, day, centre
)
select measure, label, day, centre, (sum(n) over upto)::bigint as n, (sum(units) over upto)::bigint as units,
       sum(x1) over upto as x1, sum(x2) over upto as x2, sum(x3) over upto as x3, sum(x4) over upto as x4
from days window upto as (partition by measure, label order by day)
order by measure, label, day
