"""Energy and greenhouse gas of model calls, as ranges: the method of EcoLogits, whose tables come with the package.

A call is taken for `energy = per token * output tokens + per second * seconds of generating`, and for emissions of that
energy and of the hardware's making in these seconds: both are what the library computes, whose functions are asked for
the factors. The seconds are what the library expects of so many tokens, or the duration where that is shorter.

Whoever answers a call tells neither its parameters nor its data centre, so every figure is a range: from the fewest to
the most parameters that the library gives the model, and from the lowest to the highest overhead (PUE) among its
providers. What it does not know besides, such as batches, stands in its method and is not in the range. Input counts
for nothing in it, training neither. Nothing is fetched.

Source: EcoLogits (MPL-2.0), https://ecologits.ai, its method for LLM inference; Rincé and Banse 2025, EcoLogits:
Evaluating the Environmental Impacts of Generative AI, JOSS 10(111).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analytics.columns import Floats, numbers

PROVIDERS_ZONE = "provider"  # in place of a zone: that of the maker of the model, as the library has it
_VENDOR = re.compile(r"^(?:[a-z]{2,4}\.)?(?:anthropic|meta|mistral|cohere|amazon|deepseek|openai)\.")
_BEDROCK = re.compile(r"-v\d+(?::\d+)?$|:\d+$")
_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")


class UnknownZoneError(ValueError):
    """The library has no electricity mix of this name."""

    def __init__(self, zone: str, known: list[str]) -> None:
        super().__init__(zone, known)  # as they are: another process makes it anew of them
        self.zone, self.known = zone, known

    def __str__(self) -> str:
        close = get_close_matches(self.zone.upper(), self.known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return (
            f"No electricity mix is known for zone {self.zone!r}.{hint} Give a country by three letters, as FRA or "
            f"USA, WOR for the world, or {PROVIDERS_ZONE} for the country that EcoLogits assumes of each provider."
        )


class Range(NamedTuple):
    """The lowest and the highest."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Factors:
    """What one model takes, by the library."""

    model: str  # as the library names it
    kwh_per_token: Range  # of output
    kwh_per_second: Range  # of generating
    kg_per_kwh: float  # CO2 equivalents of electricity
    kg_per_second: Range  # CO2 equivalents of making the hardware, for the seconds that it is used
    seconds_per_token: Range
    first_token_s: float  # 0: the library knows none
    zone: str
    assumed: tuple[str, ...]  # sentences: what the library warns of, what its name was taken for


@cache
def method() -> str:
    """The library with its version: `EcoLogits 0.11.3`."""
    return f"EcoLogits {version('ecologits')}"


def zones() -> list[str]:
    """Every zone with an electricity mix, sorted: countries by three letters, and WOR."""
    from ecologits.electricity_mix_repository import electricity_mixes  # noqa: PLC0415 - 0.2 s that few commands need

    return sorted(mix.zone for mix in electricity_mixes.list_electricity_mixes())


def check_zone(zone: str) -> None:
    """Raises UnknownZoneError unless it is a zone, or `provider`."""
    if zone != PROVIDERS_ZONE:
        _mix(zone)


@lru_cache(maxsize=1 << 10)
def factors(model: str, zone: str = PROVIDERS_ZONE) -> Factors | None:
    """Of a model by the name that a provider or caller gives it; null: the library does not know it.

    Raises:
        UnknownZoneError: no electricity mix has this name.
    """
    mix_of = _mix(zone) if zone != PROVIDERS_ZONE else None
    found = _find(model)
    if found is None:
        return None
    known, told = found
    home = _config(known.provider.value).datacenter_location or "WOR"
    mix = mix_of or _mix(home)
    token, second, usual = (_impacts(known, mix, **shape) for shape in _SHAPES)
    kwh_per_second = Range(*(b - a for a, b in zip(token[0], second[0], strict=True)))
    tps = known.deployment.tps if known.deployment else None
    expected = Range(*((c - a) / b for a, b, c in zip(token[0], kwh_per_second, usual[0], strict=True)))
    return Factors(
        known.name, token[0], kwh_per_second, mix.gwp, second[1],
        Range(1 / tps, 1 / tps) if tps else expected, (known.deployment and known.deployment.ttft) or 0.0, mix.zone,
        (*told, *(warning.message for warning in known.warnings)),
    )  # fmt: skip


_SHAPES: tuple[dict[str, float], ...] = (
    {"request_latency": 0.0}, {"request_latency": np.inf, "tps": 1.0}, {"request_latency": np.inf},
)  # fmt: skip
"""Of one token: in no time, in one second, and in as much as the library expects. Their differences are the factors."""


