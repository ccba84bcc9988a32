-- One row per loaded span, with what its log records tell in its place. Reads the relations `loaded` and `contents`, which holds only what
-- spans do not know, or know less well.
select l.* replace (
           coalesce(c.session_id, l.session_id) as session_id, coalesce(c.session_weak, l.session_weak) as session_weak,
           coalesce(c.user_id, l.user_id) as user_id
       )
from loaded l
left join contents c on c.trace_id = l.trace_id and c.span_id = l.span_id
