-- One session over all its traces, whenever they started; no row: no trace of this session is resolved.
with page as (select $session_id::varchar as session_id)
select * from /* part session_totals */ totals
