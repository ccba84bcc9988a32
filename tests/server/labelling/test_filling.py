"""Queues filled over HTTP from traffic, scores, runs, datasets and alerts of a real server."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import made_alerts
import made_runs
import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from server.client import ApiError, Client
from server.labelling import candidates, of_datasets, sampling
from server.labelling.candidates import Candidate, Found, Said
from server.labelling.terms import Asked
from server.labelling.wishes import From, OfScore, Sample, origin

Shell = Callable[..., subprocess.CompletedProcess[str]]
FIELDS = [
    {"name": "correct", "kind": "binary"},
    {"name": "grade", "kind": "ordinal", "choices": ["bad", "fair", "good"]},
]
TRACES = 24
CORRECT = {"kind": "score", "score": "correct"}


@pytest.fixture
def assay(client: Client, command: Shell, tmp_path: Path) -> Shell:
    """Runs `assay queue` against the server."""
    return lambda *words: command(tmp_path, "queue", *words, api_url=client.base_url)


@pytest.fixture(scope="module")
def client(serve: Any, telling: Any) -> Iterator[Client]:
    """24 traces of one call each, of two models, in 4 sessions; judges `strict` and `mild` scored `correct`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_QUERY_TIMEOUT_S", "300")  # a busy machine starts the process of long answers late
        served = serve("filling", partial(made_alerts.fill, many=2, traces=(_id(4), _id(9))))
    start = time.time_ns() - TRACES * 60_000_000_000
    served.send(b"".join(_trace(telling, number, start + number * 60_000_000_000) for number in range(TRACES)))
    with served.client() as one:
        one.settle()
        one.add_scores([score for number in range(TRACES) for score in _scores(number)])
        one.settle()
        one.set_queue("answers", {"fields": FIELDS})
        yield one


def _id(number: int) -> str:
    return (bytes([5]) * 15 + bytes([number])).hex()


def _trace(telling: Any, number: int, start_ns: int) -> bytes:
    sent, said = (
        json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])
        for role, text in (("user", f"Question {number} of {number * 7}?"), ("assistant", f"Answer {number}."))
    )
    call = {
        "gen_ai__operation__name": "chat", "gen_ai__request__model": "big" if number % 4 == 0 else "small",
        "gen_ai__input__messages": sent, "gen_ai__output__messages": said, "session__id": f"s{number % 4}",
    }  # fmt: skip
    return telling(bytes.fromhex(_id(number)), start_ns).span(number + 1, "chat", 0, 500, **call).body()


def _scores(number: int) -> list[dict[str, Any]]:
    """`strict` gives number/24; `mild` says yes to all but three. Of the last trace `strict` failed."""
    told = {"trace_id": _id(number), "name": "correct", "source": "llm"}
    last = {"error_type": "timeout"} if number == TRACES - 1 else {"value": number / TRACES}
    mild = {"value": float(number not in {13, 14, 15}), "evaluator": "mild"}
    return [told | {"evaluator": "strict"} | last, told | mild]


@pytest.fixture
def queue(client: Client, request: pytest.FixtureRequest) -> str:
    """An empty queue of the test's own."""
    name = f"q{abs(hash(request.node.nodeid)) % 10**8}"
    client.set_queue(name, {"fields": FIELDS})
    return name


