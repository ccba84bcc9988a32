-- One row: how far labels have come (the newest commit and how many there are), and how far all scores have: by these it is seen whether what was worked out
-- of them still holds.
select coalesce(max(commit_seq) filter (where source = 'human'), 0) as labelled, count(*) filter (where source = 'human') as labels,
       coalesce(max(commit_seq), 0) as scored
from scores where project_id = $project_id
