-- Calls of `latency_told` with `place`, that of their value among `$values`, from 1; the next one: it is none of them; the one after: null. For a
-- few values: to look for each in turn takes half the time of `placed_by_join`, and a third where the value is a column, which is looked at once for
-- each entry of its dictionary. So the two of which a model is made are looked at apart, and never put together. A part of other queries.
select *, case when $dimension::varchar is distinct from 'model' then
                    coalesce(list_position($values::varchar[], value), len($values::varchar[])::integer + if(value is null, 2, 1))
               when response_model is not null then coalesce(list_position($values::varchar[], response_model), len($values::varchar[])::integer + 1)
               else coalesce(list_position($values::varchar[], request_model), len($values::varchar[])::integer + if(request_model is null, 2, 1))
          end as place
from /* part latency_told */ told
