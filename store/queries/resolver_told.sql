-- One row per loaded span, with what its log records tell in its place, as far as candidates and summaries ask for it. Reads the relations
-- `loaded` and `contents`, which holds only what spans do not know, or know less well.
select l.* replace (
           coalesce(c.response_id, l.response_id) as response_id, coalesce(c.content_hash, l.content_hash) as content_hash,
           coalesce(c.input_tokens, l.input_tokens) as input_tokens, coalesce(c.output_tokens, l.output_tokens) as output_tokens,
           coalesce(c.session_id, l.session_id) as session_id, coalesce(c.session_weak, l.session_weak) as session_weak,
           coalesce(c.user_id, l.user_id) as user_id
       )
from loaded l
left join contents c on c.trace_id = l.trace_id and c.span_id = l.span_id
