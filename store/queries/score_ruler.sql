-- What gave a score: evaluator and version, `a person` or `an end user`. An expression over the columns of `scores`, for other queries.
case when source = 'human' then 'a person' when source = 'user' then 'an end user'
     else coalesce(nullif(concat_ws(' ', evaluator, evaluator_version), ''), 'an unnamed evaluator') end
