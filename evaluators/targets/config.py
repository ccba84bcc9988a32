from __future__ import annotations
from pathlib import Path
from typing import Any
from pydantic import BaseModel, ConfigDict
from evaluators.targets.answer import Answer, Asking, no_answer
from evaluators.case import Case

class Recorded:
    ruler = "recorded-1"
    pinned = True
    async def __call__(self, case: Case, asking: Asking) -> Answer:
        if case.answer is None:
            return no_answer("empty", "The row has no answer.")
        return Answer("ok", case.answer, usage=case.usage, recorded=True)
    async def aclose(self) -> None:
        return None

class TargetSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    answered: bool = True
    @property
    def kind(self) -> str:
        return "answered"
    def make(self, folder: Path, price: Any, budget: Any = None) -> Any:
        return Recorded()
