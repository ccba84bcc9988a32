-- Traces of users that started in [since, until) and meet every filter given (null: any). `find`: part of the user's id, whatever the case. A part of
-- other queries: as a relation of one it would be kept in memory whole, which takes longer than to read it twice.
select * from trace_summaries
where project_id = $project_id and start_time >= $since and start_time < $until and user_id is not null
  and ($find::varchar is null or contains(lower(user_id), lower($find)))
  and /* part trace_conditions */
