-- In place of `told_apart` where nothing is told apart. A part of other queries.
select *, null::varchar as value from matching
