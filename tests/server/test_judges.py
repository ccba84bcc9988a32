"""Judges against people over HTTP: cards of recorded judges, trust, what expires them, and what is written back."""

from __future__ import annotations

import gzip
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import made_runs
import pytest
import yaml
from fake_openai import Act, beside, good

from evaluators.judges.pairwise import Comparison, read_place
from server.client import ApiError, Client
from server.judges import writing
from server.judging import Files
from server.worker import Worker

LLMBAR = Path(__file__).parents[1] / "evaluators" / "data" / "llmbar" / "vanilla.jsonl.gz"
ROWS = [json.loads(line) for line in gzip.decompress(LLMBAR.read_bytes()).splitlines()]
NOW = datetime.now(UTC) - timedelta(days=1)
VALUES = {"a": 1.0, "b": 0.0, "tie": 0.5}
Row = dict[str, Any]


def trace(number: int) -> str:
    return f"{number + 1:032x}"


def human(number: int, value: float, author: str, name: str = "better", **more: Any) -> Row:
    return {
        "trace_id": trace(number), "name": name, "value": value, "source": "human", "evaluator": name,
        "author": author, "time": (NOW + timedelta(seconds=number)).isoformat(), **more,
    }  # fmt: skip


def scored(number: int, value: float | None, evaluator: str, version: str = "1", **more: Any) -> Row:
    return {
        "trace_id": trace(number), "name": "better", "value": value, "source": "llm", "evaluator": evaluator,
        "evaluator_version": version, "time": (NOW + timedelta(seconds=number)).isoformat(), **more,
    }  # fmt: skip


def recorded(judge: str) -> list[tuple[int, Row, Comparison]]:
    found = []
    for number, row in enumerate(ROWS):
        said = Comparison(*(read_place(text) for text, _ in row["judges"][f"{judge}/Vanilla"]))
        if said.winner is not None:
            found.append((number, row, said))
    return found


def send(client: Client, rows: list[Row]) -> None:
    for start in range(0, len(rows), 1000):
        client.add_scores(rows[start : start + 1000])


@pytest.fixture(scope="module")
def met(shared: Any) -> Iterator[Client]:
    """Recorded judges of LLMBar, and two people of whom one errs where the other and the data set do not."""
    with shared.client() as client:
        client.add_project("llmbar")
    with shared.client("llmbar") as client:
        people = [
            human(at, float(row["label"] == 1), author) for at, row in enumerate(ROWS) for author in ("ann", "bob")
        ]
        send(client, people)
        for judge in ("GPT-4", "ChatGPT"):
            send(client, [
                scored(at, VALUES[str(said.winner)], judge, metadata={
                    "model": judge.lower(), "details": json.dumps({"straight": said.straight, "swapped": said.swapped}),
                    "scale": json.dumps({"low": 0, "high": 1, "better": "higher", "labels": []}),
                })
                for at, _, said in recorded(judge)
            ])  # fmt: skip
        yield client


def kappa_of(judge: list[bool], people: list[bool]) -> float:
    """Cohen 1960, of two who both said yes or no of each."""
    n = len(judge)
    agree = sum(one == other for one, other in zip(judge, people, strict=True)) / n
    yes = sum(judge) / n, sum(people) / n
    chance = yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1])
    return (agree - chance) / (1 - chance)


@pytest.mark.parametrize("judge", ["GPT-4", "ChatGPT"])
def test_a_recorded_judge_has_the_card_that_its_answers_give(met: Client, judge: str) -> None:
    found = met.judge("better", evaluator=judge)
    rows = recorded(judge)
    said, right = [VALUES[str(one.winner)] >= 0.5 for _, _, one in rows], [row["label"] == 1 for _, row, _ in rows]
    card = found["card"]
    assert (found["n"], found["label"], found["model"]) == (len(rows), "better", judge.lower())
    assert card["kappa"]["value"] == pytest.approx(kappa_of(said, right))
    hits = sum(one and other for one, other in zip(said, right, strict=True))
    assert card["sensitivity"]["value"] == pytest.approx(hits / sum(right))
    both = [(one.straight, one.swapped) for _, _, one in rows]
    alike = sum({one, other} in ({"first", "second"}, {"tie"}) for one, other in both)
    assert found["order"]["consistent"]["value"] == pytest.approx(alike / len(both))
    assert card["kappa"]["ci_low"] < card["kappa"]["value"] < card["kappa"]["ci_high"]


