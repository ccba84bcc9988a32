-- One row: when the first of all calls that the filters keep started; of calls that are summed its quarter of an hour. Null: there is none.
select min(start_time) as opened from /* part calls_summed */ summed
