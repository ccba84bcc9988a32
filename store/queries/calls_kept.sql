-- Calls that count: those of `calls_told` with usage role `leaf`. A part of other queries.
select * from /* part calls_told */ told where usage_role = 'leaf'
