-- One row per label: averages of one measure by unit before the day `cut` (early) and from then on (late), and the units that have both. `covariance`: of both.
with units as (
    select label, unit, avg(value) filter (day < $cut::date) as early, avg(value) filter (day >= $cut::date) as late
    from /* part ab_values */ told group by label, unit
)
select label, count(early) as early_units, avg(early) as early_mean, var_samp(early) as early_variance,
       case when var_pop(early) > 0 then kurtosis_pop(early) + 3 end as early_kurtosis,
       count(late) as late_units, avg(late) as late_mean, var_samp(late) as late_variance,
       case when var_pop(late) > 0 then kurtosis_pop(late) + 3 end as late_kurtosis,
       count(early) filter (late is not null) as both_units, covar_samp(early, late) as covariance
from units group by label order by label
