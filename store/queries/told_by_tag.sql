-- The relation `matching`, each row once for each of its tags, which is `value` (null: it has none). A part of other queries.
select *, unnest(case when len(tags) = 0 then [null] else tags end) as value from matching
where $dimension::varchar = 'tag'
