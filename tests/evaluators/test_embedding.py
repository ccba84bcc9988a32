"""Similarity by a model of embeddings, which a judge's entry names."""

import asyncio
from collections.abc import Callable

import pytest
from fake_openai import Act, beside

from evaluators.case import Case
from evaluators.checks.embedding import EmbeddingSimilarity
from evaluators.judges.judge import Judge
from evaluators.judges.settings import JudgeSettings
from evaluators.scoring import judged, release
from evaluators.verdict import Verdict


def similarity(url: str, answer: str = "a", reference: str = "b", model: str | None = "small") -> Verdict:
    async def asked() -> Verdict:
        judge = Judge(JudgeSettings(name="j", base_url=url, model="gpt-4o-mini", embeddings=model, tries=1))
        evaluator = EmbeddingSimilarity(judge)
        try:
            return await judged(evaluator, Case(answer=answer, reference=reference))
        finally:
            await release([evaluator])

    return asyncio.run(asked())


def test_the_cosine_of_two_vectors() -> None:
    with beside([Act()], lambda text: [1.0, float(text == "b")]) as fake:
        found = similarity(fake.url)
        assert similarity(fake.url, reference=" ").status == "not_applicable"
    assert (found.status, found.value) == ("ok", pytest.approx(0.5**0.5))
    assert found.spent is not None
    assert found.spent.calls == 1
    assert fake.requests[0]["model"] == "small"


@pytest.mark.parametrize(
    ("vector", "error_type"),
    [
        pytest.param(lambda text: [0.0, 0.0], "bad_answer", id="zeros"),
        pytest.param(lambda text: [1.0] * (1 + (text == "b")), "bad_answer", id="lengths"),
    ],
)
def test_a_vector_that_is_none_is_an_error(vector: Callable[[str], list[float]], error_type: str) -> None:
    with beside([Act()], vector) as fake:
        assert similarity(fake.url).error_type == error_type


def test_a_judge_without_a_model_of_embeddings_says_so() -> None:
    found = similarity("http://127.0.0.1:9/v1", model=None)
    assert (found.status, found.error_type) == ("error", "bad_request")
    assert "names no model of embeddings" in found.reason
