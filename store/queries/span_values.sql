-- One row per value of a field of spans (`$field`; `attr`: of the attribute `$key`, `attr.`: names of attributes) among those that start within [since_us, until_us],
-- the frequent first, at most `$values`. `$part`: a text in the value, whatever the case; null: any.
with near as (
    select * from spans where project_id = $project_id and start_time >= make_timestamp($since_us) and start_time <= make_timestamp($until_us)
), named as (
    select kind as value from near where $field = 'kind'
    union all select tool_name from near where $field = 'tool'
    union all select agent_name from near where $field = 'agent'
    union all select finish_reason from near where $field = 'finish_reason'
    union all select coalesce(attributes['gen_ai.operation.name'], attributes['ai.operationId']) from near where $field = 'operation'
    union all select name from near where $field = 'name'
    union all select status from near where $field = 'status'
    union all select service from near where $field = 'service'
    union all select provider from near where $field = 'provider'
    union all select coalesce(response_model, request_model) from near where $field = 'model'
    union all select error_type from near where $field = 'error'
    union all select attributes[$key] from near where $field = 'attr'
    union all select o.resource[$key] from near join origins o on o.project_id = $project_id and o.origin_id = near.origin_id where $field = 'attr'
    union all select unnest(map_keys(attributes)) from near where $field = 'attr.'
    union all select unnest(map_keys(resource)) from origins where project_id = $project_id and $field = 'attr.'
)
select left(value, 500) as value, count(*) as spans from named
where value is not null and value <> '' and ($part::varchar is null or contains(lower(value), lower($part)))
group by value order by spans desc, value limit $values
