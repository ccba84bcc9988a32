"""Judges and evaluators of the user's own, from YAML files: read, priced, and given what a run may spend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators import registry
from evaluators.errors import EvaluatorError, OptionError, UnknownEvaluatorError
from evaluators.protocol import Evaluator, Maker
from server.settings import Settings
from server.yaml_lines import line_in, parsed

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from collectors.pricing.price import Cost
    from evaluators.judges.budget import Budget
    from evaluators.judges.judge import Judge
    from evaluators.judges.model import Usage
    from evaluators.kept import Kept

MAX_DOCUMENT = 1_000_000  # letters
CACHE = "judge-answers.db"  # in the data folder


class UnreadableFileError(EvaluatorError):
    """A file that cannot be read."""


@dataclass(frozen=True, slots=True)
class Files:
    """What the user named: files of judges and of own evaluators, the cache of answers, and the limits of a run."""

    judges: Path | None = None
    evaluators: Path | None = None
    cache: Path | None = None
    budget_usd: float | None = None
    calls: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> Files:
        """What the settings name; answers of judges are kept beside the store."""
        return cls(settings.judges_file, settings.evaluators_file, settings.data_dir / CACHE)


@dataclass(frozen=True, slots=True)
class Bench:
    """The judges that evaluators can be given, and the makers of evaluators that are not installed."""

    own: Mapping[str, Maker] = field(default_factory=dict)
    judges: Mapping[str, Judge] = field(default_factory=dict)
    budget: Budget | None = None  # that all of them share; null: nobody is asked, or there is no limit

    def names(self) -> list[str]:
        """Names of all evaluators: those that are installed, and the user's own.

        Raises:
            EvaluatorError: one of the user's own has the name of another.
        """
        installed = registry.available()
        twice = sorted(self.own.keys() & set(installed))
        if twice:
            raise EvaluatorError(f"{twice[0]!r} is the name of an installed evaluator; call yours another.")
        return sorted([*installed, *self.own])

    def maker(self, name: str) -> Maker:
        """What makes the evaluator of this name. Raises EvaluatorError: it is unknown, or is two's."""
        names = self.names()
        if name not in names:
            raise UnknownEvaluatorError(name, names)
        return self.own.get(name) or registry.maker(name)

    def make(self, name: str, options: Mapping[str, object]) -> Evaluator:
        """The evaluator with its options; one that takes a judge gets that of its option `judge`, else the first.

        Raises:
            EvaluatorError: it is unknown, an option is, or there is no judge for it.
        """
        maker, held = self.maker(name), dict(options)
        if "judge" in registry.options_of(maker):
            wanted = held.get("judge", getattr(maker, "judge_name", None))
            held["judge"] = self.judge(None if wanted is None else str(wanted), name)
        return registry.made(maker, held)

    def judge(self, name: str | None, evaluator: str) -> Judge:
        """The judge of that name; null: the first of the file.

        Raises:
            EvaluatorError: there is none; its key is not set.
        """
        if not self.judges:
            where = "--judges, or ASSAY_JUDGES_FILE for jobs and the app"
            raise EvaluatorError(f"{evaluator} asks a model: name the file of judges by {where}.")
        if name is not None and name not in self.judges:
            raise OptionError(f"{evaluator} asks for judge {name!r}; the file names: {', '.join(self.judges)}.")
        found = next(iter(self.judges.values())) if name is None else self.judges[name]
        found.settings.key()
        return found


def bench(files: Files, tracer: Tracer | None = None) -> Bench:
    """All that the files name. Without files nothing of judges is imported. With a tracer judges tell what they do.

    Raises:
        EvaluatorError: a file cannot be read, or says what cannot be; names file, line and key.
    """
    own = {} if files.evaluators is None else _own(files.evaluators)
    if files.judges is None and files.budget_usd is None and files.calls is None:
        return Bench(own)
    from evaluators.judges.budget import Budget  # noqa: PLC0415 - 0.2 s, and only where somebody is asked

    budget = Budget(files.budget_usd, files.calls)
    return Bench(own, {} if files.judges is None else _judges(files.judges, files, budget, tracer), budget)


def _own(path: Path) -> Mapping[str, Maker]:
    from evaluators.own import parse_evaluators  # noqa: PLC0415 - 0.2 s, and only where there are some

    document, line_of = _document(path)
    return parse_evaluators(document, str(path), path.absolute().parent, line_of)


def _judges(path: Path, files: Files, budget: Budget, tracer: Tracer | None) -> dict[str, Judge]:
    from evaluators.judges.judge import Judge  # noqa: PLC0415 - as above
    from evaluators.judges.settings import parse_judges  # noqa: PLC0415
    from evaluators.kept import Kept  # noqa: PLC0415

    document, line_of = _document(path)
    cache: Kept | None = None if files.cache is None else Kept(files.cache)
    return {
        name: Judge(settings, budget=budget, cache=cache, price=list_price, tracer=tracer)
        for name, settings in parse_judges(document, str(path), line_of).items()
    }


def _document(path: Path) -> tuple[Any, Callable[[Sequence[str | int]], int]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{path} cannot be read: {error}") from error
    return parsed(text, str(path), MAX_DOCUMENT, UnreadableFileError), lambda steps: line_in(text, tuple(steps))


def list_price(provider: str, model: str, usage: Usage) -> float | None:
    """US dollars of a judge's call by the list prices of today; null: no price is known, or the tokens are not."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    cost = listed(provider, model, usage)
    return None if cost.usd is None else float(cost.usd)


def listed(provider: str, model: str, usage: Usage) -> Cost:
    """The cost of a call by the list prices of today, with where the price is from; or why there is none."""
    from collectors.pricing.price import Call, price  # noqa: PLC0415 - loads the table of prices

    told = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    known = {name: count for name, count in told.items() if count is not None}
    return price(Call(datetime.now(UTC), known, provider, model))
