-- One row per call with such an amount, in no order: a list of lone amounts.
select amount from /* part latency_told */ told
