-- One row per value of the dimension (null: unknown), the `$most` with most rows first: what its rows add up to by cluster, and all rows of the
-- same clusters, for `analytics.fairness.slices_of_sums`, which tells the names. Columns with `whole_` are of all rows, and the same in each row; `of`
-- counts the values. Reads the relation `measured`: value, cluster (a hash), amount, and `within`, the number of values that the same thing has a row
-- under, so that all rows count it once. A part of other queries.
with parts as materialized (
    select value, cluster, count(*) as n, sum(amount) as x, sum(1.0::double / within) as own_n, sum(amount / within) as own_x
    from measured where amount is not null group by value, cluster
), middle as materialized (
    select sum(own_x) / sum(own_n) as centre from parts
), wholes as materialized (
    select cluster, round(sum(own_n)) as n, sum(own_x) - any_value(centre) * round(sum(own_n)) as x from parts, middle group by cluster
), listed as materialized (
    select value, sum(n)::bigint as rows, count(*) over () as of from parts group by value order by rows desc, value nulls last limit $most
), centred as (
    select p.value, l.rows, l.of, p.n::double as n, p.x - m.centre * p.n as x, w.n as whole_n, w.x as whole_x
    from parts p join listed l on l.value is not distinct from p.value join wholes w on w.cluster = p.cluster, middle m
), everything as (
    select any_value(centre) as centre, count(*) as whole_clusters, sum(n) as whole_n, sum(x) as whole_x, sum(n * n) as whole_nn, sum(x * n) as whole_xn,
           sum(x * x) as whole_xx
    from wholes, middle
), sums as (
    select value, rows, of, count(*) as clusters, count(*) filter (where n = whole_n) as wholly, sum(n) as n, sum(x) as x, sum(n * n) as nn,
           sum(x * n) as xn, sum(x * x) as xx, sum(n * whole_n) as n_whole_n, sum(x * whole_n) as x_whole_n, sum(n * whole_x) as n_whole_x,
           sum(x * whole_x) as x_whole_x
    from centred group by value, rows, of
)
select * from sums, everything order by rows desc, value nulls last
