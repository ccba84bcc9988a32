-- One row: what was exposed, and what of it no figure counts.
with exposed as materialized (
    select * from /* part ab_exposed */ traces
), units as (
    select unit, count(distinct label) as labels, count(distinct trace_id) as traces from exposed where unit is not null group by unit
)
select (select count(distinct trace_id) from exposed) as traces,
       (select count(distinct trace_id) from exposed where unit is null) as traces_without_unit,
       (select count(*) from units) as units, (select count(*) from units where labels > 1) as mixed_units,
       (select coalesce(sum(traces), 0)::bigint from units where labels > 1) as mixed_traces
