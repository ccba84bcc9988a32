"""Questions to begin with on the page SQL."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    "Cost by day and model": """\
select date_trunc('day', start_time) as day, model, sum(cost_usd) as usd
from calls
where start_time >= :since and start_time < :until
group by day, model
order by day""",
    "95th percentile of latency by hour": """\
select date_trunc('hour', start_time) as hour, model, quantile_cont(duration_ms, 0.95) as p95_ms
from calls
where start_time >= :since and start_time < :until and kind = 'llm'
group by hour, model
order by hour""",
    "Errors by type": """\
select coalesce(error_type, 'not told') as error, count(*) as traces
from traces
where start_time >= :since and start_time < :until and errors > 0
group by error
order by traces desc""",
    "Slowest traces": """\
select start_time, name, service, duration_ms, model_calls, cost_usd, trace_id
from traces
where start_time >= :since and start_time < :until
order by duration_ms desc
limit 100""",
    "Tokens and duration of calls": """\
select output_tokens, duration_ms, model
from calls
where start_time >= :since and start_time < :until and output_tokens is not null
limit 5000""",
    "Sessions that cost most": """\
select session_id, user_id, traces, model_calls, errors, cost_usd
from sessions
where end_time >= :since and start_time < :until
order by cost_usd desc nulls last
limit 50""",
    "Scores by name": """\
select name, evaluator, count(value) as n, avg(value) as mean, count(*) filter (where failed) as failed
from scores
where time >= :since and time < :until
group by name, evaluator
order by name""",
    "An attribute of spans": """\
select attributes['http.route'] as route, count(*) as spans
from main.spans
where start_time >= :since and start_time < :until
group by route
order by spans desc
limit 50""",
}
"""What is asked -> the question, each with the page's time range."""
