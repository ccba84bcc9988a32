-- One row per account, reason and commit: rejected items with a sample of them, newest first.
select commit_seq, hour, source, service, signal, rejected, reason, sample
from ledger_entries
where project_id = $project_id and rejected > 0
order by commit_seq desc, rejected desc, source, service, signal, reason
limit $max_rows
