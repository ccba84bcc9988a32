-- Scores of one name of the variants `$values`, of each at most some `$most`: those of the traces with the lowest hashes. Which scores count, and under which
-- values: `scores_by_value`. `amount` null: the newest score of the target failed, or has no value; `ruler`: what gave it. `scores` counts all of the variant.
with told as materialized (
    select * from /* part scores_by_value */ scored where value in (select unnest($values::varchar[]))
), counted as materialized (
    select value, count(*) as scores from told group by value
)
select t.value, t.start_time, t.amount, t.ruler, /* part compare_cluster */ as cluster, t.label, c.scores
from told t join counted c on c.value = t.value
where hash(t.trace_id)::double < 18446744073709551616.0::double * $most / c.scores
order by t.value, t.start_time, t.trace_id, t.amount
