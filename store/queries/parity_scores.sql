-- Slices of scores; columns as in `parity_summed`. Which scores count, and under which values: `scores_by_value`. A target whose newest failed is no row.
with measured as not materialized (
    select value, amount, within, /* part parity_cluster */ as cluster from /* part scores_by_value */ scored where amount is not null
)
select * from /* part parity_summed */ summed
