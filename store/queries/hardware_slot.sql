-- The slot of a call: a number for its price entry and its model, from 0. An entry has `$width` slots, of which the first is of unknown models, and the
-- others are in the order of `$models`; without models an entry is one slot, and no model is read. The two columns of which a model is made are looked
-- at apart, as in `placed`. An expression, for other queries.
(list_position($versions::varchar[], price_version) - 1) * $width
+ case when len($models::varchar[]) = 0 then 0
       else coalesce(case when response_model is not null then list_position($models::varchar[], response_model)
                          else list_position($models::varchar[], request_model) end, 0) end
