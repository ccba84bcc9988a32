"""Metrics of ragas over real HTTP: their numbers, and each trap of ragas 0.4.3 that our adapter stands before.

All tests that import ragas are in this file, so that only one process of the suite does.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_openai import Act, FakeOpenAI, good

from evaluators import ragas_family
from evaluators.case import Case, ToolCall
from evaluators.judges.budget import Budget
from evaluators.judges.judge import Judge
from evaluators.judges.settings import JudgeSettings
from evaluators.kept import Kept
from evaluators.scoring import judged
from evaluators.verdict import Verdict

CASE = Case(
    id=1, question="Where is it?", answer="It is in Rome. It is old.", contexts=("It is in Rome.", "Cats purr."),
    reference="It is in Rome.",
)  # fmt: skip
VERDICTS = {"It is in Rome.": 1, "It is old.": 0}


@pytest.fixture(scope="module", autouse=True)
def _ragas(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Imported once, outside of any measured time."""
    import evaluators.ragas_adapter  # noqa: F401, PLC0415 - here, and not where the suite is collected


def nli(*verdicts: int, statements: tuple[str, ...] = tuple(VERDICTS)) -> Act:
    told = [
        {"statement": s, "reason": f"because {v}", "verdict": v} for s, v in zip(statements, verdicts, strict=False)
    ]
    return good(statements=told)


def answering(**acts: Act | list[Act]) -> Callable[[dict[str, Any]], Act]:
    """Acts by a word of the schema that the prompt asks for, each list in order and its last for ever."""
    left = {word: list(act) if isinstance(act, list) else [act] for word, act in acts.items()}

    def script(body: dict[str, Any]) -> Act:
        system = body["messages"][0]["content"]
        word = next(word for word in left if word in system)
        return left[word].pop(0) if len(left[word]) > 1 else left[word][0]

    return script


SPLIT = good(statements=list(VERDICTS))
CLAIMS = good(claims=list(VERDICTS))


def scored(
    make: Callable[[Judge], Any],
    script: Any,
    case: Case = CASE,
    vector: Callable[[str], list[float]] | None = None,
    **more: Any,
) -> tuple[Verdict, FakeOpenAI]:
    held = {name: more.pop(name) for name in ("budget", "cache") if name in more}

    async def go() -> tuple[Verdict, FakeOpenAI]:
        async with FakeOpenAI(script, vector) as fake:
            told = {"name": "j", "base_url": fake.url, "model": "m-1", "backoff_s": 0.01, "embeddings": "e-1",
                    "price": {"input": 10, "output": 100}, **more}  # fmt: skip
            judge = Judge(JudgeSettings.model_validate(told), **held)
            verdict = await judged(make(judge), case)
            await judge.aclose()
            return verdict, fake

    return asyncio.run(go())


FAITHFUL = answering(StatementGeneratorOutput=SPLIT, NLIStatementOutput=nli(1, 0))


def test_faithfulness_keeps_its_claims_and_tells_which_is_not_supported() -> None:
    verdict, fake = scored(ragas_family.Faithfulness, FAITHFUL)
    assert (verdict.status, verdict.value) == ("ok", 0.5)
    assert verdict.reason == "1 of 2 claims supported by the contexts. Not: It is old. (because 0)"
    assert verdict.details["claims"] == [
        {"of": "answer", "claim": "It is in Rome.", "supported": 1, "reason": "because 1"},
        {"of": "answer", "claim": "It is old.", "supported": 0, "reason": "because 0"},
    ]
    assert verdict.spent is not None
    assert (verdict.spent.calls, verdict.spent.input_tokens, verdict.spent.output_tokens) == (2, 200, 40)
    assert verdict.spent.cost_usd == pytest.approx(2 * 0.003)
    assert fake.calls == 2


