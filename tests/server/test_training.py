"""What labels become, over HTTP: every format loads with the `datasets` library and fits its published shape."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import shell

from server.client import ApiError, Client
from server.training.formats import FORMATS

Serving = Any  # of conftest.py
Row = dict[str, Any]
LICENCE = "CC BY 4.0; testers agreed."
FIELDS = [
    {"name": "ok", "kind": "binary", "title": "Is it right?"},
    {"name": "stars", "kind": "ordinal", "choices": ["bad", "fair", "good"], "required": False},
    {"name": "better", "kind": "correction", "required": False},
]
TOOL = {"name": "weather", "arguments": {"city": "Paris", "days": 2}, "result": "12 degrees"}


WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "jetty", "knoll", "lagoon"]


def question(at: int) -> str:
    """No two are nearly the same."""
    return " ".join(f"{word}{at}" for word in WORDS[at % 3 :: 3])


def item(at: int, **more: Any) -> Row:
    side = {"answer": f"It is number {at}.", "steps": [TOOL] if at == 3 else []}
    asked = f"Mail bob{at}@example.com about it: {question(at)}" if at == 2 else question(at)
    return {"content": {"question": asked, "sides": [side]}, "key": f"k{at}", **more}


def put(
    client: Client, queue: str, fields: Sequence[Row], items: Sequence[Row], labels: Sequence[tuple[Any, ...]]
) -> None:
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
    items = [item(at, gold={"ok": "yes"} if at == 5 else None) for at in range(1, 41)]
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
        pytest.param("answers", "ok", "openai", 25, id="good-answers-for-openai"),
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
def test_a_format_loads_and_fits_its_published_shape(
    client: Client, request: pytest.FixtureRequest, tmp_path: Path, queue: str, field: str, form: str, rows: int
) -> None:
    import datasets  # noqa: PLC0415 - takes seconds to import

    told = wanted(request.getfixturevalue(queue), field, form)
    held = files(client, told)
    card = json.loads(held["card.json"])
    assert card["rows"] == rows, card["sentences"]
    schema = {"type": "object", "required": list(PUBLISHED[form]), "properties": PUBLISHED[form]}
    own = FORMATS[form].schema  # type: ignore[index]  # one of the formats
    checks = [jsonschema.Draft202012Validator(one) for one in (schema, own)]  # `validate` checks the schema each time
    for row in rows_of(held):
        for check in checks:
            check.validate(row)
    for name, body in held.items():
        (tmp_path / name).write_bytes(body)
    loaded = datasets.load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert [
        bare(row) for split in ("train", "validation", "test") if split in loaded for row in loaded[split]
    ] == rows_of(held)


def test_a_dry_run_is_the_file(client: Client, answers: str) -> None:
    told = wanted(answers, "ok", "openai")
    held = files(client, told)
    card = json.loads(held["card.json"])
    dry = client.training_dry_run(told)
    assert {name: value for name, value in dry.items() if name in card} == card
    assert dry["samples"][0]["row"] in rows_of(held)


def test_the_formats_are_told_with_their_schemas(client: Client) -> None:
    told = {one["format"]: one for one in client.training_formats()}
    assert {name: one["schema"] for name, one in told.items()} == {name: one.schema for name, one in FORMATS.items()}
    assert set(told) == set(PUBLISHED)


def test_the_same_request_gives_the_same_bytes_and_another_seed_other_splits(client: Client, answers: str) -> None:
    told = wanted(answers, "ok", "kto")
    first = files(client, told)
    assert files(client, told) == first
    other = files(client, told | {"seed": 1})
    assert other["train.jsonl"] != first["train.jsonl"]
    assert sorted(map(json.dumps, rows_of(other))) == sorted(map(json.dumps, rows_of(first)))


def test_what_is_left_out_is_counted_and_each_line_names_its_item(client: Client, answers: str) -> None:
    held = files(client, wanted(answers, "ok", "openai"))
    card = json.loads(held["card.json"])
    assert card["left_out"] == {
        "its answer is not a good one": 13, "its right answer was known beforehand (gold)": 1,
        "people differ and no answer has most labels": 1,
    }  # fmt: skip
    sources = [json.loads(line) for line in held["items.jsonl"].splitlines()]
    assert sum(one["rows"] for one in card["splits"].values()) == len(sources) == card["rows"]
    by_line = {(one["split"], one["line"]): one["item"] for one in sources}
    for name in ("train", "validation", "test"):
        for place, line in enumerate(held.get(f"{name}.jsonl", b"").splitlines(), 1):
            assert json.loads(line)["messages"][-1]["content"] == f"It is number {by_line[name, place]}."


def test_the_card_says_where_it_comes_from_and_names_people_on_request_alone(client: Client, answers: str) -> None:
    import hashlib  # noqa: PLC0415

    held = files(client, wanted(answers, "ok", "openai"))
    card = json.loads(held["card.json"])
    assert card["licence"] == LICENCE
    assert card["source"] == {
        "kind": "queue", "queue": answers, "queue_version": 1, "fields_version": 1, "field": "ok",
        "field_kind": "binary", "question": "Is it right?", "judges": ["ok"],
    }  # fmt: skip
    assert card["people"] == {"count": 2}
    assert {row["coefficient"] for row in card["agreement"]} == {"percent_agreement", "krippendorff_alpha_nominal"}
    assert {one["name"]: one["sha256"] for one in card["files"]} == {
        name: hashlib.sha256(body).hexdigest() for name, body in held.items() if name.endswith(".jsonl")
    }
    text = held["README.md"].decode()
    assert LICENCE in text.replace("\\", "")
    assert all(one["sha256"] in text for one in card["files"])
    assert not any(b"ann" in body for body in held.values())
    named = client.training_dry_run(wanted(answers, "ok", "openai", names=True))
    assert named["people"] == {"count": 2, "names": ["ann", "bob"]}


def test_personal_data_is_replaced_unless_somebody_says_otherwise(client: Client, answers: str) -> None:
    told = wanted(answers, "ok", "openai")
    plain = files(client, told | {"redact": False})
    clean = files(client, told)
    assert b"bob2@example.com" in b"".join(plain.values())
    assert b"bob2@example.com" not in b"".join(clean.values())
    assert b"Mail [EMAIL] about it" in b"".join(clean.values())
    assert json.loads(clean["card.json"])["redacted"] == {"email": 1}
    assert "Personal data was not looked for." in json.loads(plain["card.json"])["sentences"]


def test_sft_files_go_into_a_dataset_and_come_out_as_they_were(client: Client, answers: str) -> None:
    held = rows_of(files(client, wanted(answers, "better", "openai")))
    body = b"".join(json.dumps(row).encode() + b"\n" for row in held)
    client.import_dataset("trained", "train.jsonl", body, duplicates="keep")
    out = io.BytesIO()
    client.export_dataset("trained", out, "openai")
    assert sorted(map(dumped, map(json.loads, out.getvalue().splitlines()))) == sorted(map(dumped, held))


def dumped(row: Row) -> str:
    return json.dumps(row, sort_keys=True)


def test_pairs_put_into_a_queue_come_out_as_they_were(client: Client, compared: str) -> None:
    """Rows of a file of preferences, as items and labels of a new queue, give the same rows."""
    told = wanted(compared, "best", "dpo", redact=False)
    held = rows_of(files(client, told))
    items, labels = [], []
    for number, row in enumerate(held, 1):
        sides = [{"key": key, "answer": row[name][-1]["content"]} for key, name in (("a", "chosen"), ("b", "rejected"))]
        items.append({"content": {"history": row["prompt"], "question": row["prompt"][-1]["content"], "sides": sides}})
        labels.append((number, "ann", {"best": "a"}))
    put(client, "again", [{"name": "best", "kind": "preference"}], items, labels)
    again = files(client, told | {"source": {"kind": "queue", "queue": "again", "field": "best"}})
    assert sorted(map(dumped, rows_of(again))) == sorted(map(dumped, held))


def test_filters_keep_what_is_asked_for(client: Client, answers: str) -> None:
    def rows(**keep: Any) -> int:
        return int(client.training_dry_run(wanted(answers, "ok", "kto") | {"keep": keep})["rows"])

    assert rows(where={"stars": ["bad"]}) == 13
    assert rows(least_labels=3) == 0
    assert rows(labellers=["ann"]) == 39  # by herself she ties with nobody
    assert rows(gold="only") == 1
    assert rows(gold="take") == 39
    assert rows(until="2020-01-01T00:00:00Z") == 0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param({"format": "dpo"}, "Field 'ok' is of kind binary, which makes no dpo. It makes openai", id="kind"),
        pytest.param(
            {"good": {"answers": ["maybe"]}}, "'maybe' is no answer of 'ok'; its choices are yes, no", id="good"
        ),
        pytest.param({"licence": "  \n "}, "licence", id="no-licence"),
        pytest.param({"splits": {"train": 0.5}}, "add up to 1, not 0.5", id="shares"),
        pytest.param({"redact_types": ["name"]}, "'name' is no type of personal data", id="type"),
        pytest.param(
            {"source": {"kind": "queue", "queue": "answers", "field": "x"}}, "no field 'x'. It has ok", id="field"
        ),
        pytest.param({"source": {"kind": "queue", "queue": "nobody", "field": "x"}}, "nobody", id="queue"),
    ],
)
def test_what_cannot_be_is_refused_with_the_rule(client: Client, answers: str, more: Row, says: str) -> None:
    with pytest.raises(ApiError) as caught:
        client.training_dry_run(wanted(answers, "ok", "kto") | more)
    assert says in str(caught.value)


def test_an_ordinal_field_needs_to_be_told_what_is_good(client: Client, answers: str) -> None:
    with pytest.raises(ApiError, match="Say which answers of 'stars' are good ones"):
        client.training_dry_run(wanted(answers, "stars", "kto"))
    card = client.training_dry_run(wanted(answers, "stars", "openai", good={"at_least": 3}))
    assert card["rows"] == 26


def test_corrections_of_end_users_leave_their_comments_out(
    client: Client, shared: Serving, otlp: Callable[..., bytes]
) -> None:
    trace = "0e" * 16
    said = json.dumps([{"role": "user", "content": "Capital of France?"}])
    shared.post(otlp(int(trace, 16), gen_ai__operation__name="chat", gen_ai__input__messages=said,
                     gen_ai__output__messages=json.dumps([{"role": "assistant", "content": "Lyon."}])))  # fmt: skip
    body = {"kind": "correction", "text": "Paris.", "comment": "not Lyon", "trace_id": trace}
    client.settle()
    client.add_feedback({**body, "user": "kim"})
    client.add_feedback({**body, "trace_id": "0d" * 16, "user": "kim"})
    now = datetime.now(UTC)
    window = {name: (now + timedelta(hours=by)).isoformat() for name, by in (("since", -1), ("until", 1))}
    told = {"source": {"kind": "feedback", **window}, "format": "dpo", "licence": LICENCE}
    held = files(client, told)
    (row,) = rows_of(held)
    assert row == {
        "prompt": [{"role": "user", "content": "Capital of France?"}],
        "chosen": [{"role": "assistant", "content": "Paris."}], "rejected": [{"role": "assistant", "content": "Lyon."}],
    }  # fmt: skip
    card = json.loads(held["card.json"])
    assert (card["people"], sum(card["left_out"].values())) == ({"count": 1}, 1)
    assert b"kim" not in b"".join(held.values())


def test_traces_of_one_session_are_one_cluster(client: Client, shared: Serving, otlp: Callable[..., bytes]) -> None:
    for at, session in enumerate(("s1", "s1", "s2")):
        trace = f"{0xC0 + at:02x}" * 16
        said = json.dumps([{"role": "user", "content": question(at)}])
        shared.post(otlp(int(trace, 16), gen_ai__operation__name="chat", gen_ai__input__messages=said,
                         gen_ai__conversation__id=session))  # fmt: skip
        client.settle()
        client.add_feedback({"kind": "correction", "text": f"It is {at}.", "trace_id": trace, "name": "user_session"})
    window = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    told = {
        "source": {"kind": "feedback", "score": "user_session", **window},
        "format": "openai",
        "licence": LICENCE,
    }
    card = client.training_dry_run(told)
    assert (card["rows"], card["clusters"]) == (3, 2)


def test_the_command_writes_what_http_sends(client: Client, shared: Serving, answers: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = ("training-data", "export", answers, "--field", "ok", "--format", "kto", "--licence", LICENCE)
    environment = {"ASSAY_API_URL": shared.note.api_url}
    done = shell.run(tmp_path, (*asked, "--out", str(out)), environment, None)
    assert done.returncode == 0, done.stderr
    assert {one.name: one.read_bytes() for one in out.iterdir()} == files(client, wanted(answers, "ok", "kto"))
    dry = shell.run(tmp_path, (*asked, "--dry-run"), environment, None)
    assert dry.stdout.startswith(done.stdout)
    assert dry.stdout.endswith("Nothing was written: a dry run.\n")
    assert shell.run(tmp_path, (*asked, "--out", str(out)), environment, None).stderr.count("is not empty") == 1


def test_a_golden_set_has_what_people_agreed_on_and_is_made_once(client: Client, answers: str) -> None:
    told = {"source": {"kind": "queue", "queue": answers, "field": "ok"}, "keep": {"gold": "take"}, "dataset": "gold"}
    dry = client.golden_set({**told, "dry_run": True})
    assert (dry["items"], dry["answers"], dry["version"]) == (39, {"no": 13, "yes": 26}, None)
    made = client.golden_set(told)
    assert made["version"]["added"] == 39
    one = client.dataset_item("gold", f"{answers}/ok/3")["item"]
    assert (one["question"], one["answer"], one["reference"]) == (question(3), "It is number 3.", "no")
    kept = {name: one["metadata"][name] for name in ("consensus", "votes", "agreeing", "agreement", "queue", "field")}
    assert kept == {
        "consensus": "majority", "votes": 2, "agreeing": 2, "agreement": 1.0, "queue": answers, "field": "ok"
    }  # fmt: skip
    assert client.golden_set(told)["version"] is None


def test_a_suite_over_a_golden_set_holds_guidelines_that_look_like_templates(client: Client, answers: str) -> None:
    import yaml  # noqa: PLC0415

    from evaluators.case import Case  # noqa: PLC0415
    from evaluators.suites.suite import parse_suite  # noqa: PLC0415
    from evaluators.targets.answer import Asking  # noqa: PLC0415
    from evaluators.targets.templates import Template, values_of  # noqa: PLC0415

    source = {"kind": "queue", "queue": answers, "field": "ok"}
    suite = parse_suite(yaml.safe_load(client.golden_suite({"source": source, "dataset": "gold"})), "it")
    assert suite.dataset.stored == "gold"
    prompt = suite.target.model.prompt
    filled = Template(prompt).text(values_of(Case(question="What?", answer="That."), Asking(repeat=0, seed=0)))
    assert "Be {{strict}}." in filled
    assert filled.endswith("Question: What?\nAnswer: That.\nVerdict:")
    assert filled.count("Verdict: yes") == filled.count("Verdict: no") == 2


def test_examples_are_balanced_and_leave_out_what_people_differ_about(client: Client, answers: str) -> None:
    import yaml  # noqa: PLC0415

    found = client.few_shot({"source": {"kind": "queue", "queue": answers, "field": "ok"}, "each": 14})
    labels = [one["label"] for one in found["examples"]]
    assert (labels.count("yes"), labels.count("no")) == (14, 13)
    assert found["short"] == {"no": 13}
    assert all(one["agreeing"] == one["votes"] for one in found["examples"])
    assert yaml.safe_load(found["yaml"])["examples"] == found["examples"]
    assert found["text"].startswith("Example 1\nQuestion: ")
