-- 0019_create_monitors.sql: monitors, standing checks of what comes in; alerts, what they raise; channels, whom alerts are told to, and what became of that.

-- One row: one monitor as it is now. Which looks it has had stands in monitor_looks, how it was set over time in monitor_versions.
create table monitors (
    project_id   integer not null,
    monitor_id   uuid not null,
    name         varchar not null,
    version      integer not null,     -- 1, 2, ...; another document makes another one
    basis        integer not null,     -- the first version that looks as this one does: looks of earlier ones count no more
    document     varchar not null,     -- JSON: signal, slice, reference, schedule, policy
    enabled      boolean not null,
    state        varchar not null,     -- new: not looked at yet; ok, insufficient data, firing
    state_since  timestamp not null,
    why          varchar,              -- of insufficient data: what is missing; null: nothing to say
    looked_until timestamp,            -- end of the window of the last look; null: none yet
    next_look    timestamp not null,   -- when the next one is due
    recent       varchar not null,     -- the last 99 looks, the newest last: + counts, - does not, ? had too little
    p            double,               -- of the last look; null: it had no test
    fitted       varchar,              -- JSON: what the reference is, and since when looks are compared with it; null: not fitted
    calibration  varchar,              -- JSON: false alarms a month and delay, each with its interval; null: not worked out, or impossible
    calibrated_at timestamp,
    created_at   timestamp not null,
    set_at       timestamp not null,
    author       varchar,
    primary key (monitor_id)
);

-- One row: a monitor as it was set once. Rows are added and never changed.
create table monitor_versions (
    project_id integer not null,
    monitor_id uuid not null,
    name       varchar not null,
    version    integer not null,
    document   varchar,                -- null: it was taken away with this version
    set_at     timestamp not null,
    author     varchar
);

-- One row: what one monitor saw at one time. Rows are added and never changed; those of 400 days are kept.
create table monitor_looks (
    project_id integer not null,
    monitor_id uuid not null,
    version    integer not null,
    ended_at   timestamp not null,     -- end of the window that was looked at
    looked_at  timestamp not null,
    value      double,                 -- of the window, in the signal's unit; null: unknown
    expected   double,                 -- what the reference lets expect; null: unknown, or the check has no reference
    low        double,                 -- 95 % interval of the value about what is expected; null: too little
    high       double,
    n          double,                 -- what the window has: calls, scores, traces; 0: none
    effect     double,                 -- in the policy's unit; null: unknown
    p          double,                 -- of no change; null: too little data, or no test
    p_adjusted double,                 -- over the round
    counts     boolean,                -- whether the look counts towards an alert; null: too little data
    state      varchar not null,       -- of the monitor after it
    note       varchar                 -- what else there is to say, such as that the evaluator is another one
);

-- One row: one bucket of time of one stream of values, as it was worked out last; buckets of windows that are over stay as they are.
create table monitor_buckets (
    project_id integer not null,
    series     varchar not null,       -- hash of signal, slice and length of a bucket
    bucket     timestamp not null,     -- its start
    value      double,                 -- null: the bucket has none
    weight     double not null,        -- what the value counts, such as the hour's calls; 0: there is no value
    ruler      varchar                 -- evaluator and version of scores, or version of the normaliser; null: of no importance, or none
);

-- One row: what the reference of one monitor lets expect, as it was fitted last.
create table monitor_references (
    project_id integer not null,
    monitor_id uuid not null,
    content    varchar not null,       -- JSON: of streams the profile and its variance, of samples their rows
    primary key (monitor_id)
);

-- One row: one alert, as it stands.
create table alerts (
    project_id   integer not null,
    alert_id     uuid not null,
    number       integer not null,     -- 1, 2, ... in each project
    monitor_id   uuid not null,
    monitor      varchar not null,     -- its name when it fired
    version      integer not null,
    severity     varchar not null,     -- info warning critical
    state        varchar not null,     -- firing acknowledged resolved
    opened_at    timestamp not null,
    changed_since timestamp,           -- the estimated time of the change; null: unknown
    since_low    timestamp,            -- its 95 % interval
    since_high   timestamp,
    cause        varchar not null,     -- what alerts are grouped by: release:1.8, model:gpt-4o, slice:service=shop, or monitor:NAME where no cause is known
    verdict      varchar not null,     -- one sentence
    document     varchar not null,     -- JSON: series, slices, markers, example traces, as explained when it fired or later
    last_counted timestamp not null,   -- the newest look that counted
    owner        varchar,              -- null: nobody's
    acknowledged_at timestamp,
    acknowledged_by varchar,
    snoozed_until timestamp,           -- nothing is told before; null: not snoozed
    escalated_at timestamp,            -- null: not escalated
    resolved_at  timestamp,
    resolved_by  varchar,              -- null: by itself, as no look counts any more
    note         varchar,              -- post-mortem, Markdown; null: none
    primary key (alert_id)
);

-- One row: one thing that happened to an alert. Rows are added and never changed.
create table alert_events (
    project_id integer not null,
    alert_id   uuid not null,
    happened_at timestamp not null,
    event      varchar not null,       -- opened explained acknowledged snoozed unsnoozed owned escalated noted resolved reopened
    author     varchar,                -- null: the monitor
    text       varchar
);

-- One row: one place that alerts are told to. Its address is a secret and stands in a file beside the store, never here.
create table channels (
    project_id integer not null,
    name       varchar not null,
    kind       varchar not null,       -- apprise webhook
    document   varchar not null,       -- JSON: which severities and events it is told, what may be shown of its address, and where that stands in the file
    set_at     timestamp not null,
    author     varchar,
    primary key (project_id, name)
);

-- One row: a channel as it was set once. Rows are added and never changed.
create table channel_versions (
    project_id integer not null,
    name       varchar not null,
    kind       varchar not null,
    document   varchar,                -- null: it was taken away
    set_at     timestamp not null,
    author     varchar
);

-- One row: what one channel is told of one alert, until it is delivered or given up.
create table deliveries (
    project_id  integer not null,
    delivery_id uuid not null,
    message_id  uuid not null,         -- receivers know repeats by it; alerts of one cause that open together are one message and share it
    channel     varchar not null,
    alert_id    uuid,                  -- null: a test message
    event       varchar not null,      -- opened escalated resolved unsnoozed reopened test
    message     varchar not null,      -- JSON: title, text, link, and what a webhook tells of the alert
    state       varchar not null,      -- waiting sent failed cancelled
    created_at  timestamp not null,
    next_try_at timestamp,             -- null: none is due
    give_up_at  timestamp not null,    -- a try that fails after it is the last
    tries       integer not null,
    sent_at     timestamp,
    primary key (delivery_id)
);

-- One row: one try to deliver. Rows are added and never changed.
create table delivery_tries (
    project_id  integer not null,
    delivery_id uuid not null,
    began_at    timestamp not null,
    took_ms     double not null,
    outcome     varchar not null,      -- sent; refused: answered by another status than 2xx; failed: no answer; timeout
    detail      varchar                -- status and reason, without any secret
);
