-- Slices of calls by whether they failed, or by an amount of `latency_measured`; columns as in `parity_summed`.
with measured as not materialized (
    select value, case when $measure = 'failed' then failed::double else amount end as amount,
           case when $dimension = 'tag' then greatest(len(tags), 1) else 1 end as within, /* part parity_cluster */ as cluster
    from /* part latency_measured */ calls
)
select * from /* part parity_summed */ summed