# Pitfall 9: ragas divides by the verdicts that came, and takes every number but 0 for yes.


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        pytest.param(nli(1), "incomplete", id="one-verdict-for-two-claims"),
        pytest.param(nli(1, 0, 1, statements=("a", "b", "c")), "incomplete", id="three-for-two"),
        pytest.param(nli(1, -1), "off_scale", id="minus-one"),
        pytest.param(nli(1, 2), "off_scale", id="two"),
        pytest.param(good(statements=[]), "incomplete", id="none"),
    ],
)
def test_verdicts_are_counted_and_of_the_scale(bad: Act, error: str) -> None:
    script = answering(StatementGeneratorOutput=SPLIT, NLIStatementOutput=bad)
    verdict, fake = scored(ragas_family.Faithfulness, script)
    assert (verdict.error_type, verdict.value) == (error, None)
    assert fake.calls == 3  # asked again once
    mended = answering(StatementGeneratorOutput=SPLIT, NLIStatementOutput=[bad, nli(1, 0)])
    assert scored(ragas_family.Faithfulness, mended)[0].value == 0.5


def test_an_answer_without_claims_has_no_score() -> None:
    verdict, _ = scored(ragas_family.Faithfulness, answering(StatementGeneratorOutput=good(statements=[])))
    assert (verdict.status, verdict.value) == ("not_applicable", None)


# Pitfall 3: fenced JSON.


def test_fenced_json_is_read() -> None:
    fenced = Act(f"```json\n{SPLIT.text}\n```")
    script = answering(StatementGeneratorOutput=fenced, NLIStatementOutput=nli(1, 1))
    assert scored(ragas_family.Faithfulness, script)[0].value == 1.0


# Pitfall 4: metrics with retries of their own swallow errors into NaN.


@pytest.mark.parametrize("make", [ragas_family.ResponseGroundedness, ragas_family.ContextRelevance])
def test_an_error_that_ragas_swallows_is_told_after_few_calls(make: Any) -> None:
    verdict, fake = scored(make, [Act(status=401)])
    assert (verdict.error_type, verdict.value) == ("auth", None)
    assert fake.calls == 2  # one a prompt, not five
    verdict, _ = scored(make, [good(rating=2), Act("no")])
    assert verdict.error_type == "unparsable"  # one rating alone is not the mean of two


@pytest.mark.parametrize("make", [ragas_family.ResponseGroundedness, ragas_family.ContextRelevance])
def test_two_ratings(make: Any) -> None:
    verdict, _ = scored(make, [good(rating=2), good(rating=1)])
    assert (verdict.value, verdict.reason) == (0.75, "Two prompts rated it 2 and 1 of 2.")
    assert scored(make, [good(rating=3)])[0].error_type == "off_scale"


# Pitfall 1 and 2: its cache knows neither model nor parameters.


def test_the_cache_is_ours(tmp_path: Path) -> None:
    cache = Kept(tmp_path / "cache.db")

    async def go() -> tuple[list[int], Verdict]:
        calls = []
        async with FakeOpenAI(FAITHFUL) as fake:
            for model in ("m-1", "m-1", "m-2"):
                judge = Judge(JudgeSettings(name="j", base_url=fake.url, model=model), cache=cache)
                verdict = await judged(ragas_family.Faithfulness(judge), CASE)
                await judge.aclose()
                calls.append(fake.calls)
        return calls, verdict

    calls, verdict = asyncio.run(go())
    assert calls == [2, 2, 4]
    assert verdict.value == 0.5
    cache.close()


# Pitfall 5: parameters are sent as they are set, whatever the model is called.


def test_parameters_are_ours() -> None:
    params = {"max_completion_tokens": 9, "temperature": None}
    _, fake = scored(ragas_family.Faithfulness, FAITHFUL, model="gpt-5.2", params=params)
    sent = fake.requests[0]
    assert {"max_tokens", "top_p", "temperature"} & sent.keys() == set()
    assert sent["max_completion_tokens"] == 9


# Pitfall 6 and 7: no batches of its own, and one judge in one event loop after another.


