-- One row per value of the dimension (null: unknown; no dimension: one row), furthest apart in dollars first, then most
-- calls; the first `$page_size` of `total`. The deviation's standard error: that of a ratio of two sums over traces, by the delta method
-- (Cochran, Sampling Techniques, 2.11); null with one trace.
with sums as (
    select value, sum(calls)::bigint as calls, sum(reported)::bigint as reported, sum(compared)::bigint as compared,
           sum(compared_failed)::bigint as compared_failed, sum(reported_pico) / 1e12 as reported_usd, sum(cost_pico) / 1e12 as cost_usd,
           sum(compared_reported_pico) / 1e12 as compared_reported_usd, sum(compared_computed_pico) / 1e12 as compared_computed_usd
    from /* part calls_summed */ summed
    group by value
), page as materialized (
    select *, count(*) over () as total from sums
    order by abs(compared_reported_usd - compared_computed_usd) desc nulls last, calls desc, value limit $page_size
), spread as (
    select value, count(*) as traces, var_samp(compared_reported_usd) as v_reported, var_samp(compared_computed_usd) as v_computed,
           covar_samp(compared_reported_usd, compared_computed_usd) as v_both
    from /* part calls_by_trace */ units where compared > 0 group by value
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
