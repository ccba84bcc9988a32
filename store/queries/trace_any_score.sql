-- In place of `trace_scored` where no score is asked for: then nothing is asked of one. A condition.
$score::varchar is null and $score_at_least::double is null and $score_at_most::double is null
and $score_label::varchar is null and $score_failed::boolean is null
