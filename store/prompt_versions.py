"""Prompts by version, their labels and tags. `store.prompt` is another thing: the guarded SQL prompt.

Reads take any cursor; writes go through `Writer.call`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

LATEST = "latest"  # always the newest version, and no label that can be moved
_VERSION = "name, version, content, variables, hash, model, note, set_at, author"
_LABEL = "label, place, version, from_version, protected, moved_at, author, reason"
_NOW = "now() at time zone 'utc'"


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of a prompt."""

    name: str
    version: int
    content: str  # JSON
    variables: list[str]  # that its templates name, sorted
    hash: str
    model: str | None
    note: str
    set_at: datetime  # UTC
    author: str | None


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a label; the newest says where it is."""

    label: str
    place: int
    version: int | None  # null: it was removed
    from_version: int | None
    protected: bool
    moved_at: datetime  # UTC
    author: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class State:
    """What a prompt is beside its versions."""

    tags: tuple[str, ...]
    away: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """One prompt, as a list shows it."""

    name: str
    version: int  # the newest
    model: str | None
    note: str
    set_at: datetime
    author: str | None
    tags: list[str]  # sorted


@dataclass(frozen=True, slots=True)
class Newest:
    """What a prompt is by now, for whoever sets many."""

    version: int
    hash: str
    place: int  # of its state
    state: State


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What a version would say."""

    content: str  # JSON
    texts: str
    variables: Sequence[str]
    hash: str
    model: str | None
    note: str
    author: str | None


def prompts(cursor: DuckDBPyConnection, project_id: int, text: str | None = None) -> list[Listed]:
    """The prompts that are not taken away, by name; `text`: in the name, or in what the newest version says."""
    rows = cursor.execute(
        "select v.name, v.version, v.model, v.note, v.set_at, v.author, s.tags from prompt_versions v "
        "join (select name, arg_max(tags, place) as tags, arg_max(away, place) as away from prompt_states "
        "      where project_id = $project_id group by name) s on s.name = v.name and not s.away "
        "where v.project_id = $project_id and v.version = (select max(version) from prompt_versions o "
        "      where o.project_id = $project_id and o.name = v.name) "
        "and ($text::varchar is null or contains(lower(v.name), lower($text)) or contains(lower(v.texts), "
        "lower($text))) order by v.name",
        {"project_id": project_id, "text": text or None},
    ).fetchall()
    return [Listed(*row) for row in rows]


def version(cursor: DuckDBPyConnection, project_id: int, name: str, number: int | None = None) -> StoredVersion | None:
    """One version; null for `number`: the newest. Also of a prompt that was taken away. Null: there is none."""
    rows = cursor.execute(
        f"select {_VERSION} from prompt_versions where project_id = $project_id and name = $name "
        "and ($number::integer is null or version = $number::integer) order by version desc limit 1",
        {"project_id": project_id, "name": name, "number": number},
    ).fetchall()
    return StoredVersion(*rows[0]) if rows else None


def versions(cursor: DuckDBPyConnection, project_id: int, name: str) -> list[StoredVersion]:
    """All versions of a prompt, the newest first."""
    rows = cursor.execute(
        f"select {_VERSION} from prompt_versions where project_id = ? and name = ? order by version desc",
        [project_id, name],
    ).fetchall()
    return [StoredVersion(*row) for row in rows]


def state(cursor: DuckDBPyConnection, project_id: int, name: str) -> State | None:
    """Its tags, and whether it was taken away. Null: there never was one of this name."""
    rows = cursor.execute(
        "select tags, away from prompt_states where project_id = ? and name = ? order by place desc limit 1",
        [project_id, name],
    ).fetchall()
    return State(tuple(rows[0][0]), rows[0][1]) if rows else None


def labels(cursor: DuckDBPyConnection, project_id: int, name: str) -> dict[str, Move]:
    """The labels of a prompt that name a version, by label: their last move."""
    found = {one.label: one for one in sorted(moves(cursor, project_id, name), key=lambda one: one.place)}
    return {label: found[label] for label in sorted(found) if found[label].version is not None}


