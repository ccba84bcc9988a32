-- One row: what could be watched in [since, until), beyond what calls and scores are asked for by themselves. Hours are UTC.
-- Calls of the newest hour are still coming, so that the gap after it is none.
with hours as (
    select distinct epoch_us(start_time) // 3600000000 as hour from calls
    where project_id = $project_id and usage_role = 'leaf' and kind = 'llm' and start_time >= $since and start_time < $until
), apart as (
    select hour, hour - lag(hour) over (order by hour) as gap from hours
), kinds as (
    select count(*) filter (where kind = 'retriever') as retrievals, count(distinct tool_name) filter (where kind = 'tool') as tools,
           count(*) filter (where kind = 'tool') as tool_calls
    from spans where project_id = $project_id and kind in ('retriever', 'tool') and start_time >= $since and start_time < $until
), told as (
    select name from scores
    where project_id = $project_id and time >= $since and source in ('human', 'llm') and error_type is null
    group by name having count(distinct source) = 2
)
select (select count(*) from hours) as hours, (select max(gap) from apart) as longest_gap_h,
       make_timestamp((select min(hour) from hours) * 3600000000) as first_hour,
       kinds.retrievals, kinds.tools, kinds.tool_calls,
       coalesce((select list(name order by name) from told), [])[:50] as judged
from kinds
