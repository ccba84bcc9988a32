-- Fingerprints of the system that answered, one row per model and fingerprint first seen in [since, until) after another one, where from then on a tenth
-- of the model's calls have it: providers answer from several systems at once. Calls of the first `$taken_us` of each `$step_us` are read (whole since
-- 1970), as attributes are slow to unpack and what stands side by side in time does so on disk; from `$opened` on, to know what was there before. With
-- `$sliced` those that the filters keep.
with told as materialized (
    select coalesce(request_model, response_model) as name, start_time,
           coalesce(attributes['openai.response.system_fingerprint'], attributes['gen_ai.openai.response.system_fingerprint'],
                    attributes['gen_ai.openai.system_fingerprint'], attributes['system_fingerprint']) as version
    from spans
    where project_id = $project_id and kind = 'llm' and start_time >= $opened and start_time < $until
      and epoch_us(start_time) % $step_us < $taken_us
      and (not $sliced or (trace_id, span_id) in (
          select (trace_id, span_id) from /* part calls_kept since=opened */ kept where $sliced and epoch_us(start_time) % $step_us < $taken_us
      ))
), seen as (
    select name, version, min(start_time) as happened_at, count(*) as calls from told where version is not null and name is not null group by name, version
), ranked as (
    select *, lag(version) over (partition by name order by happened_at, version) as before from seen
)
select r.happened_at, r.name, r.before, r.version as after, r.calls
from ranked r
where r.before is not null and r.happened_at >= $since
  and r.calls >= (select count(*) from told t where t.name = r.name and t.version is not null and t.start_time >= r.happened_at) / 10
order by r.happened_at, r.name, r.version
limit $max_rows
