-- The scores of this name as verdicts on traces: their own, those of spans in them, and of response ids in them. `success` is null for a failed
-- score, and where it has no value or label of the kind. A part of other queries.
with told as materialized (
    select trace_id, response_id, commit_seq, time, score_id,
           /* part success_verdict */ as success
    from /* part scores_standing */ standing
    where name = $score
)
select trace_id, success, commit_seq, time, score_id from told where trace_id is not null
union all
select s.trace_id, t.success, t.commit_seq, t.time, t.score_id from told t join spans s on s.response_id = t.response_id
where s.project_id = $project_id and s.start_time >= $since and s.start_time < $until
union all
select d.trace_id, t.success, t.commit_seq, t.time, t.score_id from told t join span_derived d on d.response_id = t.response_id
where d.project_id = $project_id
