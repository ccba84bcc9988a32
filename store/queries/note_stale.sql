-- Notes quarters of an hour, counted from 1970, whose sums of calls are not true any more.
insert or ignore into stale_call_sums
select $project_id, make_timestamp(quarter * 900000000), now() at time zone 'utc' from (select unnest($quarters::bigint[]) as quarter) noted
