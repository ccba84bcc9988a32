-- 0026_create_views_and_dashboards.sql: views that questions in SQL may rely on, and dashboards of such questions.

-- In a schema of their own: for the SQL prompt plain names mean these first, and main.calls is still the table. Columns are added, never renamed or taken away;
-- tests/store/test_views.py holds them, and docs/sql.md tells what is said of them here.
create schema stable;

create view stable.calls as
select (select name from main.projects p where p.project_id = c.project_id) as project, project_id, trace_id, span_id, start_time,
       duration_ns / 1e6 as duration_ms, ttft_ns / 1e6 as ttft_ms, kind, failed, error_type, retry, provider,
       coalesce(response_model, request_model) as model, request_model, response_model, service_tier, input_tokens, output_tokens, cache_read_tokens,
       cache_write_tokens, reasoning_tokens, usage_details, service, environment, release, session_id, user_id, variant, prompt_name, prompt_version, tool_name,
       tags, cost_usd, input_usd, cache_read_usd, cache_write_usd, output_usd, other_usd, reported_cost_usd, price_status, price_source, price_version,
       price_model, price_note, duration_ns, ttft_ns, usage_role
from main.calls c
where usage_role = 'leaf';

create view stable.traces as
select (select name from main.projects p where p.project_id = t.project_id) as project, project_id, trace_id, start_time,
       make_timestamp(epoch_us(start_time) + duration_ns // 1000) as end_time, duration_ns / 1e6 as duration_ms, root_name as name, status, service, services,
       environment, release, session_id, user_id, tags, variants, prompts, models, spans, errors, error_type, error_message,
       model_calls_ok + model_calls_failed as model_calls, model_calls_failed, embedding_calls, tool_executions, tool_executions_failed, input_tokens,
       output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, unknown_usage_calls, cost_usd, unpriced_calls, reported_cost_usd, root_missing,
       coalesce(sample, false) as sample
from main.trace_summaries t;

create view stable.sessions as
select (select name from main.projects p where p.project_id = s.project_id) as project, s.*
from (
    select project_id, session_id, min(start_time) as start_time, max(make_timestamp(epoch_us(start_time) + duration_ns // 1000)) as end_time,
           arg_min(user_id, start_time) as user_id, count(*) as traces, count(*) filter (where status = 'error') as failed_traces,
           sum(spans)::bigint as spans, sum(errors)::bigint as errors, sum(model_calls_ok + model_calls_failed)::bigint as model_calls,
           sum(model_calls_failed)::bigint as model_calls_failed, sum(tool_executions)::bigint as tool_executions, sum(input_tokens)::bigint as input_tokens,
           sum(output_tokens)::bigint as output_tokens, sum(duration_ns) / 1e6 as busy_ms, sum(cost_usd) as cost_usd,
           sum(unpriced_calls)::bigint as unpriced_calls
    from main.trace_summaries where session_id is not null
    group by project_id, session_id
) s;

create view stable.scores as
select (select name from main.projects p where p.project_id = s.project_id) as project, s.*
from (
    select project_id, case when session_id is not null then 'session' when span_id is not null or response_id is not null then 'span' else 'trace' end as target,
           trace_id, span_id, session_id, response_id, name, arg_max_null(value, place) as value, arg_max_null(label, place) as label,
           arg_max_null(explanation, place) as explanation, source, evaluator, evaluator_version, author,
           arg_max_null(error_type, place) is not null as failed, arg_max_null(error_type, place) as error_type,
           max(time) as time, arg_max(metadata, place) as metadata
    from (select *, (commit_seq, time, score_id) as place from main.scores)
    group by project_id, trace_id, span_id, session_id, response_id, name, source, evaluator, evaluator_version, author
) s
where error_type is distinct from 'withdrawn';

comment on view stable.calls is 'One row: one model or embedding call that counts. Calls told twice, and sums of calls, are only in main.calls.';
comment on column stable.calls.project is 'Name of the project.';
comment on column stable.calls.project_id is 'Number of the project, as in the tables of main.';
comment on column stable.calls.trace_id is 'Trace that the call belongs to.';
comment on column stable.calls.span_id is 'Span of the call, a number: printf(''%016x'', span_id) is how links write it.';
comment on column stable.calls.start_time is 'When it began, UTC.';
comment on column stable.calls.duration_ms is 'How long it took, milliseconds. Null: it ended before it began.';
comment on column stable.calls.ttft_ms is 'Time to the first token, milliseconds. Null: not streamed, or not told.';
comment on column stable.calls.kind is 'llm or embedding.';
comment on column stable.calls.failed is 'Whether it failed.';
comment on column stable.calls.error_type is 'Kind of the error. Null: none, or not told.';
comment on column stable.calls.retry is 'Whether it asked again what had just failed in its trace. Null: its question is not known.';
comment on column stable.calls.provider is 'Who was asked, such as openai. Null: not told.';
comment on column stable.calls.model is 'Model that answered, else the one that was asked for. Null: neither was told.';
comment on column stable.calls.request_model is 'Model that was asked for. Null: not told.';
comment on column stable.calls.response_model is 'Model that answered. Null: not told.';
comment on column stable.calls.service_tier is 'Tier that served it, such as default, priority, flex or batch. Null: not told.';
comment on column stable.calls.input_tokens is 'Tokens of the input, with those read from a cache and written to one. Null: not told.';
comment on column stable.calls.output_tokens is 'Tokens of the output, with reasoning. Null: not told.';
comment on column stable.calls.cache_read_tokens is 'Part of input_tokens that came from a cache. Null: not told.';
comment on column stable.calls.cache_write_tokens is 'Part of input_tokens that went into a cache. Null: not told.';
comment on column stable.calls.reasoning_tokens is 'Part of output_tokens spent on reasoning. Null: not told.';
comment on column stable.calls.usage_details is 'JSON: counts of audio, images and the like. Null: none.';
comment on column stable.calls.service is 'Service that sent the span, else its trace''s. Null: not told.';
comment on column stable.calls.environment is 'Deployment environment. Null: not told.';
comment on column stable.calls.release is 'Version of the service. Null: not told.';
comment on column stable.calls.session_id is 'Session of the trace. Null: none.';
comment on column stable.calls.user_id is 'User of the trace. Null: none.';
comment on column stable.calls.variant is 'Variant of a comparison, of the span or the only one of its trace. Null: none.';
comment on column stable.calls.prompt_name is 'Name of the prompt. Null: not told.';
comment on column stable.calls.prompt_version is 'Version of the prompt. Null: not told.';
comment on column stable.calls.tool_name is 'Innermost tool within which the call was made. Null: none.';
comment on column stable.calls.tags is 'Tags of the trace; empty when it has none.';
comment on column stable.calls.cost_usd is 'Cost by the price tables, US dollars. Null: price or usage unknown.';
comment on column stable.calls.input_usd is 'Part of cost_usd: input that no cache was involved in, US dollars.';
comment on column stable.calls.cache_read_usd is 'Part of cost_usd: input read from a cache, US dollars.';
comment on column stable.calls.cache_write_usd is 'Part of cost_usd: input written to a cache, US dollars.';
comment on column stable.calls.output_usd is 'Part of cost_usd: output with reasoning, US dollars.';
comment on column stable.calls.other_usd is 'Part of cost_usd: searches, requests, hardware, US dollars.';
comment on column stable.calls.reported_cost_usd is 'Cost as the sender worked it out, US dollars; never part of cost_usd. Null: not told.';
comment on column stable.calls.price_status is 'priced, estimated, unknown_model, unknown_usage or invalid_usage.';
comment on column stable.calls.price_source is 'own or genai-prices. Null: no cost.';
comment on column stable.calls.price_version is 'Of an own price its hash, of a list price the release of the list. Null: no cost.';
comment on column stable.calls.price_model is 'Entry of the price table. Null: no cost.';
comment on column stable.calls.price_note is 'What was assumed, or why there is no cost. Null: nothing to tell.';
comment on column stable.calls.duration_ns is 'As duration_ms, nanoseconds, exact.';
comment on column stable.calls.ttft_ns is 'As ttft_ms, nanoseconds, exact.';
comment on column stable.calls.usage_role is 'Always leaf: the call counts. main.calls has aggregate and duplicate too.';

comment on view stable.traces is 'One row: one trace as known so far; spans that come late change it.';
comment on column stable.traces.project is 'Name of the project.';
comment on column stable.traces.project_id is 'Number of the project, as in the tables of main.';
comment on column stable.traces.trace_id is 'The trace.';
comment on column stable.traces.start_time is 'First start of its spans, UTC.';
comment on column stable.traces.end_time is 'Last end of its spans, UTC.';
comment on column stable.traces.duration_ms is 'From the first start to the last end, milliseconds.';
comment on column stable.traces.name is 'Name of the root span.';
comment on column stable.traces.status is 'error: the root failed. recovered: only inner spans did. ok.';
comment on column stable.traces.service is 'Service of the root span. Null: not told.';
comment on column stable.traces.services is 'Services of all spans.';
comment on column stable.traces.environment is 'Deployment environment. Null: not told.';
comment on column stable.traces.release is 'Version of the service. Null: not told.';
comment on column stable.traces.session_id is 'Session. Null: none.';
comment on column stable.traces.user_id is 'User. Null: none.';
comment on column stable.traces.tags is 'Tags; empty when it has none.';
comment on column stable.traces.variants is 'Variants of comparisons that its spans name.';
comment on column stable.traces.prompts is 'Prompts that its calls name, as name or name@version.';
comment on column stable.traces.models is 'Models of its calls.';
comment on column stable.traces.spans is 'Number of spans.';
comment on column stable.traces.errors is 'Number of failed spans without a failed child.';
comment on column stable.traces.error_type is 'Kind of the error of the deepest failed span. Null: none failed, or not told.';
comment on column stable.traces.error_message is 'Message of that error. Null: none failed, or not told.';
comment on column stable.traces.model_calls is 'Number of model calls that count, failed ones too.';
comment on column stable.traces.model_calls_failed is 'Number of those that failed.';
comment on column stable.traces.embedding_calls is 'Number of embedding calls.';
comment on column stable.traces.tool_executions is 'Number of tools run, failed ones too.';
comment on column stable.traces.tool_executions_failed is 'Number of those that failed.';
comment on column stable.traces.input_tokens is 'Of its model calls, as in calls. Null: none told it.';
comment on column stable.traces.output_tokens is 'Of its model calls, as in calls. Null: none told it.';
comment on column stable.traces.cache_read_tokens is 'Of its model calls, as in calls. Null: none told it.';
comment on column stable.traces.cache_write_tokens is 'Of its model calls, as in calls. Null: none told it.';
comment on column stable.traces.reasoning_tokens is 'Of its model calls, as in calls. Null: none told it.';
comment on column stable.traces.unknown_usage_calls is 'Number of model calls that ended well and told no usage: token sums lack them.';
comment on column stable.traces.cost_usd is 'Cost of its calls by the price tables, US dollars. Null: none has a cost.';
comment on column stable.traces.unpriced_calls is 'Number of calls without a cost, which cost_usd lacks. Null: not known of old traces.';
comment on column stable.traces.reported_cost_usd is 'Cost as the senders worked it out, US dollars. Null: none told it.';
comment on column stable.traces.root_missing is 'Whether the parent of its root span never arrived.';
comment on column stable.traces.sample is 'Whether it is of the sample data, whose times are shifted.';

comment on view stable.sessions is 'One row: one session, which is all traces of a project with one session id.';
comment on column stable.sessions.project is 'Name of the project.';
comment on column stable.sessions.project_id is 'Number of the project, as in the tables of main.';
comment on column stable.sessions.session_id is 'The session.';
comment on column stable.sessions.start_time is 'First start of its traces, UTC.';
comment on column stable.sessions.end_time is 'Last end of its traces, UTC.';
comment on column stable.sessions.user_id is 'User of the first trace that names one. Null: none does.';
comment on column stable.sessions.traces is 'Number of traces.';
comment on column stable.sessions.failed_traces is 'Number of traces of status error.';
comment on column stable.sessions.spans is 'Number of spans.';
comment on column stable.sessions.errors is 'Number of failed spans without a failed child.';
comment on column stable.sessions.model_calls is 'Number of model calls that count, failed ones too.';
comment on column stable.sessions.model_calls_failed is 'Number of those that failed.';
comment on column stable.sessions.tool_executions is 'Number of tools run, failed ones too.';
comment on column stable.sessions.input_tokens is 'Of its model calls, as in calls. Null: none told it.';
comment on column stable.sessions.output_tokens is 'Of its model calls, as in calls. Null: none told it.';
comment on column stable.sessions.busy_ms is 'Sum of the durations of its traces, milliseconds.';
comment on column stable.sessions.cost_usd is 'Cost of its calls by the price tables, US dollars. Null: none has a cost.';
comment on column stable.sessions.unpriced_calls is 'Number of calls without a cost, which cost_usd lacks. Null: not known.';

comment on view stable.scores is 'One row: the latest score of a target by name, source, evaluator, version and author. Scores that were taken back are left out.';
comment on column stable.scores.project is 'Name of the project.';
comment on column stable.scores.project_id is 'Number of the project, as in the tables of main.';
comment on column stable.scores.target is 'What was scored: trace, span or session.';
comment on column stable.scores.trace_id is 'Trace that was scored, or the span''s. Null: a session was, or only the response id is known.';
comment on column stable.scores.span_id is 'Span that was scored, a number. Null: another target, or only the response id is known.';
comment on column stable.scores.session_id is 'Session that was scored. Null: another target.';
comment on column stable.scores.response_id is 'The model call that was scored is the one with this response id: main.spans has it. Null: not told by it.';
comment on column stable.scores.name is 'What was judged, such as groundedness.';
comment on column stable.scores.value is 'The score. Null: only a label was given, or the evaluator failed.';
comment on column stable.scores.label is 'The label. Null: none was given.';
comment on column stable.scores.explanation is 'Why. Null: not told.';
comment on column stable.scores.source is 'Who judged: llm, human, code, user, api or telemetry.';
comment on column stable.scores.evaluator is 'Evaluator. Null: not told.';
comment on column stable.scores.evaluator_version is 'Its version. Null: not told.';
comment on column stable.scores.author is 'Person. Null: not told.';
comment on column stable.scores.failed is 'Whether the evaluator failed; value is null then.';
comment on column stable.scores.error_type is 'How it failed. Null: it did not.';
comment on column stable.scores.time is 'When it was given, UTC.';
comment on column stable.scores.metadata is 'What else was told of it; metadata[''key''] is one of its values.';

-- One row: one dashboard as it is now.
create table dashboards (
    project_id   integer not null,
    dashboard_id uuid primary key,
    name         varchar not null,                -- of the project's none has the same
    version      integer not null,                -- 1, 2, ...: whoever changes it names the one that was seen
    charts       varchar not null,                -- JSON: list of charts in order, see server/dashboards.py
    made_at      timestamp not null,              -- UTC, as is changed_at
    made_by      varchar,
    changed_at   timestamp not null,
    changed_by   varchar
);
