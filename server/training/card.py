"""The data card of training files: where rows come from, what was left out and replaced, under which licence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from server.evals.figures import counted
from server.finetuning import LEAST
from server.jsontext import dumps
from server.labelling.terms import Asked
from server.training.formats import FORMATS
from server.training.wanted import SPLITS, Wanted

VERSION = 1

Row = dict[str, Any]


def card(wanted: Wanted, head: Row, asked: Asked, made: Row) -> Row:
    """The card as plain values.

    Args:
        wanted: what was asked for, with the answers that count as good.
        head: what was gathered.
        asked: the field.
        made: `rows`, `splits`, `left_out`, `redacted`, `files`, `clusters`, `bounded`, `rows_of_items`.
    """
    form = FORMATS[wanted.format]
    people: Row = {"count": len(head["people"]) if head["source"]["kind"] == "queue" else head["users"]}
    if wanted.names and head["people"]:
        people["names"] = head["people"]
    request = wanted.model_dump(mode="json", exclude={"source", "licence", "names"})
    told: Row = {
        "card": VERSION, "format": form.name, "title": form.title, "columns": list(form.columns),
        "schema_of": form.source, "licence": wanted.licence, "source": head["source"],
        "labels": head["labels"], "labels_until": head["labels_until"], "people": people,
        "agreement": head["agreement"], "items": head["items"], **made, "request": request,
        "redaction": {"on": wanted.redact, "types": list(wanted.redact_types) if wanted.redact else []},
    }  # fmt: skip
    told["sentences"] = list(_sentences(told, wanted, asked))
    plain: Row = orjson.loads(dumps(told))
    return plain


def _sentences(told: Row, wanted: Wanted, asked: Asked) -> Iterator[str]:
    """What is in the files, and what to know of it."""
    parts = [f"{told['splits'][name]['rows']:,} {name}" for name in SPLITS if name in wanted.splits]
    yield f"{counted(told['rows'], 'row')} of {counted(told['rows_of_items'], 'item')}: {', '.join(parts)}."
    if told["request"]["good"]["answers"] and wanted.format in {"openai", "messages", "kto"}:
        yield f"An answer is a good one where {asked.name} is {' or '.join(told['request']['good']['answers'])}."
    for reason, n in told["left_out"].items():
        yield f"{n:,} {'is' if n == 1 else 'are'} left out: {reason}."
    if wanted.redact:
        found = ", ".join(f"{n:,} {name}" for name, n in told["redacted"].items())
        yield f"Replaced: {found}." if found else "Nothing was found that had to be replaced."
    else:
        yield "Personal data was not looked for."
    empty = [name for name in SPLITS if told["request"]["splits"].get(name) and not told["splits"][name]["rows"]]
    if empty and told["rows"]:
        yield f"No row lies in {' and '.join(empty)}: another seed, or more rows, fill it."
    if told["bounded"]:
        yield "Too many texts are alike to compare every pair, so a near duplicate may stand in two splits."
    if wanted.format == "openai" and told["splits"]["train"]["rows"] < LEAST:
        yield f"OpenAI demands at least {LEAST} examples; train has {told['splits']['train']['rows']:,}."


def markdown(told: Mapping[str, Any]) -> str:
    """The card for people, with the head that `datasets.load_dataset` reads files from."""
    return "\n".join([*_front(told), *_body(told)]) + "\n"


def _front(told: Mapping[str, Any]) -> Iterator[str]:
    files = [one["name"] for one in told["files"] if one["name"].removesuffix(".jsonl") in SPLITS]
    if not files:
        return
    yield "---"
    yield "configs:"
    yield "- config_name: default"
    yield "  data_files:"
    for name in files:
        yield f"  - split: {name.removesuffix('.jsonl')}"
        yield f"    path: {name}"
    yield "---"


def _body(told: Mapping[str, Any]) -> Iterator[str]:
    source = told["source"]
    yield f"# {told['title']}"
    yield ""
    for sentence in told["sentences"]:
        yield f"- {_plain(sentence)}"
    yield ""
    yield "## Licence or consent"
    yield ""
    yield from (f"> {_plain(line)}" for line in told["licence"].strip().splitlines())
    yield ""
    yield "## Where it comes from"
    yield ""
    if source["kind"] == "queue":
        versions = f"version {source['queue_version']}, form of version {source['fields_version']}"
        yield f"- Queue `{source['queue']}`, {versions}"
        yield f"- Field `{source['field']}` ({source['field_kind']}): {_plain(source['question'])}"
        if source["judges"]:
            yield f"- Judges that are measured by it: {', '.join(f'`{one}`' for one in source['judges'])}"
    else:
        yield f"- Corrections of end users, score `{source['score']}`, from {source['since']} to {source['until']}"
    yield f"- {counted(told['labels'], 'label')}, the newest of {told['labels_until'] or 'no time'}"
    who = "person" if source["kind"] == "queue" else "user who is named"
    yield f"- {counted(told['people']['count'], who, 'people' if source['kind'] == 'queue' else 'users who are named')}"
    if told["people"].get("names"):
        yield f"- They are {', '.join(map(_plain, told['people']['names']))}"
    yield from _agreement(told)
    yield from _splits(told)
    yield from _files(told)


def _agreement(told: Mapping[str, Any]) -> Iterator[str]:
    known = [row for row in told["agreement"] if row["value"] is not None]
    if not known:
        return
    yield ""
    yield "## Agreement"
    yield ""
    yield "| coefficient | value | 95 % interval | items | people |"
    yield "|---|---:|---|---:|---:|"
    for row in known:
        ends = "" if row["ci_low"] is None else f"{row['ci_low']:.3f} to {row['ci_high']:.3f}"
        yield f"| {row['coefficient']} | {row['value']:.3f} | {ends} | {row['n_items']} | {row['n_labellers']} |"


def _splits(told: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield "## Splits"
    yield ""
    yield "| split | rows | answers |"
    yield "|---|---:|---|"
    for name, one in told["splits"].items():
        answers = ", ".join(f"{_plain(answer)} {n}" for answer, n in one["answers"].items())
        yield f"| {name} | {one['rows']} | {answers} |"
    yield ""
    near, seed = told["request"]["near"], told["request"]["seed"]
    yield (
        f"Rows of one session or trace, and rows whose prompts are alike by {near:g} or more, lie in one split: "
        f"{counted(told['clusters'], 'cluster')}, seed {seed}."
    )


def _files(told: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield "## Files"
    yield ""
    yield "| file | rows | bytes | SHA-256 |"
    yield "|---|---:|---:|---|"
    for one in told["files"]:
        yield f"| {one['name']} | {one['rows']} | {one['bytes']} | `{one['sha256']}` |"
    yield ""
    yield f"The format is described at {told['schema_of']}. `card.json` says all of this for programs."


def _plain(text: str) -> str:
    """One line of text that is nobody's markup."""
    line = " ".join(str(text).split())
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#" else one for one in line)
