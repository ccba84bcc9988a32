-- In place of `monitor_near` where there is no filter: then nothing is asked of calls. A condition, which names what only filters need.
not $sliced and $earlier < $later and $dimension is null
and coalesce($kind, $service, $environment, $model, $provider, $release, $session_id, $user_id, $variant, $prompt, $tag, $tool) is null
and coalesce($with_score, $with_score_label) is null and coalesce($with_score_at_least, $with_score_at_most) is null and $with_score_failed is null
