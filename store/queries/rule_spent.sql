-- One row per stored score of the rulers `$rulers` that did not fail and tells what it cost, the newest `$most`: evaluator, and the JSON that says so.
select evaluator, metadata['spent'] as spent from scores
where project_id = $project_id and list_contains($rulers::varchar[], concat(evaluator, ' ', evaluator_version)) and metadata['spent'] is not null and error_type is null
order by commit_seq desc
limit $most
