-- 0006_add_retry.sql: whether a call asked again what had just failed. Calls that are stored keep null until their trace is resolved again.
alter table calls add column retry boolean;  -- the call before it in the trace, of the same kind and question, had ended and failed; null: its question is not known
