-- Notes quarters of an hour, counted from 1970 and each given once, whose sums of calls are not true any more.
insert into stale_call_sums
select $project_id, told, now() at time zone 'utc' from (select make_timestamp(unnest($quarters::bigint[]) * 900000000) as told) noted
where told not in (select quarter from stale_call_sums where project_id = $project_id)
