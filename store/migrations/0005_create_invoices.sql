-- 0005_create_invoices.sql: one row is one invoice of a provider that a project keeps to hold its costs against. Replaced whole, never edited.
create table invoices (
    project_id  integer not null,
    name        varchar not null,      -- as links have it
    document    varchar not null,      -- CSV, as it was given; what it says is read from it each time
    provider    varchar,               -- OpenTelemetry's name of who billed; null: anyone, so that all calls are compared
    grain       varchar not null,      -- day, or month: what its lines are of
    since       date not null,         -- first day billed, UTC
    until       date not null,         -- the day after the last
    lines       bigint not null,       -- periods and models
    invoiced_usd double not null,      -- US dollars, credits taken off
    kept_at     timestamp not null,
    author      varchar,               -- who says to have given it
    primary key (project_id, name)
);
