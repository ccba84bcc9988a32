"""The contract of evaluators: scales, rulers, the registry, and that nothing they do ends a run."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from evaluators import registry
from evaluators.case import Case, Unreadable
from evaluators.errors import OptionError, UnknownEvaluatorError
from evaluators.protocol import Card, ruler
from evaluators.scoring import judged
from evaluators.verdict import Scale, Verdict, verdict

CARD = Card("probe", "3", "custom", "Anything.", ("answer",), scale=Scale(0, 1, ("bad", "good")))


@dataclass(frozen=True, slots=True)
class Probe:
    said: Callable[[], Verdict]
    card: ClassVar[Card] = CARD

    def __call__(self, case: Case) -> Verdict:
        return self.said()


@dataclass(frozen=True, slots=True)
class Later(Probe):
    async def __call__(self, case: Case) -> Verdict:  # type: ignore[override]  # the protocol admits both
        await asyncio.sleep(0)
        return self.said()


@dataclass(frozen=True, slots=True)
class Options:
    a: int = 1
    b: tuple[str, ...] = ()
    threads: int = field(default=1, metadata={"ruler": False})
    card: ClassVar[Card] = CARD

    def __call__(self, case: Case) -> Verdict:
        return verdict(1, "")


def broken() -> Verdict:
    raise KeyError("x")


@pytest.mark.parametrize("kind", [Probe, Later])
@pytest.mark.parametrize(
    ("said", "status", "error_type"),
    [
        pytest.param(lambda: verdict(1.0, "", label="good"), "ok", None, id="ok"),
        pytest.param(lambda: verdict(1.01, ""), "error", "off_scale", id="above"),
        pytest.param(lambda: verdict(float("nan"), ""), "error", "off_scale", id="nan"),
        pytest.param(lambda: verdict(float("inf"), ""), "error", "off_scale", id="infinite"),
        pytest.param(lambda: verdict(0.5, "", label="fine"), "error", "off_scale", id="another-label"),
        pytest.param(lambda: verdict(None, ""), "error", "off_scale", id="nothing-said"),
        pytest.param(broken, "error", "KeyError", id="raises"),
    ],
)
def test_only_a_verdict_on_the_scale_counts(
    kind: type[Probe], said: Callable[[], Verdict], status: str, error_type: str | None
) -> None:
    found = asyncio.run(judged(kind(said), Case(answer="a")))
    assert (found.status, found.error_type) == (status, error_type)
    assert (found.value is None) == (status == "error")


def test_what_was_said_off_the_scale_is_kept() -> None:
    found = verdict(7.0, "High.", label="good").on(CARD.scale)
    assert found.details["said"] == {"value": 7.0, "label": "good", "reason": "High."}
    assert "7 is not between 0 and 1" in found.reason


def test_a_case_without_what_is_needed_is_not_applicable() -> None:
    found = asyncio.run(judged(Probe(broken), Case(question="q")))
    assert (found.status, found.reason) == ("not_applicable", "The row has no answer.")


def test_an_unreadable_row_fails() -> None:
    found = asyncio.run(judged(Probe(broken), Unreadable("r", "Line 2: no.")))
    assert (found.status, found.error_type, found.reason) == ("error", "unreadable", "Line 2: no.")


def test_the_ruler_names_unusual_options() -> None:
    assert ruler(Options()) == "3"
    assert ruler(Options(threads=8)) == "3"
    assert ruler(Options(a=2)).startswith("3+")
    assert ruler(Options(a=2)) == ruler(Options(a=2))
    assert len({ruler(Options(a=2)), ruler(Options(b=("x",))), ruler(Options(a=2, b=("x",)))}) == 3


def test_an_unknown_name_has_a_hint() -> None:
    with pytest.raises(UnknownEvaluatorError, match="Did you mean 'exact_match'"):
        registry.load("exactmatch")


def test_an_unknown_option_is_told() -> None:
    with pytest.raises(OptionError, match="has no option 'pattern'"):
        registry.load("exact_match", pattern="x")


def test_every_card_is_whole_and_says_its_name() -> None:
    assert [card.name for card in registry.cards()] == sorted(
        registry.available(), key=lambda name: (registry.maker(name).card.family, name)
    )
    for card in registry.cards():
        assert card.measures.endswith(".")
        assert card.version
        assert all(limit.endswith(".") for limit in card.limits)
        assert all((figure.low is None) == (figure.high is None) for figure in card.quality)


def test_cards_load_no_model_and_no_heavy_library() -> None:
    script = (
        "import sys; from evaluators import registry; registry.cards(); "
        "print(*sorted({'ragas', 'openai', 'scipy', 'pandas', 'sacrebleu', 'torch', 'duckdb', 'streamlit', 'langchain'}"
        " & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == ""
