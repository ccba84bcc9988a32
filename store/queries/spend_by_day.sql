-- One row per quarter of an hour (counted from 1970) and value with calls: what days of any zone are made of, since all begin at one. `$values`:
-- the values that are asked for; null: all.
select epoch_us(start_time) // 900000000 as quarter, value,
       sum(cost_pico) / 1e12 as cost_usd, sum(calls)::bigint as calls, sum(priced)::bigint as priced,
       sum(unpriced)::bigint as unpriced
from /* part calls_summed */ summed
where $values::varchar[] is null or list_contains($values::varchar[], value)
group by quarter, value
order by quarter, value
