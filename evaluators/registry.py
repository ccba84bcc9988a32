"""Which evaluators there are. They are found by entry point, so that none is imported before it is asked for."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from evaluators.errors import EvaluatorError, OptionError, UnknownEvaluatorError
from evaluators.protocol import Card, Evaluator, Maker

GROUP = "assayline.evaluators"


def available() -> list[str]:
    """Names of the installed evaluators, sorted. Imports none of them."""
    return sorted(entry_points(group=GROUP).names)


def load(name: str, **options: object) -> Evaluator:
    """Make one evaluator, with its options.

    Raises:
        UnknownEvaluatorError: there is none of this name; lists those that exist.
        OptionError: it has no such option, or not with this value.
        EvaluatorError: it cannot be imported.
    """
    return made(maker(name), options)


def made(make: Maker, options: dict[str, object]) -> Evaluator:
    """What the maker makes with these options.

    Raises:
        OptionError: it has no such option, or not with this value.
    """
    name = make.card.name
    _check_options(name, make, options)
    try:
        return make(**options)
    except (TypeError, ValueError) as error:
        raise OptionError(f"Evaluator {name!r} cannot be made with {_listed(options)}: {error}") from error


def cards() -> list[Card]:
    """The cards of all installed evaluators, by family and name. Makes none of them.

    Raises:
        EvaluatorError: one cannot be imported.
    """
    points = entry_points(group=GROUP)
    return sorted((_imported(points[name]).card for name in available()), key=lambda card: (card.family, card.name))


def options(name: str) -> list[str]:
    """Names of the options that an evaluator takes. Raises as `load` does."""
    return options_of(maker(name))


def maker(name: str) -> Maker:
    """What makes the evaluator: its card is that of whatever it makes. Raises as `load` does."""
    known = available()
    if name not in known:
        raise UnknownEvaluatorError(name, known)
    return _imported(entry_points(group=GROUP)[name])


def _imported(point: EntryPoint) -> Maker:
    try:
        return cast("Maker", point.load())
    except (ImportError, AttributeError) as error:
        source = point.dist.name if point.dist else "an unknown package"
        raise EvaluatorError(
            f"Evaluator {point.name!r} of {source} cannot be imported from {point.value}: {error}"
        ) from error


def options_of(make: Maker) -> list[str]:
    """Names of the options that it takes."""
    return [one.name for one in inspect.signature(make).parameters.values() if one.kind is not one.VAR_KEYWORD]


def _check_options(name: str, make: Maker, options: dict[str, object]) -> None:
    known = options_of(make)
    for option in options:
        if option not in known:
            close = get_close_matches(option, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise OptionError(
                f"Evaluator {name!r} has no option {option!r}.{hint} It takes: {', '.join(known) or 'none'}."
            )


def _listed(options: dict[str, object]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in options.items()) or "no options"
