"""Which models the playground offers, so that nobody types what is known: of judges, of suites, and seen in traffic."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evaluators.errors import EvaluatorError
from server import playground
from server.evals.preparing import MAX_SUITE, SuiteError
from server.judging import MAX_DOCUMENT, UnreadableFileError
from server.settings import Settings
from server.yaml_lines import parsed

Json = dict[str, Any]

LOOKS_BACK_DAYS = 30
MOST = 200  # suites that are read, and models of traffic
PARTS = ("provider", "base_url", "model", "key_env", "region", "parameters")
_PROVIDERS: Mapping[str, str] = {"openai": "openai", "anthropic": "anthropic", "aws.bedrock": "bedrock"}


def named(judges: Path | None, suites: Sequence[tuple[str, str]]) -> Json:
    """The models of the judges' file, and of suites (name, document): `models`, `problems`. Plain, for another process.

    A model has `PARTS` with `source` (judge, suite) and `name`, of the judge or the suite.
    """
    problems: list[str] = []
    found: list[Json] = []
    if judges is not None:
        try:
            found += _of_judges(judges)
        except EvaluatorError as error:
            problems.append(f"The models of judges are left out: {error}")
    for name, document in suites[:MOST]:
        found += _of_suite(name, document)
    return {"models": found, "problems": problems}


def letters_of(judges: Path | None) -> int:
    """How long the judges' file is; 0: there is none."""
    try:
        return 0 if judges is None else judges.stat().st_size
    except OSError:
        return 0


def _of_judges(path: Path) -> Iterator[Json]:
    from evaluators.judges.settings import parse_judges  # noqa: PLC0415 - in its own process

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{path} cannot be read: {error}") from error
    for one in parse_judges(parsed(text, str(path), MAX_DOCUMENT, UnreadableFileError), str(path)).values():
        yield {part: getattr(one, part, None) for part in PARTS} | {
            "parameters": {}, "source": "judge", "name": one.name,
        }  # fmt: skip


def _of_suite(name: str, document: str) -> list[Json]:
    """Its model, where it asks one and says it well; what else is wrong with it is told where suites are."""
    from evaluators.targets.config import ModelSettings  # noqa: PLC0415 - as above

    with suppress(SuiteError, ValidationError, AttributeError, KeyError, TypeError):
        told = parsed(document, name, MAX_SUITE, SuiteError)["target"].get("model")
        if isinstance(told, dict):
            model = ModelSettings.model_validate({part: told[part] for part in PARTS if part in told})
            held = {part: getattr(model, part) for part in PARTS} | {"parameters": dict(model.parameters)}
            return [held | {"source": "suite", "name": name}]
    return []


def seen(rows: Iterable[Mapping[str, Any]]) -> list[Json]:
    """Models of traffic, rows of query `whatif_models`, with the variable that such keys usually have."""
    return [_seen(str(row["model"]), row["provider"], int(row["calls"])) for row in rows]


def _seen(model: str, told: str | None, calls: int) -> Json:
    provider = _PROVIDERS.get(told or "")
    key = playground.USUAL_KEYS.get(provider or "")
    return {
        "provider": provider or "openai", "base_url": None, "model": model, "key_env": key, "region": None,
        "parameters": {}, "source": "traffic", "name": told or "unknown", "calls": calls, "known": provider is not None,
    }  # fmt: skip


def offered(models: Iterable[Json], settings: Settings) -> list[Json]:
    """Each model once, as its first source names it, with whether it can be asked: `usable`, else `why` it cannot."""
    once: dict[tuple[Any, ...], Json] = {}
    for one in models:
        once.setdefault((one["provider"], one["base_url"], one["model"]), one)
    return [_judged(one, settings) for one in once.values()]


def _judged(one: Json, settings: Settings) -> Json:
    from evaluators.targets.config import ModelSettings  # noqa: PLC0415 - as above

    if not one.get("known", True):
        why: str | None = (
            f"Calls of {one['name']} were seen, and which address serves them is not known. Type the base_url of an "
            "endpoint that speaks OpenAI's protocol, and choose the variable of its key."
        )
    else:
        why = playground.refusal(ModelSettings.model_validate({part: one[part] for part in PARTS}), settings)
    kept = {name: value for name, value in one.items() if name != "known"}
    return {"calls": None} | kept | {"usable": why is None, "why": why}


def variables(settings: Settings) -> list[Json]:
    """The environment variables that may be named, and whether they hold something. Never what they hold."""
    return [{"name": name, "set": bool(os.environ.get(name, "").strip())} for name in settings.suites_env]
