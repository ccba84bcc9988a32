-- One row per item and repeat of a run that the filters keep, in order, with how many they keep in all.
with chosen as (
    select place, repeat, item, fails, status, trace_id, numbers, passed, failed, line
    from run_rows
    where project_id = $project_id and run_id = $run_id
), flaky as (
    -- Items of which some repeats pass and others do not, by the same evaluator.
    select place
    from (select place, unnest(map_keys(passed)) as name, unnest(map_values(passed)) as holds from chosen where $flaky)
    where $evaluator is null or name = $evaluator
    group by place, name
    having bool_or(holds) and not bool_and(holds)
), kept as (
    select place, repeat
    from chosen
    where ($item is null or item = $item)
      and (not $failing or case when $evaluator is null then fails
           else coalesce(not passed[$evaluator], false) or list_contains(failed, $evaluator) end)
      and (not $flaky or place in (select place from flaky))
      and ($text is null or contains(lower(line), lower($text)))
), page as (
    select place, repeat
    from kept
    where place > $after_place or (place = $after_place and repeat > $after_repeat)
    order by place, repeat
    limit $page_size
)
select c.place, c.repeat, c.item, c.fails, c.status, c.trace_id, c.line, (select count(*) from kept) as matching
from chosen c join page using (place, repeat)
order by c.place, c.repeat