def labels_of_all(cursor: DuckDBPyConnection, project_id: int) -> dict[str, dict[str, int]]:
    """Name of prompt -> label -> version, of the labels that name one."""
    rows = cursor.execute(
        "select name, label, arg_max_null(version, place) as version from prompt_labels where project_id = ? "
        "group by name, label having version is not null order by name, label",
        [project_id],
    ).fetchall()
    found: dict[str, dict[str, int]] = {}
    for name, label, number in rows:
        found.setdefault(name, {})[label] = number
    return found


def moves(cursor: DuckDBPyConnection, project_id: int, name: str) -> list[Move]:
    """Every move of every label of a prompt, the newest first."""
    rows = cursor.execute(
        f"select {_LABEL} from prompt_labels where project_id = ? and name = ? "
        "order by moved_at desc, label, place desc",
        [project_id, name],
    ).fetchall()
    return [Move(*row) for row in rows]


def these(cursor: DuckDBPyConnection, project_id: int, numbers: Mapping[str, int]) -> list[StoredVersion]:
    """A version each of many prompts, by name."""
    rows = cursor.execute(
        f"select {_VERSION} from prompt_versions where project_id = $project_id and (name, version) in "
        "(select (unnest($names::varchar[]), unnest($numbers::integer[]))) order by name",
        {"project_id": project_id, "names": list(numbers), "numbers": list(numbers.values())},
    ).fetchall()
    return [StoredVersion(*row) for row in rows]


def newest(cursor: DuckDBPyConnection, project_id: int) -> dict[str, Newest]:
    """All prompts that there ever were, by name."""
    rows = cursor.execute(
        "select v.name, v.version, v.hash, s.place, s.tags, s.away from "
        "(select name, max(version) as version, arg_max(hash, version) as hash from prompt_versions "
        "where project_id = $project_id group by name) v join "
        "(select name, max(place) as place, arg_max(tags, place) as tags, arg_max(away, place) as away "
        "from prompt_states where project_id = $project_id group by name) s on s.name = v.name",
        {"project_id": project_id},
    ).fetchall()
    return {row[0]: Newest(row[1], row[2], row[3], State(tuple(row[4]), row[5])) for row in rows}


def last_moves(cursor: DuckDBPyConnection, project_id: int, label: str) -> dict[str, Move]:
    """Where a label went last, by prompt."""
    rows = cursor.execute(
        f"select name, {_LABEL} from prompt_labels where project_id = ? and label = ? order by place",
        [project_id, label],
    ).fetchall()
    return {row[0]: Move(*row[1:]) for row in rows}


def add_versions(cursor: DuckDBPyConnection, project_id: int, rows: Sequence[tuple[str, int, NewVersion]]) -> None:
    """Add versions of many prompts by their numbers, as `set_version` would one by one, which takes far longer."""
    told = [one for _, _, one in rows]
    cursor.execute(
        "insert into prompt_versions (project_id, name, version, content, texts, variables, hash, model, note, author, "
        "set_at) select $project_id, unnest($name::varchar[]), unnest($version::integer[]), "
        "unnest($content::varchar[]), unnest($texts::varchar[]), unnest($variables::varchar[][]), "
        "unnest($hash::varchar[]), unnest($model::varchar[]), unnest($note::varchar[]), unnest($author::varchar[]), "
        f"{_NOW}",
        {"project_id": project_id, "name": [row[0] for row in rows], "version": [row[1] for row in rows]}
        | {key: [getattr(one, key) for one in told] for key in ("content", "texts", "hash", "model", "note", "author")}
        | {"variables": [list(one.variables) for one in told]},
    )


def add_states(
    cursor: DuckDBPyConnection, project_id: int, rows: Sequence[tuple[str, int, State]], author: str | None
) -> None:
    """Add states of many prompts at their places, as `set_state` would one by one."""
    cursor.execute(
        "insert into prompt_states (project_id, name, place, tags, away, set_at, author) select $project_id, "
        "unnest($names::varchar[]), unnest($places::integer[]), unnest($tags::varchar[][]), unnest($away::boolean[]), "
        f"{_NOW}, $author",
        {
            "project_id": project_id, "names": [row[0] for row in rows], "places": [row[1] for row in rows],
            "tags": [list(row[2].tags) for row in rows], "away": [row[2].away for row in rows], "author": author,
        },
    )  # fmt: skip


