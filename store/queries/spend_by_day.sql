-- One row per quarter of an hour (counted from 1970) and value with calls: what days of any zone are made of, since all begin at one. `$values`:
-- the values that are asked for; null: all.
select epoch_us(start_time) // 900000000 as quarter, value,
       sum(try_cast(cost_usd * 1e12 as hugeint)) / 1e12 as cost_usd, count(*) as calls, count(cost_usd) as priced,
       count(*) filter (where cost_usd is null and not (failed and input_tokens is null and output_tokens is null)) as unpriced
from /* part calls_kept */ kept
where $values::varchar[] is null or list_contains($values::varchar[], value)
group by quarter, value
order by quarter, value
