-- One row per value of the dimension (null: unknown, or no dimension), dearest first; the first `$page_size` of `total`. Reads the relation
-- `judged`: of each unit and value the cost, the calls without one, and the verdict that counts. `error`: standard error of per_success, a ratio
-- of two means, by the delta method as in `calls_cost_by`. A part of other queries.
with sums as (
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
