-- In place of `call_scored` where no score is asked for: then nothing is asked of one. A condition.
$with_score::varchar is null and $with_score_at_least::double is null and $with_score_at_most::double is null
and $with_score_label::varchar is null and $with_score_failed::boolean is null
