-- Rows of `trace_calls`, whatever the filters, of traces with calls in the window that one of its edges, or an edge of a bucket, cuts. A part of other
-- queries.
select * from trace_calls
where project_id = $project_id and first_start < $until and last_start >= $since
  and (first_start < $since or last_start >= $until
       or (epoch_us(first_start) + $offset_us) // $bucket_us <> (epoch_us(last_start) + $offset_us) // $bucket_us)
