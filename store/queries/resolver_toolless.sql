-- One row per loaded trace with model calls that carry messages and no span of a tool. Reads the relation `loaded`.
select trace_id
from loaded
group by trace_id
having count(*) filter (where kind = 'tool') = 0
   and count(*) filter (where kind = 'llm' and usage_role = 'leaf' and has_input) > 0
order by 1
