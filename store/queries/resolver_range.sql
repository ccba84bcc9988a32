-- One row: up to which commit the next pass goes. That is the first one at which the spans and logs after `after` number `max_rows`
-- or more, else the newest one of all; null: the store is empty. One commit is never cut.
with fresh as (
    select commit_seq from spans where commit_seq > $after
    union all
    select commit_seq from logs where commit_seq > $after
), counted as (
    select commit_seq, sum(count(*)) over (order by commit_seq) as rows_so_far from fresh group by commit_seq
)
select coalesce(
    (select min(commit_seq) from counted where rows_so_far >= $max_rows), (select max(commit_seq) from ledger_entries)
) as upto
