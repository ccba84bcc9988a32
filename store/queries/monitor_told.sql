-- Rows of scores named one of `$scores`. A part of other queries; `monitor_told_twice` stands in its place where people's scores are looked for.
select * from /* part scores_standing */ standing where name in (select unnest($scores::varchar[])) and not $with_person
