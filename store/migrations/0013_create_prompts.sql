-- 0013_create_prompts.sql: versioned prompts and the labels that point at their versions. Rows are added and never changed.

-- One row: one version of a prompt.
create table prompt_versions (
    project_id integer not null,
    name       varchar not null,
    version    integer not null,      -- 1, 2, ... of each name; the newest is what `latest` names
    content    varchar not null using compression zstd, -- JSON: text or messages, model, parameters, tools
    texts      varchar not null using compression zstd, -- of it all that is said, for the search
    variables  varchar[] not null,    -- that its templates name, sorted
    hash       varchar not null,      -- sha256 of the content, hex digits; equal for versions that say the same
    model      varchar,               -- null: the version names none
    note       varchar not null,      -- why this version; may be empty
    set_at     timestamp not null,    -- UTC
    author     varchar,               -- who says to have set it
    primary key (project_id, name, version)
);

-- One row: what a prompt is beside its versions, from then on. The newest of a name counts.
create table prompt_states (
    project_id integer not null,
    name       varchar not null,
    place      integer not null,      -- 1, 2, ... of each name
    tags       varchar[] not null,    -- sorted
    away       boolean not null,      -- it was taken from the lists; its versions stay
    set_at     timestamp not null,
    author     varchar,
    primary key (project_id, name, place)
);

-- One row: one move of a label of a prompt. The newest of a label counts.
create table prompt_labels (
    project_id   integer not null,
    name         varchar not null,
    label        varchar not null,
    place        integer not null,    -- 1, 2, ... of each label of a prompt
    version      integer,             -- that it names from then on; null: it was removed
    from_version integer,             -- that it named before; null: none
    protected    boolean not null,    -- from then on; moving it asks for a confirmation
    moved_at     timestamp not null,
    author       varchar,
    reason       varchar not null,    -- may be empty
    primary key (project_id, name, label, place)
);
