-- One row per value of the dimension (null: unknown; no dimension: one row), furthest apart in dollars first, then most
-- calls; the first `$page_size` of `total`. The deviation's standard error: that of a ratio of two sums over traces, by the delta method
-- (Cochran, Sampling Techniques, 2.11); null with one trace. Sums of money are of whole 1e-12 dollars, since the order of rows varies.
with sums as (
    select value, count(*) as calls, count(reported_cost_usd) as reported,
           count(*) filter (where both_told) as compared, count(*) filter (where both_told and failed) as compared_failed,
           sum(try_cast(reported_cost_usd * 1e12 as hugeint)) / 1e12 as reported_usd,
           sum(try_cast(cost_usd * 1e12 as hugeint)) / 1e12 as cost_usd,
           sum(case when both_told then try_cast(reported_cost_usd * 1e12 as hugeint) end) / 1e12 as compared_reported_usd,
           sum(case when both_told then try_cast(cost_usd * 1e12 as hugeint) end) / 1e12 as compared_computed_usd
    from (select *, reported_cost_usd is not null and cost_usd is not null as both_told from /* part calls_kept */ kept) told
    group by value
), page as materialized (
    select *, count(*) over () as total from sums
    order by abs(compared_reported_usd - compared_computed_usd) desc nulls last, calls desc, value limit $page_size
), per_trace as (
    select value, sum(reported_cost_usd) as reported, sum(cost_usd) as computed
    from /* part calls_kept */ kept
    where reported_cost_usd is not null and cost_usd is not null and (value in (select value from page) or value is null)
    group by value, trace_id
), spread as (
    select value, count(*) as traces, var_samp(reported) as v_reported, var_samp(computed) as v_computed,
           covar_samp(reported, computed) as v_both
    from per_trace group by value
), ratios as (
    select p.*, coalesce(s.traces, 0) as traces, compared_reported_usd / nullif(compared_computed_usd, 0) as ratio, v_reported, v_computed, v_both
    from page p left join spread s on s.value is not distinct from p.value
)
select value, calls, reported, compared, compared_failed, traces, reported_usd, cost_usd, compared_reported_usd, compared_computed_usd,
       ratio - 1 as deviation,
       case when traces > 1  -- rounding may leave a variance of nothing below 0
            then sqrt(greatest(v_reported - 2 * ratio * v_both + ratio * ratio * v_computed, 0) * traces) / compared_computed_usd
       end as deviation_error, total
from ratios
order by abs(compared_reported_usd - compared_computed_usd) desc nulls last, calls desc, value
