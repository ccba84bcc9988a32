-- One row per model (null: unknown) with calls that have a reported and a computed cost, and how many: those whose sums are furthest apart first.
select model, sum(compared)::bigint as compared
from /* part calls_summed */ summed group by model having sum(compared) > 0
order by abs(sum(compared_reported_pico) - sum(compared_computed_pico)) desc, compared desc, model
limit $models
