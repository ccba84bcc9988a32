-- Of the relation `chosen` (bucket, cell, trace_id, span_id and more) at most `$most` rows a bucket, with `total`, how many the bucket has. Cells, slices of
-- time, are drawn by their hashes until they have enough, and of each cell at most `$per_cell` rows by theirs: what stands side by side in time is unpacked
-- together, and the same rows are drawn as long as they are there. A part of other queries.
with cells as (
    select bucket, cell, count(*) as held from chosen group by bucket, cell
), summed as (
    select bucket, cell, sum(held) over (partition by bucket) as total,
           coalesce(sum(least(held, $per_cell)) over (partition by bucket order by hash(cell), cell rows between unbounded preceding and 1 preceding), 0) as before
    from cells
), opened as materialized (
    select bucket, cell, total::bigint as total from summed where before < $most
), ranked as (
    select c.*, o.total, row_number() over (partition by c.bucket, c.cell order by hash(c.trace_id), c.trace_id, c.span_id) as place
    from chosen c join opened o on o.bucket = c.bucket and o.cell = c.cell
), numbered as (
    select *, row_number() over (partition by bucket order by hash(cell), cell, place) as number from ranked where place <= $per_cell
)
select * from numbered where number <= $most
