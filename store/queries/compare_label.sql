-- The slice of a row of calls, with its `model` and `prompt`: what `$slice` says of it (null: unknown, or no slices). All tags of a trace are one slice.
-- An expression, for other queries.
case $slice::varchar
    when 'service' then service when 'environment' then environment when 'provider' then provider when 'model' then model when 'release' then release
    when 'prompt' then prompt when 'variant' then variant when 'tool' then tool_name when 'tags' then nullif(array_to_string(list_sort(tags), ', '), '') end