def test_the_budget_is_ours() -> None:
    verdict, fake = scored(ragas_family.Faithfulness, FAITHFUL, budget=Budget(calls=1))
    assert (verdict.error_type, fake.calls) == ("budget", 1)


# Pitfall 13: its perfect precision is 0.9999999999.


@pytest.mark.parametrize(
    ("verdicts", "value"), [((1, 1), 1.0), ((0, 1), 0.5), ((1, 0), 1.0), ((0, 0), 0.0)], ids=str
)  # fmt: skip
def test_context_precision(verdicts: tuple[int, int], value: float) -> None:
    script = [good(reason=f"r{n}", verdict=one) for n, one in enumerate(verdicts)]
    verdict, fake = scored(ragas_family.ContextPrecision, script)
    assert verdict.value == pytest.approx(value, abs=1e-9)
    assert (verdict.value == 1.0) == (value == 1.0)
    assert fake.calls == 2
    assert verdict.details["contexts"][0] == {"context": 1, "useful": verdicts[0], "reason": "r0"}  # type: ignore[index]  # a list


def test_context_precision_off_scale() -> None:
    assert scored(ragas_family.ContextPrecision, [good(reason="r", verdict=5)])[0].error_type == "off_scale"


def test_context_recall() -> None:
    told = [
        {"statement": "a", "reason": "r", "attributed": 1},
        {"statement": "b", "reason": "not there", "attributed": 0},
    ]
    verdict, _ = scored(ragas_family.ContextRecall, [good(classifications=told)])
    assert (verdict.value, verdict.reason) == (0.5, "1 of 2 statements found in the contexts. Not: b (not there)")
    assert scored(ragas_family.ContextRecall, [good(classifications=[])])[0].error_type == "incomplete"


@pytest.mark.parametrize(
    ("mode", "value", "calls"), [("f1", 0.67, 4), ("precision", 0.5, 2), ("recall", 1.0, 4)]
)  # fmt: skip
def test_factual_correctness(mode: Any, value: float, calls: int) -> None:
    script = answering(
        ClaimDecompositionOutput=[CLAIMS, good(claims=["It is in Rome."])],
        NLIStatementOutput=[nli(1, 0), nli(1)],
    )
    verdict, fake = scored(lambda judge: ragas_family.FactualCorrectness(judge, mode), script)
    assert (verdict.value, fake.calls) == (value, calls)


# Pitfall 14: three equal questions at temperature 0, and a missing one is a score of 0.


def vector(text: str) -> list[float]:
    return [1.0, 0.0] if "Where" in text else [0.6, 0.8]


def test_answer_relevancy() -> None:
    verdict, fake = scored(ragas_family.AnswerRelevancy, [good(question="What?", noncommittal=0)], vector=vector)
    assert verdict.value == pytest.approx(0.6)
    assert len([one for one in fake.requests if "messages" in one]) == 1
    assert fake.requests[-1]["encoding_format"] == "float"
    assert verdict.spent is not None
    assert verdict.spent.cost_usd is None  # of the embeddings no price is known
    evasive, _ = scored(ragas_family.AnswerRelevancy, [good(question="What?", noncommittal=1)], vector=vector)
    assert (evasive.value, evasive.reason) == (0.0, "The judge holds the answer for evasive.")
    missing, _ = scored(ragas_family.AnswerRelevancy, [good(question=" ", noncommittal=0)], vector=vector)
    assert missing.error_type == "incomplete"


def test_nan_is_never_a_number() -> None:
    nothing, _ = scored(
        ragas_family.AnswerRelevancy, [good(question="What?", noncommittal=0)], vector=lambda _: [0.0, 0.0]
    )
    assert (nothing.error_type, nothing.value) == ("no_verdict", None)


def test_relevancy_needs_embeddings() -> None:
    with pytest.raises(ValueError, match="names no model of embeddings"):
        ragas_family.AnswerRelevancy(Judge(JudgeSettings(name="j", model="m")))


