-- Targets that a person and something else than end users scored, by name, bucket of the time at which the second of the two came, and ruler of the newest that is no
-- person's, oldest first: n, agree (of these), newest. Labels agree if they are the same word, else values if both are in the same half of their scale (of 0
-- to 1, where none is told); values outside of it if they are equal. Pairs that came in [paired_since, paired_until); empty buckets have no row.
with scored as materialized (
    select * from /* part monitor_targets */ targets
), kept as materialized (
    select * from /* part monitor_sliced */ sliced where not failed
), people as (
    select name, trace_id, span_id, session_id, arg_max({given: given, amount: amount, label: label}, given) as said
    from kept where of_person group by name, trace_id, span_id, session_id
), others as (
    select name, trace_id, span_id, session_id,
           arg_max({given: given, amount: amount, label: label, ruler: ruler, low: coalesce(try_cast(json_extract_string(scale, '$.low') as double), 0),
                    high: coalesce(try_cast(json_extract_string(scale, '$.high') as double), 1)}, (given, ruler)) as said
    from kept where not of_person and ruler <> 'an end user' group by name, trace_id, span_id, session_id
), pairs as (
    select o.name, o.said.ruler as ruler, greatest(o.said.given, p.said.given) as paired,
           case when o.said.label is not null and p.said.label is not null then lower(trim(o.said.label)) = lower(trim(p.said.label))
                when o.said.amount between o.said.low and o.said.high and p.said.amount between o.said.low and o.said.high
                then (o.said.amount >= (o.said.low + o.said.high) / 2) = (p.said.amount >= (o.said.low + o.said.high) / 2)
                else o.said.amount = p.said.amount end as agree
    from others o join people p on p.name = o.name and p.trace_id is not distinct from o.trace_id and p.span_id is not distinct from o.span_id
         and p.session_id is not distinct from o.session_id
)
select name, make_timestamp(epoch_us(paired) // $bucket_us * $bucket_us) as bucket, ruler, count(*) as n, count(*) filter (where agree) as agree, max(paired) as newest
from pairs
where agree is not null and paired >= $paired_since and paired < $paired_until
group by name, epoch_us(paired) // $bucket_us, ruler
order by name, bucket, ruler