def _impacts(model: Any, mix: Any, **shape: float) -> tuple[Range, Range]:
    """Energy (kWh), and emissions of making the hardware (kg), of one token."""
    from ecologits.impacts.llm import compute_llm_impacts  # noqa: PLC0415
    from ecologits.utils.range_value import RangeValue  # noqa: PLC0415

    parameters = model.architecture.parameters
    found = compute_llm_impacts(
        model_active_parameter_count=getattr(parameters, "active", parameters),
        model_total_parameter_count=getattr(parameters, "total", parameters),
        output_token_count=1, if_electricity_mix_adpe=mix.adpe, if_electricity_mix_pe=mix.pe,
        if_electricity_mix_gwp=mix.gwp, if_electricity_mix_wue=mix.wue,
        datacenter_pue=RangeValue(min=overhead().low, max=overhead().high), datacenter_wue=0, **shape,
    )  # fmt: skip
    return _range(found.energy.value), _range(found.embodied.gwp.value)


def _range(value: Any) -> Range:
    return Range(float(getattr(value, "min", value)), float(getattr(value, "max", value)))


@cache
def overhead() -> Range:
    """The lowest and highest PUE among the library's providers: what a data centre takes over what its machines do."""
    ends = [_range(config.datacenter_pue) for config in _configs().values()]
    return Range(min(end.low for end in ends), max(end.high for end in ends))


def _configs() -> dict[str, Any]:
    from ecologits.tracers.utils import PROVIDER_CONFIG_MAP  # noqa: PLC0415

    return dict(PROVIDER_CONFIG_MAP)


def _config(provider: str) -> Any:
    return _configs()[provider]


def _mix(zone: str) -> Any:
    from ecologits.electricity_mix_repository import electricity_mixes  # noqa: PLC0415

    found = electricity_mixes.find_electricity_mix(zone.upper())
    if found is None:
        raise UnknownZoneError(zone, zones())
    return found


@cache
def _models() -> dict[str, Any]:
    """By name in small letters; the library gives no name to two providers."""
    from ecologits.model_repository import models  # noqa: PLC0415

    return {model.name.lower(): model for model in models.list_models()}


def _find(model: str) -> tuple[Any, list[str]] | None:
    for place, name in enumerate(_spellings(model.lower())):
        if name in _models():
            found = _models()[name]
            return found, [f"Taken for {found.name}."] if place and found.name.lower() != model.lower() else []
    return None


def _spellings(name: str) -> Iterator[str]:
    """As given; without a router's prefix or a path; without what Bedrock adds; without its date."""
    bare = _BEDROCK.sub("", _VENDOR.sub("", name.rpartition("/")[2]))
    yield from (name, name.rpartition("/")[2], bare, _DATED.sub("", bare))


def emissions(usage: pd.DataFrame, zone: str = PROVIDERS_ZONE) -> pd.DataFrame:
    """Energy and emissions of groups of calls.

    `usage`: `model` (null: unknown), `output_tokens` (sum over the calls that told them), `seconds_low` and
    `seconds_high` (sum of the seconds of generating by `Factors.seconds_per_token`, or of durations where shorter).
    Same index; `kwh_low`, `kwh_high`, `kg_low`, `kg_high` (CO2 equivalents; null: the model is unknown), `taken_for`
    (the library's name of it) and `zone`.
    """
    found = [factors(name, zone) if isinstance(name, str) else None for name in usage["model"].astype(object)]
    tokens = numbers(usage, "output_tokens")
    columns: dict[str, object] = {}
    for place, end in enumerate(("low", "high")):
        seconds = np.nan_to_num(numbers(usage, f"seconds_{end}"))  # none: no call told its output
        kwh = _each(found, "kwh_per_token", place) * tokens + _each(found, "kwh_per_second", place) * seconds
        mix = np.array([np.nan if one is None else one.kg_per_kwh for one in found], dtype=np.float64)
        columns[f"kwh_{end}"] = kwh
        columns[f"kg_{end}"] = kwh * mix + _each(found, "kg_per_second", place) * seconds
    columns["taken_for"] = [None if one is None else one.model for one in found]
    columns["zone"] = [None if one is None else one.zone for one in found]
    return pd.DataFrame(columns, index=usage.index)


def _each(found: list[Factors | None], name: str, place: int) -> Floats:
    return np.array([np.nan if one is None else getattr(one, name)[place] for one in found], dtype=np.float64)