def test_the_list_and_the_badges_say_the_same_of_trust(met: Client) -> None:
    lines = {one["evaluator"]: one for one in met.judges()["judges"]}
    assert [(name, lines[name]["badge"]) for name in ("ChatGPT", "GPT-4")] == [
        ("ChatGPT", "low"),
        ("GPT-4", "moderate"),
    ]
    badge = met.trust()["better"]
    assert badge["rulers"]["GPT-4 1"]["badge"] == lines["GPT-4"]["badge"]
    assert badge["sentence"].startswith("Kappa with people is")
    assert lines["GPT-4"]["n"] == met.judge("better", evaluator="GPT-4")["n"]


def test_of_several_people_the_majority_counts_and_ties_are_left_out(shared: Any) -> None:
    with shared.client() as admin:
        admin.add_project("several")
    with shared.client("several") as client:
        said = {0: "yyn", 1: "nny", 2: "yn", 3: "y", 4: "nn", 5: "yyyn"}
        send(
            client,
            [human(at, float(one == "y"), f"p{place}") for at, ones in said.items() for place, one in enumerate(ones)],
        )
        send(client, [scored(at, float(at % 2 == 0), "judge") for at in range(7)])
        found = client.judge("better")
        send(client, [human(2, 1.0, "p1", time=datetime.now(UTC).isoformat())])  # who corrects a label decides
        again = client.judge("better", version="1")
    assert (found["n"], found["left_out"]["tied"]) == (5, 1)
    card = found["card"]
    cells = [card[name] for name in ("true_positives", "false_positives", "false_negatives", "true_negatives")]
    assert cells == [1, 1, 2, 1]  # of 0 yes, 4 no, 3 and 5 yes, 1 no
    assert (again["n"], again["left_out"]["tied"]) == (6, 0)


def test_what_is_drawn_because_of_the_judge_is_in_no_rate(shared: Any) -> None:
    with shared.client() as admin:
        admin.add_project("drawn")
    with shared.client("drawn") as client:
        send(client, [scored(at, float(at % 2), "judge") for at in range(40)])
        client.set_queue("q", {"fields": [{"name": "right", "kind": "binary", "judges": ["better"]}]})
        items = [
            {"trace_id": trace(at), "content": {"sides": [{"answer": "x"}]}, "attributes": {"sampling": how}}
            for at, how in enumerate(["random"] * 20 + ["informative"] * 10)
        ]
        added = client.add_items("q", items)["added"]
        for number, at in zip(added, range(30), strict=True):
            wrong = at >= 20
            answer = "yes" if (at % 2 == 1) != wrong else "no"
            client.save_label("q", {
                "label_id": f"{at + 1:08x}-0000-4000-8000-000000000000", "labeller": "ann", "number": number,
                "answers": {"right": answer}, "fields_version": 1,
            })  # fmt: skip
        found, whole = client.judge("better"), client.judge("better", informative=True)
    assert (found["label"], found["n"], found["left_out"]["chosen"]) == ("right", 20, 10)
    assert found["card"]["agreement"]["value"] == 1.0
    assert whole["n"] == 30
    assert whole["card"]["agreement"]["value"] == pytest.approx(20 / 30)
    assert any("most informative" in note for note in found["notes"])


def graded(number: int, good: bool, rng: random.Random) -> float:
    return round(min(1.0, max(0.0, rng.gauss(0.75 if good else 0.45, 0.15))), 4)