def add_moves(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection,
    project_id: int,
    label: str,
    rows: Mapping[str, int],
    before: Mapping[str, Move],
    author: str | None,
) -> None:
    """Let a label name versions of many prompts, as `move_label` would one by one; `before`: as `last_moves` says."""
    held = [before.get(name) for name in rows]
    cursor.execute(
        "insert into prompt_labels (project_id, label, name, place, version, from_version, protected, moved_at, "
        "author, reason) select $project_id, $label, unnest($names::varchar[]), unnest($places::integer[]), "
        "unnest($versions::integer[]), unnest($from::integer[]), unnest($protected::boolean[]), "
        f"{_NOW}, $author, ''",
        {
            "project_id": project_id, "label": label, "names": list(rows), "versions": list(rows.values()),
            "places": [1 if one is None else one.place + 1 for one in held],
            "from": [None if one is None else one.version for one in held],
            "protected": [one is not None and one.protected for one in held], "author": author,
        },
    )  # fmt: skip


def set_version(cursor: DuckDBPyConnection, project_id: int, name: str, new: NewVersion) -> StoredVersion:
    """Make this the newest version; where the newest has the same hash it stays. A prompt that was away is back."""
    last = version(cursor, project_id, name)
    if last is None or last.hash != new.hash:
        number = 1 if last is None else last.version + 1
        cursor.execute(
            "insert into prompt_versions (project_id, name, version, content, texts, variables, hash, model, note, "
            f"set_at, author) select ?, ?, ?, ?, ?, ?, ?, ?, ?, {_NOW}, ?",
            [
                project_id,
                name,
                number,
                new.content,
                new.texts,
                list(new.variables),
                new.hash,
                new.model,
                new.note,
                new.author,
            ],
        )
        last = version(cursor, project_id, name)
    held = state(cursor, project_id, name)
    if held is None or held.away:
        set_state(cursor, project_id, name, State(held.tags if held else (), away=False), new.author)
    assert last is not None  # noqa: S101 - it was just added, in this transaction
    return last


def set_state(cursor: DuckDBPyConnection, project_id: int, name: str, new: State, author: str | None) -> None:
    """Set tags and whether it is away; what is so already adds no row."""
    if state(cursor, project_id, name) == new:
        return
    cursor.execute(
        "insert into prompt_states (project_id, name, place, tags, away, set_at, author) "
        "select $project_id, $name, (select coalesce(max(place), 0) + 1 from prompt_states "
        f"where project_id = $project_id and name = $name), $tags, $away, {_NOW}, $author",
        {"project_id": project_id, "name": name, "tags": list(new.tags), "away": new.away, "author": author},
    )


def move_label(
    cursor: DuckDBPyConnection,
    project_id: int,
    name: str,
    label: str,
    number: int | None,
    *,
    protected: bool | None = None,
    author: str | None = None,
    reason: str = "",
) -> None:
    """Let a label name a version, or none; null for `protected`: as it was. What is so already adds no row."""
    last = next((one for one in moves(cursor, project_id, name) if one.label == label), None)
    held, place = (last.version, last.place) if last else (None, 0)
    kept = last is not None and last.protected
    wanted = kept if protected is None else protected
    if (held, kept) == (number, wanted):
        return
    cursor.execute(
        f"insert into prompt_labels (project_id, name, {_LABEL}) select ?, ?, ?, ?, ?, ?, ?, {_NOW}, ?, ?",
        [project_id, name, label, place + 1, number, held, wanted, author, reason],
    )


def take_away(cursor: DuckDBPyConnection, project_id: int, name: str, author: str | None) -> None:
    """Take a prompt from the lists: its labels are removed, its versions stay."""
    held = state(cursor, project_id, name)
    if held is None or held.away:
        return
    for label in labels(cursor, project_id, name):
        move_label(
            cursor, project_id, name, label, None, protected=False, author=author, reason="The prompt was deleted."
        )
    set_state(cursor, project_id, name, State(held.tags, away=True), author)


def tagged(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags as they are kept: each once, sorted."""
    return tuple(sorted(set(tags)))
