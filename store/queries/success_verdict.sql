-- Whether a score says that a unit succeeded; null: it failed, or has no value or label of the kind. An expression, for other queries.
case when error_type is not null then null when $label::varchar is not null then label = $label else value >= $at_least::double end
