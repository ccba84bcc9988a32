-- The quarters of an hour in [since, until) whose sums of calls are not there or not true, in order of time.
select quarter from stale_call_sums where project_id = $project_id and quarter >= $since and quarter < $until order by quarter