@pytest.fixture(scope="module")
def traffic(serve: Any, telling: Any) -> Iterator[Client]:
    """Calls of two models, of which one is much better than its judge says, and the labels of a random third."""
    served, rng = serve("judged"), random.Random(7)
    began = time.time_ns() - 3_600 * 10**9
    scores, labels, bodies = [], [], []
    for at in range(600):
        model, good = ("good-model", rng.random() < 0.9) if at % 2 else ("poor-model", rng.random() < 0.5)
        bodies.append(telling(bytes.fromhex(trace(at)), began + at * 10**9).span(
            1, "chat", 0, 50, gen_ai__operation__name="chat", gen_ai__request__model=model,
            gen_ai__response__model=model,
        ).body())  # fmt: skip
        # The judge is kind to the poor model.
        value = graded(at, good or (at % 2 == 0 and rng.random() < 0.4), rng)
        scores.append({**scored(at, value, "kind judge"), "name": "grade", "metadata": {
            "scale": json.dumps({"low": 0, "high": 1, "better": "higher", "labels": []}), "model": "m1",
        }})  # fmt: skip
        if at % 3 == 0:
            labels.append(human(at, float(good), "ann", "grade"))
    served.send(b"".join(bodies))
    served.settle()
    with served.client() as client:
        send(client, scores)
        send(client, labels)
        yield client


