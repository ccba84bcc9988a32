-- One row per priced call, with the columns of `calls`: what only its trace tells is added. Reads the relations `priced` (rows of
-- `resolver_calls` with their price) and `summaries`.
select c.* replace (
           coalesce(c.service, t.service) as service, coalesce(c.environment, t.environment) as environment,
           coalesce(c.release, t.release) as release,
           coalesce(c.variant, case when len(t.variants) = 1 then t.variants[1] end) as variant
       ),
       t.session_id, t.user_id, t.tags
from priced c
join summaries t on t.trace_id = c.trace_id
