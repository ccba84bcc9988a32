-- One row per window that ends at $until, the shortest first: its calls, and those of them that failed or took longer than $slower_than.
with known as materialized (
    select epoch_us(start_time) as start_us,
           (failed or ($slower_than::double is not null and coalesce(duration_ns / 1e6 > $slower_than, false)))::integer as bad
    from /* part calls_kept */ kept
), windows as (
    select unnest($minutes::bigint[]) as minutes
)
select minutes, count(start_us) as calls, coalesce(sum(bad), 0)::bigint as bad
from windows left join known on start_us >= epoch_us($until::timestamp) - minutes * 60000000
group by minutes order by minutes
