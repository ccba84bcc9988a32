-- Calls of `latency_measured` with `place`, that of their value among `$values`, from 1; null: it is none of them. For a few values: to look for
-- each in turn takes half the time of `placed_by_join`, and a third where the value is a column, which is looked at once for each entry of its
-- dictionary. So the two of which a model is made are looked at apart. A part of other queries.
select *, case when $dimension::varchar is distinct from 'model' then list_position($values::varchar[], value)
               when response_model is not null then list_position($values::varchar[], response_model)
               else list_position($values::varchar[], request_model) end as place
from /* part latency_measured */ measured
