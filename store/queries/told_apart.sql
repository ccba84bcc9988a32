-- The relation `matching` with `value`: what the dimension says of the row (null: unknown, or no dimension). Of the dimension `tag` a row stands
-- once for each of its tags. A part of other queries.
select *, case $dimension::varchar
           when 'model' then model when 'provider' then provider when 'service' then service when 'environment' then environment
           when 'release' then release when 'session' then session_id when 'user' then user_id when 'prompt' then prompt
           when 'variant' then variant when 'tool' then tool_name end as value
from matching
where $dimension::varchar is distinct from 'tag'
union all
select *, unnest(case when len(tags) = 0 then [null] else tags end) as value
from matching
where $dimension::varchar is not distinct from 'tag'
