-- One row: where the calls end of traces that the beginning of the window cuts, and where those begin that its end cuts; null: it cuts none.
select max(last_start) filter (where first_start < $since) as head_last, min(first_start) filter (where first_start >= $since) as tail_first
from trace_calls
where project_id = $project_id and first_start < $until and last_start >= $since and (first_start < $since or last_start >= $until)
