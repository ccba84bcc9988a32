"""Ranges of energy and emissions, against the library's own answer for single calls."""

from __future__ import annotations

import itertools
import logging

import pandas as pd
import pytest
from ecologits.impacts.llm import compute_llm_impacts
from ecologits.model_repository import models
from ecologits.tracers.utils import llm_impacts
from ecologits.utils.range_value import RangeValue

from analytics import whatif_carbon as carbon

logging.getLogger("ecologits").setLevel(logging.ERROR)
EVERY = sorted(model.name for model in models.list_models())


def one_call(model: str, tokens: int, seconds: float, zone: str = carbon.PROVIDERS_ZONE) -> pd.Series:
    """What `emissions` says of one call of this length."""
    found = carbon.factors(model, zone)
    assert found is not None
    took = [min(seconds, tokens * rate + found.first_token_s) for rate in found.seconds_per_token]
    usage = pd.DataFrame(
        {"model": [model], "output_tokens": [tokens], "seconds_low": [took[0]], "seconds_high": [took[1]]}
    )
    return carbon.emissions(usage, zone).iloc[0]


@pytest.mark.parametrize("model", EVERY)
def test_each_model_is_as_the_library_computes_it(model: str) -> None:
    """With the widest overhead of its providers, in a world whose electricity is that of the maker's country."""
    known = models.find_model(carbon._models()[model.lower()].provider.value, model)
    assert known is not None
    factors, parameters = carbon.factors(model), known.architecture.parameters
    assert factors is not None
    for tokens, seconds in itertools.product((1, 400, 20_000), (0.01, 3.0, 900.0)):
        wanted = compute_llm_impacts(
            model_active_parameter_count=getattr(parameters, "active", parameters),
            model_total_parameter_count=getattr(parameters, "total", parameters), output_token_count=tokens,
            if_electricity_mix_adpe=0, if_electricity_mix_pe=0, if_electricity_mix_gwp=factors.kg_per_kwh,
            if_electricity_mix_wue=0, datacenter_pue=RangeValue(min=1.09, max=1.2), datacenter_wue=0,
            request_latency=seconds, tps=known.deployment and known.deployment.tps,
            ttft=known.deployment and known.deployment.ttft,
        )  # fmt: skip
        found = one_call(model, tokens, seconds)
        for name, value in (("kwh", wanted.energy.value), ("kg", wanted.gwp.value)):
            ends = [getattr(value, "min", value), getattr(value, "max", value)]
            assert [found[f"{name}_low"], found[f"{name}_high"]] == pytest.approx(ends)
        assert found["kwh_low"] < found["kwh_high"]
        assert found["kg_low"] < found["kg_high"]


def test_the_librarys_own_range_lies_within() -> None:
    """Oracle: its answer for a call to Anthropic, whose overhead it knows more closely."""
    wanted = llm_impacts("anthropic", "claude-sonnet-4-5", 300, 2.0)
    found = one_call("claude-sonnet-4-5", 300, 2.0)
    assert found["kwh_low"] == pytest.approx(wanted.energy.value.min)  # type: ignore[union-attr]
    assert found["kwh_high"] >= wanted.energy.value.max  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "taken_for"),
    [
        pytest.param("gpt-4o", "gpt-4o", id="as-it-is"),
        pytest.param("GPT-4o", "gpt-4o", id="capitals"),
        pytest.param("openai/gpt-4o-mini", "gpt-4o-mini", id="of-a-router"),
        pytest.param("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929", id="of-bedrock"),
        pytest.param("gpt-4-0314", "gpt-4", id="another-snapshot"),
        pytest.param("my-own-model", None, id="unknown"),
        pytest.param("", None, id="empty"),
    ],
)
def test_names(name: str, taken_for: str | None) -> None:
    found = carbon.factors(name)
    assert (found and found.model) == taken_for


def test_what_a_name_was_taken_for_is_told() -> None:
    found = carbon.factors("gpt-4-0314")
    assert found is not None
    assert found.assumed[0] == "Taken for gpt-4."


def test_unknown_models_are_unknown_and_zones_change_emissions_alone() -> None:
    usage = pd.DataFrame(
        {"model": ["gpt-4o", None, "nobody's"], "output_tokens": [1000] * 3, "seconds_low": 1.0, "seconds_high": 2.0}
    )
    found, sweden = carbon.emissions(usage), carbon.emissions(usage, "swe")
    assert found["kwh_low"].isna().tolist() == [False, True, True]
    assert found["taken_for"].isna().tolist() == [False, True, True]
    assert found["kwh_high"].iloc[0] == sweden["kwh_high"].iloc[0]
    assert found["kg_high"].iloc[0] > sweden["kg_high"].iloc[0]
    assert (found["zone"].iloc[0], sweden["zone"].iloc[0]) == ("USA", "SWE")


def test_a_zone_that_nobody_knows_is_refused() -> None:
    with pytest.raises(carbon.UnknownZoneError, match=r"zone 'FRAU'\. Did you mean FRA"):
        carbon.check_zone("FRAU")
    carbon.check_zone(carbon.PROVIDERS_ZONE)
    carbon.check_zone("wor")
