-- Whether every filter (null: any) is met by a row with the columns of trace_summaries. A condition, for other queries. `$q`: that of a line.
($service::varchar is null or service = $service)
and ($environment::varchar is null or environment = $environment)
and ($status::varchar is null or status = $status)
and ($model::varchar is null or list_contains(models, $model))
and ($variant::varchar is null or list_contains(variants, $variant))
and ($prompt::varchar is null or list_contains(prompts, $prompt))
and ($tag::varchar is null or list_contains(tags, $tag))
and ($session_id::varchar is null or session_id = $session_id)
and ($user_id::varchar is null or user_id = $user_id)
and ($has_errors::boolean is null or (errors > 0) = $has_errors)
and ($min_duration_ns::bigint is null or duration_ns >= $min_duration_ns)
and ($text::varchar is null or contains(lower(root_name), lower($text)) or contains(lower(error_message), lower($text))
or contains(lower(error_type), lower($text)))
and $q
and /* part trace_scored */
