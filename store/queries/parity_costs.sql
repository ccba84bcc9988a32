-- Slices of what a trace costs: a row per value and trace with a priced call of that value; columns as in `parity_summed`.
with measured as not materialized (
    select value, cost_usd as amount, case when $dimension = 'tag' then greatest(tags, 1) else 1 end as within, /* part parity_cluster */ as cluster
    from /* part calls_by_trace */ units
)
select * from /* part parity_summed */ summed
