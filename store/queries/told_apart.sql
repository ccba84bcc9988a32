-- The relation `matching` with `value`: what the dimension says of the row (null: unknown, or no dimension). `entry`: an own price, and the model. Of the dimension `tag` it is
-- `told_by_tag` that stands here: both in one query take DuckDB twice as long to plan. A part of other queries.
select *, case $dimension::varchar
           when 'model' then model when 'provider' then provider when 'service' then service when 'environment' then environment
           when 'release' then release when 'session' then session_id when 'user' then user_id when 'prompt' then prompt
           when 'variant' then variant when 'tool' then tool_name
           when 'entry' then own_version || coalesce('@' || model, '') end as value
from matching
