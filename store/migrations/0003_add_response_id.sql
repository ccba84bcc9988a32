-- 0003_add_response_id.sql: a response id that only log records tell, by which the call's twin in another trace finds it.
alter table span_derived add column response_id varchar;  -- null: as in spans
