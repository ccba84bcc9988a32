"""A suite over a golden set: a judge says what people agreed on, or the application answers what is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from evaluators.suites.suite import parse_suite
from server.labelling.terms import CHOOSING, COMPARING, Asked, Terms
from server.training import fewshot
from server.training.fields import answers

Row = dict[str, Any]
MOST_GUIDELINES = 20_000


def suite(  # noqa: PLR0917 - what it says
    name: str, asked: Asked, terms: Terms | None, dataset: str, version: int | None, at_least: float,
    examples: Sequence[Row],
) -> str:  # fmt: skip
    """The suite's file, which `assay eval` runs once its model is named.

    Args:
        name: of the suite.
        asked: the field that people answered.
        terms: of its queue; null: end users corrected.
        dataset: stored, as `golden.put` makes it.
        version: of it; null: the newest.
        at_least: share of items in which the answer must be people's.
        examples: of `fewshot`, for the judge's prompt.
    """
    judging = asked.kind in CHOOSING | COMPARING
    stored: Row = {"stored": dataset} | ({} if version is None else {"version": version})
    model: Row = {"base_url": "http://localhost:11434/v1", "model": "llama3.1"}
    if judging:
        model |= {"prompt": _prompt(asked, terms, examples), "parameters": {"temperature": 0}}
    told: Row = {
        "suite": name,
        "description": f"{'A judge says' if judging else 'The application answers'} what people agreed on: "
        f"{asked.title or asked.name}",
        "dataset": stored,
        "target": {"model": model},
        "evaluators": [{"name": "normalised_match", "as": "agrees", "pass": {"label": "pass"}}],
        "gates": [
            {"of": "agrees", "measure": "pass_rate", "at_least": at_least},
            {"of": "target", "measure": "errors", "at_most": 0.02},
        ],
    }
    parse_suite(told, name)
    head = (
        "# Name your model. `agrees` is the share of items in which its verdict is what people agreed on.\n"
        if judging
        else "# Name your application in place of the model: http, command or python.\n"
        "# `agrees` asks for people's very words; a judge or chrf in its place forgives other words.\n"
    )
    return head + yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=100)


def _prompt(asked: Asked, terms: Terms | None, examples: Sequence[Row]) -> str:
    parts = [asked.title or asked.name]
    if asked.kind == "ranking":
        parts.append('Reply with groups of answers, the best first, as JSON such as [["b"],["a"]], and nothing else.')
    else:
        parts.append(f"Reply with one of {', '.join(answers(asked))}, and nothing else.")
    if terms is not None and terms.guidelines.strip():
        parts.append(terms.guidelines[:MOST_GUIDELINES].strip())
    if examples:
        parts.append(fewshot.text(examples))
    told = _verbatim("\n\n".join(parts))
    return f"{told}\n\n{_ITEM}{_SIDES if asked.kind in COMPARING else _ANSWER}"


_ITEM = (
    "{% if contexts is defined %}{% for text in contexts %}Document: {{ text }}\n{% endfor %}{% endif %}"
    "{% if question is defined %}Question: {{ question }}\n{% endif %}"
)
_ANSWER = "Answer: {{ answer }}\nVerdict:"
_SIDES = (
    "{% for name, text in metadata.items() %}{% if name.startswith('answer_') %}{{ name }}: {{ text }}\n"
    "{% endif %}{% endfor %}Verdict:"
)


def _verbatim(text: str) -> str:
    """Text that is read as no template, whatever it holds."""
    return "{% raw %}" + text.replace("{%", "{ %") + "{% endraw %}" if "{" in text else text
