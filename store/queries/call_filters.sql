-- Whether every filter (null: any) is met by a row with the columns of calls, its `model` and its `prompt`. A condition, for other queries.
($kind::varchar is null or kind = $kind)
and ($service::varchar is null or service = $service)
and ($environment::varchar is null or environment = $environment)
and ($model::varchar is null or model = $model)
and ($provider::varchar is null or provider = $provider)
and ($release::varchar is null or release = $release)
and ($session_id::varchar is null or session_id = $session_id)
and ($user_id::varchar is null or user_id = $user_id)
and ($variant::varchar is null or variant = $variant)
and ($prompt::varchar is null or prompt = $prompt)
and ($tag::varchar is null or list_contains(tags, $tag))
and ($tool::varchar is null or tool_name = $tool)
and /* part call_scored */
