-- One row per release of a service, and version of a prompt, whose first call of all is in the window, but for those that were the first of their
-- service or prompt: they replaced nothing. Called with a `$since` before all calls; the window begins at `$from`.
with told as (
    select 'release' as what, service as name, release as version, min(start_time) as first_seen
    from /* part calls_kept */ kept where release is not null group by all
    union all
    select 'prompt', prompt_name, prompt_version, min(start_time)
    from /* part calls_kept */ kept where prompt_name is not null and prompt_version is not null group by all
), ranked as (
    select *, row_number() over (partition by what, name order by first_seen, version) as place from told
)
select what, name, version, first_seen from ranked
where place > 1 and first_seen >= $from
order by first_seen, what, name
limit $max_rows