def window() -> dict[str, str]:
    now = datetime.now(UTC)
    return {"since": (now - timedelta(days=2)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}


def test_variants_are_told_as_people_would_say(traffic: Client) -> None:
    values = json.dumps(["good-model", "poor-model"])
    found = traffic.compare_people("traffic", by="model", values=values, **window())
    (one,) = found["measures"]
    told = {own["variant"]: own for own in one["own"]}
    for name, truth in (("good-model", 0.9), ("poor-model", 0.5)):
        corrected = told[name]["corrected"]
        assert corrected["ci_low"] <= truth <= corrected["ci_high"]
        assert told[name]["labels"] == 100
    assert told["poor-model"]["judge"]["ci_low"] > 0.5  # alone it is too kind, and sure of it
    (pair,) = one["pairs"]
    assert pair["verdict"] == "worse"
    assert pair["sentence"].startswith("As people would say, corrected by 200 labelled items: poor-model is worse")


def test_too_few_labels_correct_nothing(traffic: Client) -> None:
    with_few = [human(at, 1.0, "ann", "few") for at in range(4)]
    send(traffic, [*with_few, *({**scored(at, 0.5, "j"), "name": "few"} for at in range(60))])
    values = json.dumps(["good-model", "poor-model"])
    found = traffic.compare_people("traffic", by="model", values=values, **window())
    one = next(one for one in found["measures"] if one["of"] == "few")
    assert one["why"].startswith("good-model has 2 items labelled, poor-model has 2 items labelled (few)")
    assert [own["corrected"] for own in one["own"]] == [None, None]


def test_slices_and_the_estimate_are_of_what_the_version_scored(traffic: Client) -> None:
    found = traffic.judge("grade", by="model", width=0.1)
    assert [one["slice"] for one in found["slices"]] == ["good-model", "poor-model"]
    assert (found["card"]["n_rows"], found["n"], found["scored"]) == (600, 200, 600)
    told = {one["method"]: one for one in found["card"]["estimates"]}
    assert told["ppi"]["ci_low"] <= 0.7 <= told["ppi"]["ci_high"]
    assert told["judge_only"]["ci_low"] > 0.7
    assert found["card"]["plan"]["more"] > 0


def test_a_plan_draws_at_random_among_what_nobody_labelled(traffic: Client) -> None:
    plain = traffic.plan_labels("grade", width=0.08, most=1000)
    assert len(plain["items"]) == plain["plan"]["more"] > 0
    assert not {one["trace_id"] for one in plain["items"]} & {trace(at) for at in range(0, 600, 3)}
    within = traffic.plan_labels("grade", width=0.08, by="model", most=1000)
    counts = Counter(one["stratum"] for one in within["items"])
    assert dict(counts) == {one["stratum"]: one["labels"] for one in within["plan"]["strata"]}
    traffic.set_queue("more", {"fields": [{"name": "grade", "kind": "binary"}]})
    done = traffic.plan_labels("grade", width=0.08, most=5, queue="more", author="ann")
    assert (done["added"], done["refused"]) == (5, [])


def test_another_version_expires_the_card_and_what_was_labelled_is_scored_again(traffic: Client) -> None:
    before = traffic.judge("grade")
    assert before["expired"] is None
    later = datetime.now(UTC).isoformat()
    send(traffic, [{**scored(1, 0.7, "kind judge", "2", metadata={"model": "m2"}), "name": "grade", "time": later}])
    found = traffic.judge("grade", version="1")
    assert found["badge"] == "expired"
    assert found["expired"]["sentence"] == "Computed for version 1 (m1); now scores are by 2 (m2)."
    assert traffic.trust()["grade"]["badge"] == "expired"
    told = traffic.recheck_judge("grade")
    assert (told["items"], told["job"], told["added"]) == (200, None, 200)  # nothing here is called `kind judge`
    queue = traffic.queue(told["queue"])
    assert (queue["open"], queue["gold_items"]) == (False, 200)
    send(traffic, [
        {**scored(at, 0.9, "kind judge", "2", metadata={"model": "m2"}), "name": "grade", "time": later}
        for at in range(0, 600, 3)
    ])  # fmt: skip
    assert traffic.judge("grade", version="2")["n"] == 200
    assert traffic.trust()["grade"]["version"] == "2"


@pytest.mark.parametrize(
    ("score", "params", "told"),
    [
        pytest.param("none", {}, "No judge or evaluator gave a score named 'none'", id="no-score"),
        pytest.param("better", {"version": "9"}, "It has: ", id="no-version"),
        pytest.param("better", {"label": "missing"}, "Nobody gave a label named 'missing'", id="no-label"),
        pytest.param("better", {"by": "colour"}, "by is one of model", id="no-slice"),
    ],
)
def test_what_there_is_no_card_of_is_told(met: Client, score: str, params: dict[str, Any], told: str) -> None:
    with pytest.raises(ApiError, match=re.escape(told)) as error:
        met.judge(score, **params)
    assert error.value.kind == "refused"


def test_a_judge_that_nobody_labelled_says_so(traffic: Client) -> None:
    send(traffic, [{**scored(at, 0.5, "alone"), "name": "alone"} for at in range(3)])
    with pytest.raises(ApiError, match="Nobody labelled what alone scored"):
        traffic.judge("alone")
    line = next(one for one in traffic.judges()["judges"] if one["score"] == "alone")
    assert (line["badge"], line["n"]) == ("none", 0)
    assert "drawn at random first" in traffic.plan_labels("alone")["sentence"]


def answered(telling: Any, number: int, text: str, began: int) -> bytes:
    both = ("user", "How long?"), ("assistant", text)
    said = [{"role": role, "parts": [{"type": "text", "content": told}]} for role, told in both]
    body: bytes = telling(bytes.fromhex(trace(number)), began + number * 10**9).span(
        1, "chat", 0, 50, gen_ai__operation__name="chat", gen_ai__input__messages=json.dumps(said[:1]),
        gen_ai__output__messages=json.dumps(said[1:]),
    ).body()  # fmt: skip
    return body


@pytest.fixture
def grader() -> Iterator[str]:
    """The address of a model that likes thirty days, whatever its examples say."""

    def graded(body: Row) -> Act:
        own = str(body["messages"][-1]["content"]).partition("An example")[0]
        return good(reason="It says so.", score=5.0 if "Thirty days." in own else 1.0)

    with beside(graded) as held:
        yield held.url


@pytest.fixture
def owned(start: Any, telling: Any, tmp_path: Path, grader: str) -> Any:
    """A server with a file of own evaluators; traces, labels, and scores of an older version of `contains`."""
    file = tmp_path / "own.yaml"
    file.write_text(
        "# Ours.\nevaluators:\n  - name: tone  # of a person\n    measures: The tone is right.\n"
        "    needs: [question, answer]\n    scale: {low: 1, high: 5}\n"
        "    prompt: |\n      Right? {question} {answer}\n",
        "utf-8",
    )
    judges = tmp_path / "judges.yaml"
    judges.write_text(f"judges:\n- {{name: near, base_url: '{grader}', model: m}}\n", "utf-8")
    serving = start(evaluators_file=file, judges_file=judges)
    began = time.time_ns() - 3_600 * 10**9
    serving.post(b"".join(answered(telling, at, "Thirty days." if at % 2 else "Never.", began) for at in range(40)))
    with serving.client() as client:
        scales = [{"low": low, "high": high, "labels": [], "better": "higher"} for low, high in ((0, 1), (1, 5))]
        zero, five = ({"metadata": {"scale": json.dumps(one)}} for one in scales)
        old = {"name": "contains", "source": "code"}
        send(client, [{**scored(at, 0.5, "contains", "0", **zero), **old} for at in range(40)])
        send(
            client,
            [{**scored(at, 1.5 + at % 2 * 2.5 + at % 4 * 0.05, "tone", **five), "name": "tone"} for at in range(40)],
        )
        for name in ("contains", "tone"):
            send(client, [human(at, float(at % 2), "ann", name) for at in range(40)])
    return serving, file


def test_what_was_labelled_is_scored_again_by_what_is_installed(owned: Any) -> None:
    serving, _ = owned
    with serving.client() as client:
        assert client.judge("contains")["expired"]["kind"] == "installed"
        dry = client.recheck_judge("contains", dry_run=True, options={"texts": ["Thirty"]})
        assert (dry["targets"], dry["job"], dry["added"]) == (40, None, 0)
        told = client.recheck_judge("contains", options={"texts": ["Thirty"]})
        assert (told["targets"], told["added"], told["why_no_job"]) == (40, 40, None)
        worker = Worker(serving.note.api_url)
        while client.job(told["job"])["state"] != "done":
            assert worker.turn(1)
        found = client.judge("contains")
        again = client.recheck_judge("contains", options={"texts": ["Thirty"]})
    assert (found["n"], found["card"]["agreement"]["value"], found["expired"]) == (40, 1.0, None)
    assert found["badge"] == "high"
    assert (again["added"], again["there"]) == (0, 40)


@pytest.mark.parametrize("deep", [0, 2, 4])
def test_an_entry_takes_the_place_of_its_own_alone(deep: int) -> None:
    told = "- name: {}\n  prompt: |\n    # Right?\n    {{answer}}\n\n# After {}.\n"
    entries = "".join(told.format(name, name) for name in "abc")
    text = "# Ours.\nevaluators:\n" + "".join(f"{' ' * deep}{line}\n" for line in entries.splitlines())
    for name in "abc":
        found = writing.placed(text, {"name": name, "prompt": "Good?"}, replaces=True)
        known = {one["name"]: one["prompt"] for one in yaml.safe_load(found)["evaluators"]}
        assert known == {one: "Good?" if one == name else "# Right?\n{answer}\n" for one in "abc"}
        assert [line.strip() for line in found.splitlines() if "# " in line and "Right" not in line] == [
            "# Ours.", "# After a.", "# After b.", "# After c."
        ]  # fmt: skip
    found = writing.placed(text.rstrip(), {"name": "d", "prompt": "Good?"}, replaces=False)
    assert [one["name"] for one in yaml.safe_load(found)["evaluators"]] == ["a", "b", "c", "d"]


def test_what_labels_teach_becomes_a_new_version(owned: Any) -> None:
    serving, file = owned
    with serving.client() as client:
        before = file.read_text("utf-8")
        dry = client.write_judge("tone", examples=4)
        assert file.read_text("utf-8") == before
        assert dry["changes"][0].startswith("Yes from 2.825 on in place of 3 ")
        assert (dry["name"], dry["version"], dry["replaces"], dry["written"]) == ("tone", "2", True, False)
        assert client.write_judge("tone", examples=4, dry_run=False)["written"]
        cards = {one["name"]: one for one in client.evaluators()}
        assert cards["tone"]["version"].startswith("2-")
        assert cards["tone"]["scale"]["labels"] == ["no", "yes"]
        assert client.judge("tone")["expired"]["kind"] == "installed"
        with pytest.raises(ApiError, match="examples teach it nothing"):
            client.write_judge("contains", examples=2)
    text = file.read_text("utf-8")
    assert text.startswith("# Ours.\nevaluators:\n  - name: tone\n")
    assert dry["yaml"].splitlines()[1].strip() in text
    assert text.count("Thirty days.") == 2  # of four examples as many a yes as a no
    assert text.count("Never.") == 2


def test_what_a_judge_was_shown_as_examples_is_in_none_of_its_cards(owned: Any) -> None:
    serving, file = owned
    with serving.client() as client:
        client.write_judge("tone", examples=4, dry_run=False)
        kept = [one["of"] for one in yaml.safe_load(file.read_text("utf-8"))["evaluators"][0]["examples"]]
        assert len(set(kept)) == 4
        assert set(kept) <= {trace(at) for at in range(40)}
        told = client.recheck_judge("tone")
        assert (told["targets"], told["why_no_job"]) == (40, None)
        worker = Worker(serving.note.api_url, Files(file.with_name("judges.yaml"), file))
        while client.job(told["job"])["state"] != "done":
            assert worker.turn(1)
        found = client.judge("tone")
        line = next(one for one in client.judges()["judges"] if one["version"] == found["version"])
        shown = client.rows("trace_scores", trace_id=kept[0])
    assert found["version"].startswith("2-")
    assert (found["n"], found["left_out"]["examples"], line["n"]) == (36, 4, 36)
    assert any(note.startswith("Left out: 4 labelled items that the judge was shown") for note in found["notes"])
    told = {one["evaluator_version"]: dict(one["metadata"]).get("example") for one in shown if one["name"] == "tone"}
    assert told[found["version"]] == "yes"


def run_rows(first: int, truths: list[bool], kind: float, rng: random.Random) -> list[Row]:
    """Rows of a run whose answers went on with traces from `first` on; the judge passes so many that are wrong."""
    made = made_runs.rows(len(truths))
    for at, (row, right) in enumerate(zip(made, truths, strict=True)):
        passed = right or rng.random() < kind
        row["verdicts"]["groundedness"] |= {"value": 0.9 if passed else 0.1, "passed": passed}
        row["cluster"] = row["item"]
        row["measured"]["trace_id"] = trace(first + at)
    return made


def test_runs_are_told_as_people_would_say_and_their_judge_has_a_card(shared: Any) -> None:
    rng = random.Random(3)
    hard = [rng.random() for _ in range(160)]
    march, june = [one < 0.85 for one in hard], [one < 0.6 for one in hard]
    with shared.client() as admin:
        admin.add_project("runs")
    with shared.client("runs") as client:
        ids = [
            made_runs.tell(client, run_rows(first, truths, kind, rng), suite=suite)
            for suite, first, truths, kind in (("march", 1000, march, 0.1), ("june", 2000, june, 0.6))
        ]
        send(client, [
            human(first + at, float(truths[at]), "ann", "groundedness")
            for first, truths in ((1000, march), (2000, june)) for at in range(0, 160, 2)
        ])  # fmt: skip
        found = client.compare_people("runs", runs=",".join(ids))
        card = client.judge("groundedness")
        line = client.judges()["judges"][0]
    (one,) = found["measures"]
    assert [own["labels"] for own in one["own"]] == [80, 80]
    (pair,) = one["pairs"]
    assert pair["verdict"] == "worse"
    truth = (sum(june) - sum(march)) / 160
    assert pair["corrected"]["ci_low"] <= truth <= pair["corrected"]["ci_high"]
    assert not pair["judge"]["ci_low"] <= truth <= pair["judge"]["ci_high"]
    assert (card["evaluator"], card["version"], card["n"], card["card"]["n_rows"]) == ("groundedness", "3", 160, 320)
    assert (line["source"], line["n"], line["scores"]) == ("run", 160, 320)
