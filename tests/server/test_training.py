"""What labels become, over HTTP: every format loads with the `datasets` library and fits its published shape."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from server.client import ApiError, Client

Serving = Any  # of conftest.py
Row = dict[str, Any]
LICENCE = "CC BY 4.0; testers agreed."
FIELDS = [
    {"name": "ok", "kind": "binary", "title": "Is it right?"},
    {"name": "stars", "kind": "ordinal", "choices": ["bad", "fair", "good"], "required": False},
    {"name": "better", "kind": "correction", "required": False},
]
TOOL = {"name": "weather", "arguments": {"city": "Paris", "days": 2}, "result": "12 degrees"}


@pytest.fixture(scope="module")
def client(shared: Serving) -> Iterator[Client]:
    with shared.client() as found:
        yield found


WORDS = "amber birch cedar delta ember fjord grove heath islet jetty knoll lagoon marsh nook oasis pond quarry reef".split()


def question(at: int) -> str:
    """No two are nearly the same."""
    return " ".join(f"{word}{at}" for word in WORDS[at % 3 :: 3])


def item(at: int, **more: Any) -> Row:
    side = {"answer": f"It is number {at}.", "steps": [TOOL] if at == 3 else []}
    asked = f"Mail bob{at}@example.com about it: {question(at)}" if at == 2 else question(at)
    return {"content": {"question": asked, "sides": [side]}, "key": f"k{at}", **more}


def put(client: Client, queue: str, fields: Sequence[Row], items: Sequence[Row], labels: Sequence[tuple[Any, ...]]) -> None:
    """Labels: number, author, answers."""
    client.set_queue(queue, {"fields": list(fields), "labels": 3, "guidelines": "Be {{strict}}."}, "eve")
    client.add_items(queue, list(items), "eve")
    told = [{"number": number, "labeller": author, "answers": answers} for number, author, answers in labels]
    client.import_labels(queue, told, "eve")


@pytest.fixture(scope="module")
def answers(client: Client) -> str:
    """Forty items by two people: every third is wrong and corrected, item 4 is disputed, item 5 is gold."""
    labels = []
    for at in range(1, 41):
        wrong = at % 3 == 0
        told: Row = {"ok": "no" if wrong else "yes", "stars": "bad" if wrong else "good"}
        told |= {"better": f"It is {at}, in fact."} if wrong else {}
        labels += [(at, "ann", told), (at, "bob", {**told, "ok": "no"} if at == 4 else told)]
    items = [item(at, gold={"ok": "yes"} if at == 5 else None, session_id="s" if at in {6, 7} else None) for at in range(1, 41)]
    put(client, "answers", FIELDS, items, labels)
    return "answers"


@pytest.fixture(scope="module")
def compared(client: Client) -> str:
    """Thirty pairs and a tie, and rankings of them."""
    fields = [{"name": "best", "kind": "preference"}, {"name": "order", "kind": "ranking"}]
    items = []
    for at in range(1, 31):
        sides = [{"key": key, "answer": f"{key} says {at}."} for key in "ab"]
        history = [
            {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
            {"role": "user", "parts": [{"type": "text", "content": f"Hello {at}."}]},
            {"role": "assistant", "parts": [{"type": "text", "content": "Hello."}]},
            {"role": "user", "parts": [{"type": "text", "content": question(at)}]},
        ]  # fmt: skip
        items.append({"content": {"question": question(at), "history": history, "sides": sides}})
    labels = []
    for at in range(1, 31):
        best = "tie" if at == 30 else "ab"[at % 2]
        order = [["a", "b"]] if best == "tie" else [[best], ["b" if best == "a" else "a"]]
        labels.append((at, "ann", {"best": best, "order": order}))
    put(client, "compared", fields, items, labels)
    return "compared"


def wanted(queue: str, field: str, form: str, **more: Any) -> Row:
    source = {"kind": "queue", "queue": queue, "field": field}
    return {"source": source, "format": form, "licence": LICENCE, "keep": {}, **more}


def files(client: Client, told: Mapping[str, Any]) -> dict[str, bytes]:
    held = io.BytesIO()
    client.training_data(told, held)
    with zipfile.ZipFile(held) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def rows_of(held: Mapping[str, bytes]) -> list[Row]:
    names = ("train.jsonl", "validation.jsonl", "test.jsonl")
    return [json.loads(line) for name in names if name in held for line in held[name].splitlines()]


# As the sources of the formats have them, written from their pages and not from the code.
CALLS = {"type": "array", "items": {
    "type": "object", "required": ["type", "function"],
    "properties": {"id": {"type": "string"}, "type": {"const": "function"}, "function": {
        "type": "object", "required": ["name", "arguments"],
        "properties": {"name": {"type": "string"}, "arguments": {"type": ["object", "string"]}},
    }},
}}  # fmt: skip
TURNS = {"type": "array", "minItems": 1, "items": {
    "type": "object", "required": ["role"],
    "properties": {
        "role": {"enum": ["system", "user", "assistant", "tool", "developer"]}, "content": {"type": "string"},
        "tool_calls": CALLS, "tool_call_id": {"type": "string"},
    },
}}  # fmt: skip
PUBLISHED = {
    "openai": {"messages": TURNS}, "messages": {"messages": TURNS},
    "dpo": {"prompt": TURNS, "chosen": TURNS, "rejected": TURNS},
    "kto": {"prompt": TURNS, "completion": TURNS, "label": {"type": "boolean"}},
    "reward": {"prompt": TURNS, "response": TURNS, "score": {"type": "number"}},
    "reward-pairs": {"chosen": TURNS, "rejected": TURNS},
}  # fmt: skip


def bare(value: Any) -> Any:
    """Without the nulls that a table puts where a row has no such member."""
    if isinstance(value, dict):
        return {name: bare(one) for name, one in value.items() if one is not None}
    return [bare(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("queue", "field", "form", "rows"),
    [
        pytest.param("answers", "ok", "openai", 24, id="good-answers-for-openai"),
        pytest.param("answers", "better", "openai", 12, id="corrections-for-openai"),
        pytest.param("answers", "better", "messages", 13, id="corrections-with-calls"),
        pytest.param("answers", "better", "dpo", 13, id="corrected-over-original"),
        pytest.param("answers", "ok", "kto", 38, id="good-and-bad"),
        pytest.param("answers", "stars", "reward", 39, id="scores"),
        pytest.param("compared", "best", "dpo", 29, id="preferences"),
        pytest.param("compared", "order", "dpo", 29, id="rankings"),
        pytest.param("compared", "best", "kto", 58, id="unpaired"),
        pytest.param("compared", "best", "reward-pairs", 29, id="pairs-of-conversations"),
        pytest.param("compared", "order", "messages", 29, id="the-first-of-a-ranking"),
    ],
)
def test_a_format_loads_and_fits_its_published_shape(  # noqa: PLR0917 - a case
    client: Client, request: pytest.FixtureRequest, tmp_path: Path, queue: str, field: str, form: str, rows: int
) -> None:
    import datasets  # noqa: PLC0415 - takes seconds to import

    told = wanted(request.getfixturevalue(queue), field, form)
    held = files(client, told)
    card = json.loads(held["card.json"])
    assert card["rows"] == rows, card["sentences"]
    dry = client.training_dry_run(told)
    assert {name: value for name, value in dry.items() if name in card} == card
    schema = {"type": "object", "required": list(PUBLISHED[form]), "properties": PUBLISHED[form]}
    own = next(one["schema"] for one in client.training_formats() if one["format"] == form)
    for row in rows_of(held):
        jsonschema.validate(row, schema)
        jsonschema.validate(row, own)
    for name, body in held.items():
        (tmp_path / name).write_bytes(body)
    loaded = datasets.load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert [bare(row) for split in ("train", "validation", "test") if split in loaded for row in loaded[split]] == rows_of(held)
