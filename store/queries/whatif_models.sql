-- One row per model of the calls that the filters keep, most calls first: its provider of most calls.
select model, mode(provider) as provider, count(*) as calls from /* part calls_kept */ kept where model is not null
group by model order by calls desc, model limit $max_rows
