-- In place of `monitor_sliced` where there is no filter: all rows, also those of traces without a call. It names what only filters need.
select * from scored
where not $sliced and coalesce($kind, $service, $environment, $model, $provider, $release, $session_id, $user_id, $variant, $prompt, $tag, $tool) is null
  and coalesce($with_score, $with_score_label) is null and coalesce($with_score_at_least, $with_score_at_most) is null and $with_score_failed is null
  and $dimension is null and $beyond is not null
