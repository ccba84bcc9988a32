-- Rows of `trace_calls` that the filters keep, of traces that lie in the window with all calls. A part of other queries.
select * from trace_calls
where project_id = $project_id and first_start >= $since and first_start < $until and last_start < $until
  and /* part call_filters */
