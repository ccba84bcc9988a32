-- Calls of `latency_measured` with `place`, that of their value among `$values`, from 1; null: it is none of them. For a few values: to look for
-- each in turn takes half the time of `placed_by_join`. A part of other queries.
select *, list_position($values::varchar[], value) as place from /* part latency_measured */ measured
