-- One row per trace that commits (after, upto] touched with a span or a log, oldest first.
select project_id, trace_id::varchar as trace_id
from (
    select project_id, trace_id, commit_seq from spans where commit_seq > $after and commit_seq <= $upto
    union all
    select project_id, trace_id, commit_seq from logs where commit_seq > $after and commit_seq <= $upto and trace_id is not null
)
group by project_id, trace_id
order by min(commit_seq), trace_id
