"""Personal data in what is trained on, replaced by its type. Findings are those of the evaluator `pii`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evaluators.pii import find
from server.jsontext import dumps
from server.training.examples import Example

LEAST = 0.5  # confidence from which a finding counts, as the evaluator has it
LONGEST = 100_000  # letters that are looked through at once

Row = dict[str, Any]


@dataclass(slots=True)
class Redactor:
    """Replaces findings of these types, and counts them. Texts repeat, as system prompts do: each is looked at once."""

    types: Sequence[str]
    counts: Counter[str] = field(default_factory=Counter)
    _known: dict[str, tuple[str, Counter[str]]] = field(default_factory=dict)

    def example(self, one: Example) -> Example:
        """With what was said and what tools were given and returned; definitions of tools are left as they are."""
        parts = (self.messages(part) for part in (one.prompt, one.completion, one.rejected))
        prompt, completion, rejected = parts
        return replace(one, prompt=prompt, completion=completion, rejected=rejected)

    def messages(self, told: Sequence[Row]) -> list[Row]:
        """Chat messages, without personal data."""
        return [self._message(one) for one in told]

    def _message(self, one: Row) -> Row:
        found = dict(one)
        if isinstance(one.get("content"), str):
            found["content"] = self.text(one["content"])
        if one.get("tool_calls"):
            found["tool_calls"] = [
                {**call, "function": {**call["function"], "arguments": self._arguments(call["function"]["arguments"])}}
                for call in one["tool_calls"]
            ]
        return found

    def _arguments(self, text: str) -> str:
        """Of JSON its texts, so that it stays JSON."""
        try:
            held = json.loads(text)
        except ValueError:
            return self.text(text)
        return dumps(self.value(held)).decode()

    def value(self, held: Any) -> Any:
        """The texts of a value, whatever it is nested in; names of members stay."""
        if isinstance(held, str):
            return self.text(held)
        if isinstance(held, list):
            return [self.value(one) for one in held]
        return {name: self.value(one) for name, one in held.items()} if isinstance(held, dict) else held

    def text(self, text: str) -> str:
        """One text."""
        if text not in self._known:
            self._known[text] = self._redacted(text)
        told, counts = self._known[text]
        self.counts += counts
        return told

    def _redacted(self, text: str) -> tuple[str, Counter[str]]:
        counts: Counter[str] = Counter()
        parts, done = [], 0
        for start in range(0, len(text), LONGEST):
            for one in find(text[start : start + LONGEST]):
                if one.type not in self.types or one.confidence < LEAST:
                    continue
                parts += [text[done : start + one.start], f"[{one.type.upper()}]"]
                done = start + one.end
                counts[one.type] += 1
        return "".join([*parts, text[done:]]), counts
