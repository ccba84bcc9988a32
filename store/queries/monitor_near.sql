-- Whether a span's trace has a call that the filters keep, within a day of the window. A condition; `monitor_anywhere` stands in its place where there is no
-- filter.
$sliced and trace_id in (select trace_id from /* part calls_kept since=earlier until=later */ kept)
