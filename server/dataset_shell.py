"""What `assay datasets` says."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evaluators.errors import OptionError
from server.evals.figures import counted
from server.when import told_time

Row = dict[str, Any]
DUPLICATES = ("taken", "repeated", "same")
SHOWN = 10  # findings of each check, and lines of a diff


def row(one: Mapping[str, Any]) -> Row:
    """A dataset as a row of a table."""
    newest = one["newest"] or {}
    return {
        "name": one["name"], "items": one["items"], "version": one["version"],
        "changed": told_time(newest.get("made_at", one["created_at"])), "note": newest.get("note", ""),
        "splits": splits(one["splits"]), "runs": one["runs"],
    }  # fmt: skip


def splits(counts: Mapping[str, int]) -> str:
    """`test 200, train 800`; those in no split come last."""
    named = [f"{name} {count:,}" for name, count in counts.items() if name]
    return ", ".join([*named, *([f"none {counts['']:,}"] if named and counts.get("") else [])])


def version_row(one: Mapping[str, Any]) -> Row:
    """A version as a row of a table."""
    names = ("version", "items", "added", "changed", "removed", "author", "note")
    return {
        "made": told_time(one["made_at"]),
        **{name: one[name] or ("" if name == "author" else one[name]) for name in names},
    }


def item_row(one: Mapping[str, Any]) -> Row:
    """An item as a row of a table."""
    said = one.get("question") or one.get("messages") or one.get("answer") or ""
    return {
        "id": one["id"], "asks": clip(said), "reference": clip(one.get("reference") or ""),
        "split": one["split"] or "", "tags": ", ".join(one["tags"]),
    }  # fmt: skip


def clip(told: Any, most: int = 80) -> str:
    """One line of it."""
    text = " ".join((told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)).split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def imported(told: Mapping[str, Any], *, dry_run: bool) -> str:
    """What came, or would come, of an import."""
    counts = f"{told['new']:,} new, {told['changed']:,} changed, {told['unchanged']:,} as they were"
    lines = [f"{counted(told['rows'], 'row')}: {counts}, {told['left_out']:,} left out."]
    lines += [f"{one['column']} -> {one['field']}" for one in told["columns"] if one["column"] != one["field"]]
    lines += [
        f"{one['column']!r} is no field and goes to metadata; did you mean {one['near']!r}?"
        for one in told["columns"]
        if one["near"] and one["field"] == "metadata"
    ]
    lines += [f"{kind}: {told[kind]:,} ({', '.join(told['named'][kind][:5])})" for kind in DUPLICATES if told[kind]]
    if told["loses"]:
        lines.append(f"{'With replace ' if dry_run else ''}{told['loses']}")
    lines.append("Nothing was set: a dry run." if dry_run else made(told["version"], told["dataset"]))
    if found := ", ".join(f"{name} {count:,}" for name, count in (told.get("checks") or {}).items() if count):
        lines.append(f"Checks found: {found}. `assay datasets check {told['dataset']}` names the items.")
    return "\n".join(lines)


def made(version: Mapping[str, Any] | None, name: str) -> str:
    """The version that a change made."""
    if version is None:
        return f"Nothing changed; {name} has no new version."
    counts = ", ".join(f"{version[kind]:,} {kind}" for kind in ("added", "changed", "removed"))
    said = f"Version {version['version']} of {name}: {counts}; {counted(version['items'], 'item')}."
    return " ".join([said, *version.get("sentences", ())])


def traced(told: Mapping[str, Any], *, dry_run: bool) -> str:
    """What came, or would come, of traces."""
    matching = f"{counted(told['matching'], 'trace matches', 'traces match')}, {told['traces']:,} read"
    parts = [
        counted(told["items"], "item"),
        *([counted(told["there"], "is there already", "are there already")] if told["there"] else []),
        *([counted(told["same"], "asks what an item asks", "ask what an item asks")] if told["same"] else []),
        *([f"{told['left_out']:,} left out"] if told["left_out"] else []),
        *([f"{told['nothing_asked']:,} without a recorded question"] if told["nothing_asked"] else []),
    ]
    done = "Nothing was set: a dry run." if dry_run else made(told["version"], told["dataset"])
    return f"{matching}: {', '.join(parts)}.\n{done}"


def diff_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two versions, with the words that changed."""
    counts = ", ".join(f"{told[kind]:,} {kind}" for kind in ("added", "changed", "removed"))
    yield f"Version {told['older']} to {told['newer']}: {counts}."
    for one in told["items"]:
        yield f"{one['change']} {one['id']}: {', '.join(one['fields'])}"
        if one["change"] == "changed":
            for name in one["fields"][:SHOWN]:
                yield f"  {name}: {words(_text(one['before'], name), _text(one['after'], name))}"
    left = told["added"] + told["removed"] + told["changed"] - len(told["items"])
    if left > 0:
        yield f"... and {left:,} more: --json tells all."


def _text(row: Mapping[str, Any], name: str) -> str:
    first, dot, rest = name.partition(".")
    told = row.get(first) if not dot else row.get("metadata", {}).get(rest)
    return "" if told is None else told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)


def words(before: str, after: str) -> str:
    """`The [-old-]{+new+} text`, as `git diff --word-diff` writes it."""
    old, new = before.split(), after.split()
    found = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            found += old[a:b] if b - a <= 8 else [*old[a : a + 4], "...", *old[b - 4 : b]]
            continue
        found += [f"[-{' '.join(old[a:b])}-]"] if b > a else []
        found += [f"{{+{' '.join(new[c:d])}+}}"] if d > c else []
    return " ".join(found)


def check_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """What checks found, each with its first items."""
    yield f"Version {told['version']}, {counted(told['items'], 'item')}."
    for one in told["findings"]:
        yield f"{one['check']:<13} {one['sentence']}"
        for named in one["named"][:SHOWN]:
            alike = "" if named.get("likeness") is None else f" alike by {named['likeness']:.2f}"
            differ = f"; {', '.join(named['differ'])} differ" if named.get("differ") else ""
            more = f" and {left:,} more" if (left := named.get("of", 0) - len(named["items"])) > 0 else ""
            yield f"    {', '.join(named['items'])}{more}{alike}{differ}{_where(named)}"
        if len(one["named"]) > SHOWN:
            yield "    ... --json tells more"
    if told["made"] is not None:
        version = told["made"]
        dropped = counted(told["removed"], "item was dropped", "items were dropped")
        yield f"Version {version['version']}: {dropped}, {told['moved']:,} moved."


def _where(named: Mapping[str, Any]) -> str:
    there = named.get("field") or (" and ".join(named["splits"]) if len({*named["splits"]}) > 1 else "")
    return f" ({there})" if there else ""


def pairs(told: Sequence[str], what: str) -> dict[str, str]:
    """`NAME=VALUE` of options. Raises OptionError."""
    found = {}
    for one in told:
        name, equals, value = one.partition("=")
        if not (equals and name and value):
            raise OptionError(f"{what} is written NAME=VALUE, not {one!r}.")
        found[name] = value
    return found


def shares(told: Sequence[str]) -> dict[str, float]:
    """`train=0.8 test=0.2`. Raises OptionError."""
    found = {}
    for name, value in pairs(told, "A part").items():
        try:
            found[name] = float(value)
        except ValueError:
            raise OptionError(f"The share of {name!r} is a number such as 0.8, not {value!r}.") from None
    return found