def _filled(client: Client, queue: str, source: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the fill says, and the items of the queue with their attributes."""
    told = client.fill_queue(queue, source, "ann")
    listed = client.queue_items(queue, limit=500)["items"]
    return told, [client.queue_item(queue, one["number"]) for one in listed]


def test_a_random_sample_of_traces_is_told_before_it_is_put_in_and_put_in_once(client: Client, queue: str) -> None:
    source = {"kind": "filter", "sample": {"most": 6, "seed": 3}, "priority": 2, "needed": 3}
    before = client.fill_queue(queue, source, dry_run=True)
    assert (before["matching"], before["added"], before["there"], before["numbers"]) == (TRACES, 6, 0, [])
    assert client.queue(queue)["items"] == 0
    told, items = _filled(client, queue, source)
    assert [told["added"], told["there"], told["refused"]] == [6, 0, 0]
    assert told["sentence"] == "24 traces: 6 chosen at random. 6 were put into the queue."
    assert {one["trace_id"] for one in before["samples"]} <= {one["trace_id"] for one in items}
    first = items[0]
    assert first["content"]["question"].startswith("Question ")
    assert first["content"]["sides"][0]["answer"].startswith("Answer ")
    assert (first["origin"], first["priority"], first["needed"], first["unit"]) == ("filter", 2, 3, "trace")
    assert first["why"] == "One of the traces. Drawn at random: 6 of 24."
    assert {name: first["attributes"][name] for name in ("sampling", "weight", "service")} == {
        "sampling": "random", "weight": "4", "service": "shop",
    }  # fmt: skip
    again = client.fill_queue(queue, source)
    assert (again["added"], again["there"]) == (0, 6)
    more = client.fill_queue(queue, {"kind": "filter", "sample": {"most": 9, "seed": 3}})
    assert (more["added"], more["there"]) == (3, 6), "a larger draw of the seed holds the smaller"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param({"kind": "filter", "filter": {"service": "shop", "failed": "true"}}, "filter", id="failed-traces"),
        pytest.param({"kind": "filter", "filter": {"q": "model:big -tool:search"}}, "filter", id="line"),
        pytest.param({"kind": "filter", "filter": {"score": "correct"}}, "evaluator", id="score"),
        pytest.param({"kind": "sample", "filter": {"q": "a -(score.x<1 or b)"}}, "evaluator", id="score-in-line"),
        pytest.param({"kind": "run", "run": str(UUID(int=1))}, "run", id="rows"),
        pytest.param({"kind": "run", "run": str(UUID(int=1)), "rows": {"failing": True}}, "evaluator", id="failing"),
    ],
)  # fmt: skip
def test_what_is_chosen_by_a_score_is_of_an_evaluator(source: dict[str, Any], found: str) -> None:
    assert origin(TypeAdapter(From).validate_python(source)) == found


@pytest.mark.parametrize(
    ("source", "matching", "unit"),
    [
        pytest.param({"kind": "filter", "unit": "call", "filter": {"model": "big"}}, 6, "call", id="calls-of-a-model"),
        pytest.param({"kind": "sample", "unit": "session"}, 4, "session", id="sessions"),
        pytest.param(CORRECT | {"failed": True}, 1, "trace", id="failed"),
        pytest.param(CORRECT | {"below": 0.25, "evaluators": ["strict"]}, 6, "trace", id="below"),
        pytest.param(CORRECT | {"above": 0.875}, 21, "trace", id="above-of-any-judge"),
        pytest.param({"kind": "disagreement", "scores": ["correct"]}, 15, "trace", id="judges-differ"),
        pytest.param({"kind": "targets", "targets": [{"trace_id": _id(3)}, {"session_id": "s1"}]}, 2, None, id="named"),
    ],
)  # fmt: skip
def test_sources_of_traffic(
    client: Client, queue: str, source: dict[str, Any], matching: int, unit: str | None
) -> None:
    told = client.fill_queue(queue, source | {"sample": {"most": 100}})
    items = client.queue_items(queue)["items"]
    assert (told["matching"], told["added"], told["refused"]) == (matching, matching, 0), told
    assert unit is None or {one["unit"] for one in items} == {unit}
    assert all(one["why"] for one in items)


def test_why_names_what_evaluators_said(client: Client, queue: str) -> None:
    client.fill_queue(queue, {"kind": "disagreement", "scores": ["correct"]})
    by_trace = {one["trace_id"]: one["why"] for one in client.queue_items(queue)["items"]}
    assert by_trace[_id(13)] == "Judges differ: correct by mild says 0; correct by strict says 0.5417."
    told = client.fill_queue(queue, {"kind": "score", "score": "correct", "failed": True}, dry_run=True)
    assert told["samples"][0]["why"] == "correct by mild says 1; correct by strict failed: timeout."


def test_a_stratified_sample_has_equally_many_of_each_and_weights(client: Client, queue: str) -> None:
    sample = {"method": "stratified", "by": "model", "most": 8}
    _, items = _filled(client, queue, {"kind": "filter", "sample": sample})
    drawn = Counter((one["attributes"]["model"], one["attributes"]["weight"]) for one in items)
    assert drawn == {("big", "1.5"): 4, ("small", "4.5"): 4}
    assert {one["attributes"]["sampling"] for one in items} == {"stratified:model"}


def test_an_informative_sample_takes_what_judges_are_unsure_of_and_warns(client: Client, queue: str) -> None:
    told, items = _filled(client, queue, {"kind": "filter", "sample": {"method": "informative", "most": 3}})
    assert {one["trace_id"] for one in items} <= {_id(number) for number in range(9, 16)}, (
        "near 12/24, or judges differ"
    )
    assert {one["attributes"]["sampling"] for one in items} == {"informative"}
    assert not any("weight" in one["attributes"] for one in items), "its chance is not known"
    assert "no random one" in told["sentence"]
    assert any("near 0.5, from which on it says yes" in one["why"] for one in items)


def test_a_weighted_sample_keeps_weights_that_add_up(client: Client, queue: str) -> None:
    _, items = _filled(
        client, queue, {"kind": "filter", "sample": {"method": "weighted", "most": 12, "score": "correct"}}
    )
    weights = [float(one["attributes"]["weight"]) for one in items]
    assert sum(weights) == pytest.approx(TRACES, rel=0.35)
    assert min(weights) < 1.8 < max(weights)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param({"kind": "dataset", "name": "none"}, "has no dataset 'none'", id="no-dataset"),
        pytest.param({"kind": "run", "run": "0" * 32}, "has no run", id="no-run"),
        pytest.param({"kind": "alert", "number": 77}, "has no alert 77", id="no-alert"),
        pytest.param({"kind": "run", "compare": ["1" * 32, "2" * 32]}, "the queue compares none", id="pairs-for-one"),
        pytest.param({"kind": "filter", "filter": {"color": "red"}}, "'color'", id="no-such-filter"),
        pytest.param({"kind": "filter", "filter": {"since": "2026-01-01"}}, "leave it out", id="window-in-the-filter"),
        pytest.param({"kind": "filter", "sample": {"method": "stratified"}}, "needs `by`", id="strata-of-nothing"),
        pytest.param({"kind": "targets", "targets": [{}]}, "name a trace or a session", id="no-target"),
        pytest.param({"kind": "moon"}, "moon", id="no-such-kind"),
    ],
)
def test_what_cannot_be(client: Client, source: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError) as error:
        client.fill_queue("answers", source)
    assert words in str(error.value)
    assert error.value.status == 422, error.value


def test_an_alert_brings_the_traces_that_it_shows(client: Client, queue: str) -> None:
    told = client.fill_queue(queue, {"kind": "alert", "number": 1, "beside": True})
    items = client.queue_items(queue)["items"]
    assert {one["trace_id"]: one["why"].partition(":")[0] for one in items} == dict.fromkeys(
        (_id(4), _id(9)), "Alert 1 of errors-0 shows it"
    )
    assert {one["sampling"] for one in told["samples"]} == {"named"}


def test_pairs_of_a_dataset_with_the_better_one_known(client: Client, queue: str) -> None:
    outputs = {"first": "Yes.", "second": "No.", "better": 2}
    client.create_dataset("pairs")
    client.change_dataset("pairs", {"base": 0, "set": [{"id": "p", "question": "Is it?", "metadata": outputs}]})
    client.set_queue(queue, {"fields": [{"name": "better", "kind": "preference"}]})
    sides = ["metadata.first", "metadata.second"]
    source = {"kind": "dataset", "name": "pairs", "sides": sides, "gold": {"better": "metadata.better"}}
    _, (item,) = _filled(client, queue, source)
    assert (item["unit"], item["gold"]) == ("pair", {"better": "b"})
    assert [one["answer"] for one in item["content"]["sides"]] == ["Yes.", "No."]


def test_items_that_name_their_target_show_what_is_stored(client: Client, queue: str) -> None:
    named = [{"trace_id": _id(6)}, {"trace_id": "f" * 32}, {"session_id": "s2"}]
    done = client.add_items(queue, named)
    assert (len(done["added"]), [one["at"] for one in done["refused"]]) == (2, [1])
    assert "not stored" in done["refused"][0]["why"]
    first, second = (client.queue_item(queue, number) for number in done["added"])
    assert (first["unit"], second["unit"]) == ("trace", "session")
    assert first["content"]["sides"][0]["answer"] == "Answer 6."
    assert first["attributes"]["model"] == "small"


def test_nothing_that_matches_is_said(client: Client) -> None:
    told = client.fill_queue("answers", {"kind": "filter", "filter": {"service": "nobody's"}})
    assert told["sentence"] == "Nothing was put in: there are no traces that match service=nobody's."


def test_items_of_a_dataset_are_gold_by_their_reference(client: Client, queue: str) -> None:
    items = [
        {"id": "one", "question": "2 + 2?", "answer": "4", "reference": "Yes"},
        {"id": "two", "question": "2 + 3?", "answer": "6", "reference": "no", "metadata": {"mark": "BAD"}},
        {"id": "odd", "question": "2 + 4?", "answer": "7", "reference": "perhaps"},
    ]
    client.create_dataset("sums")
    client.change_dataset("sums", {"base": 0, "set": items})
    source = {"kind": "dataset", "name": "sums", "gold": {"correct": "reference", "grade": "metadata.mark"}}
    told, found = _filled(client, queue, source)
    assert (told["added"], told["refused"]) == (2, 1)
    assert "perhaps" in told["refusals"][0]["why"]
    assert {one["key"]: one["gold"] for one in found} == {
        "dataset/sums/one": {"correct": "yes"}, "dataset/sums/two": {"correct": "no", "grade": "bad"},
    }  # fmt: skip
    assert all(one["content"].get("reference") is None for one in found), "it would give the answer away"
    assert {one["content"]["sides"][0]["answer"] for one in found} == {"4", "6"}


def test_rows_of_runs_alone_and_side_by_side(client: Client, queue: str) -> None:
    rows = made_runs.rows(8, failed=(6,))
    runs = [made_runs.tell(client, rows), made_runs.tell(client, [_otherwise(row) for row in rows])]
    source = {"kind": "run", "run": runs[0], "rows": {"failing": True}, "sample": {"most": 9}}
    told, items = _filled(client, queue, source)
    assert (told["matching"], told["added"]) == (3, 3)
    by_item = {one["attributes"]["run_item"]: one for one in items}
    assert by_item["q4"]["why"] == "Item q4 of run support-answers. It fails groundedness."
    assert by_item["q4"]["content"]["question"] == "How long does a refund of order 4 take?"
    assert by_item["q4"]["attributes"]["run"] == runs[0]
    pairs = f"{queue}-pairs"
    client.set_queue(pairs, {"fields": [{"name": "better", "kind": "preference"}]})
    told, items = _filled(client, pairs, {"kind": "run", "compare": runs, "sample": {"method": "all"}})
    assert (told["matching"], told["added"]) == (3, 3), "one has no answer, and four are the same"
    assert "4 items were answered in the same words" in told["sentence"]
    assert {one["unit"] for one in items} == {"pair"}
    assert [side["key"] for side in items[0]["content"]["sides"]] == ["a", "b"]
    assert client.fill_queue(pairs, {"kind": "run", "compare": runs, "sample": {"method": "all"}})["added"] == 0


def _otherwise(row: dict[str, Any]) -> dict[str, Any]:
    """Another answer to every second item; its trace is another too."""
    answer = row["answer"] if row["place"] % 2 or row["answer"] is None else f"No idea about {row['item']}."
    trace_id = f"{int(row['measured']['trace_id'], 16) + 5_000:032x}"
    return {**row, "answer": answer, "measured": {**row["measured"], "trace_id": trace_id}}


# Without a server.


@pytest.mark.parametrize(
    ("field", "value", "answer"),
    [
        pytest.param({"kind": "binary"}, True, "yes", id="true"),
        pytest.param({"kind": "binary"}, 0, "no", id="zero"),
        pytest.param({"kind": "binary", "choices": ["grounded", "not"]}, "1", "grounded", id="own-words-of-yes"),
        pytest.param({"kind": "categorical", "choices": ["A", "B"]}, "b", "B", id="whatever-its-case"),
        pytest.param({"kind": "categorical", "choices": ["A", "B"], "several": True}, "a", ["A"], id="one-of-several"),
        pytest.param({"kind": "numeric"}, "3.5", 3.5, id="number"),
        pytest.param({"kind": "preference"}, 2, "b", id="second"),
        pytest.param({"kind": "preference"}, "Tie", "tie", id="tie"),
    ],
)
def test_a_value_of_a_dataset_as_an_answer(field: dict[str, Any], value: Any, answer: Any) -> None:
    assert of_datasets.answer_of(Asked.model_validate({"name": "f", **field}), value) == answer


@pytest.mark.parametrize(
    ("there", "most", "taken"),
    [
        pytest.param([10, 10], 6, [3, 3], id="equal"),
        pytest.param([1, 10, 10], 9, [1, 4, 4], id="small-ones-give-theirs-away"),
        pytest.param([2, 2], 9, [2, 2], id="fewer-than-wanted"),
        pytest.param([5, 5, 5], 2, [1, 1, 0], id="fewer-than-strata"),
    ],
)
def test_shares_of_strata(there: list[int], most: int, taken: list[int]) -> None:
    assert sampling.shares(there, most) == taken


def test_what_is_alike_is_taken_once_where_judges_say_nothing() -> None:
    texts = ["How do I get a refund?", "How do I get a refund ?", "Where is my parcel now?", "How do I get a refund?"]
    found = Found([Candidate(None, str(place), total=4) for place in range(4)], 4, "items")
    sample = Sample(method="informative", most=2, signals=("diverse",))
    taken = sampling.take(found, sample, lambda those: [texts[int(one.key or 0)] for one in those])
    assert "2" in {one.candidate.key for one in taken}


def test_confidence_that_was_recorded_is_named() -> None:
    said = [[Said("judge", 1.0, confidence=sure, threshold=0.5)] for sure in (0.99, 0.55, 0.9)]
    found = Found([Candidate(None, str(place), total=3, said=one) for place, one in enumerate(said)], 3, "items")
    (taken,) = sampling.take(found, Sample(method="informative", most=1, signals=("uncertain",)), lambda _: [])
    assert (taken.candidate.key, taken.why) == ("1", "judge says 1, and is 55% sure of it.")


# From the shell.


def test_the_shell_fills_and_says_why(client: Client, queue: str, assay: Shell) -> None:
    told = ("--score", "correct", "--below", "0.25", "--evaluator", "strict")
    done = assay("fill", queue, *told, "--most", "3", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == (
        "6 targets whose score correct is below 0.25: 3 chosen at random. 3 would be put into the queue."
    )
    assert "correct by strict says" in done.stdout
    told = json.loads(assay("fill", queue, "--trace", _id(2), "--json").stdout)
    assert (told["added"], told["samples"][0]["sampling"]) == (1, "named")
    assert client.queue_items(queue)["items"][0]["trace_id"] == _id(2)
    assert "has no feed" in assay("feeds", queue).stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--alert", "3", "--run", "x"), "--alert and --run are different sources", id="two-sources"),
        pytest.param(("--failing",), "--failing is of a source by run", id="of-another-source"),
        pytest.param(("--disagreement",), "--disagreement needs --score", id="nothing-to-differ"),
        pytest.param(("--where", "service"), "is no NAME=VALUE", id="no-value"),
    ],
)
def test_options_that_do_not_go_together(assay: Shell, options: tuple[str, ...], words: str) -> None:
    done = assay("fill", "answers", *options)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())


def test_scored_calls_of_one_trace_are_one_candidate_and_count_once() -> None:
    calls = [(1, 1), (1, 2), (2, 3)]  # trace and span
    rows = pa.Table.from_pylist([
        {
            "trace_id": _id(trace), "span_id": f"{span:016x}", "session_id": None, "stratum": None, "total": 3,
            "looked": 1.0, "place": span, "name": "correct", "evaluator": "strict", "evaluator_version": "1",
            "value": 0.1, "label": None, "error_type": None, "confidence": None, "scale": None,
        }
        for trace, span in calls
    ])  # fmt: skip
    wish = OfScore(kind="score", score="correct", unit="trace")
    found = candidates.traffic(lambda *_, **__: rows, wish, Sample(), ())
    assert [one.target.trace_id.hex for one in found.candidates if one.target and one.target.trace_id] == [
        _id(1),
        _id(2),
    ]
    assert (found.matching, {one.total for one in found.candidates}) == (2, {2})
