-- What $measure says of a call that did not fail, with the columns of `calls`; null: unknown, or not computable. An expression, for other queries.
-- duration, ttft and time_per_output_token are nanoseconds; tokens_per_second counts from the start of the call, with waiting and reasoning.
-- A speed needs a positive duration and a TTFT within it, if one was told. Time per output token needs a TTFT and two tokens, and no reasoning:
-- whether the TTFT is that of the first thought or of the first word differs by provider.
case $measure
when 'duration' then duration_ns::double
when 'ttft' then ttft_ns::double
when 'time_per_output_token' then
    case when duration_ns > 0 and ttft_ns between 0 and duration_ns and output_tokens >= 2 and coalesce(reasoning_tokens, 0) <= 0
         then (duration_ns - ttft_ns) / (output_tokens - 1)::double end
when 'tokens_per_second' then
    case when duration_ns > 0 and coalesce(ttft_ns between 0 and duration_ns, true) and output_tokens >= 1
         then output_tokens * 1e9 / duration_ns end end