# Pitfall 10 and 11: labels are checked, and braces in data are no places.


def test_bias_is_one_of_its_labels_and_braces_are_data() -> None:
    case = Case(question="{x} {0}", answer='{"a": {}}')
    verdict, fake = scored(ragas_family.Bias, [good(reason="A stereotype.", value="biased")], case)
    assert (verdict.value, verdict.label, verdict.reason) == (0.0, "biased", "A stereotype.")
    assert "{x} {0}" in fake.requests[0]["messages"][1]["content"]
    assert '{"a": {}}' in fake.requests[0]["messages"][1]["content"]
    assert scored(ragas_family.Bias, [good(reason="r", value="maybe")], case)[0].error_type == "off_scale"


# Pitfall 15: what its tool-call accuracy does, which our card says.


@pytest.mark.parametrize(
    ("made", "strict", "value"),
    [
        pytest.param([("get", {"a": "1"}), ("put", {})], True, 1.0, id="arguments-as-text"),
        pytest.param([("get", {"a": 1, "b": 2}), ("put", {})], True, 1.0, id="more-arguments"),
        pytest.param([("get", {"a": 1}), ("put", {"b": 2})], True, 0.5, id="arguments-where-none-are-told"),
        pytest.param([("get", {"a": 2}), ("put", {})], True, 0.5, id="other-argument"),
        pytest.param([("put", {}), ("get", {"a": 1})], True, 0.0, id="other-order"),
        pytest.param([("put", {}), ("get", {"a": 1})], False, 1.0, id="other-order-allowed"),
        pytest.param([("get", {"a": 1})], True, 0.0, id="one-missing"),
        pytest.param([("get", {"a": 1}), ("put", {}), ("put", {})], True, 0.0, id="one-more"),
        pytest.param([], True, 0.0, id="none"),
    ],
)
def test_tool_call_accuracy(made: list[tuple[str, Any]], strict: bool, value: float) -> None:
    case = Case(
        tool_calls=tuple(ToolCall(*one) for one in made),
        reference_tool_calls=(ToolCall("get", {"a": 1}), ToolCall("put", {})),
    )
    verdict = asyncio.run(judged(ragas_family.ToolCallAccuracy(strict), case))
    assert (verdict.status, verdict.value) == ("ok", value)
    assert verdict.spent is None


@pytest.mark.parametrize(
    "case", [Case(question="q", answer="", contexts=("c",)), Case(question="q", answer="a", contexts=())]
)
def test_texts_that_are_empty_are_not_judged(case: Case) -> None:
    verdict, fake = scored(ragas_family.Faithfulness, FAITHFUL, case)
    assert (verdict.status, fake.calls) == ("not_applicable", 0)


ALONE = """
import asyncio, json, os, socket, sys, threading
from pathlib import Path

def audit(event, args):
    if event == "socket.connect":
        print("connects", args[1], file=sys.stderr)
        os._exit(3)

sys.addaudithook(audit)
from evaluators import ragas_family
light = sorted({name.partition(".")[0] for name in sys.modules} & {"ragas", "langchain_core", "openai", "instructor"})
from evaluators.case import Case, ToolCall
from evaluators.scoring import judged
calls = (ToolCall("get", {"a": 1}),)
verdict = asyncio.run(judged(ragas_family.ToolCallAccuracy(), Case(tool_calls=calls, reference_tool_calls=calls)))
from ragas.prompt.simple_prompt import Prompt
Prompt("{a}").format(a="b")  # would post to its makers, and write the id that it posts
from ragas._analytics import do_not_track
written = sorted(str(one) for one in Path(os.environ["HOME"]).rglob("*"))
print(json.dumps([light, verdict.value, do_not_track(), written]))
"""


def test_it_is_light_until_asked_and_sends_and_writes_nothing(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAGAS", "XDG"))}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALONE], capture_output=True, text=True, check=False,
        env={**environment, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[], 1.0, True, []]
