"""`assay monitor simulate` as a shell runs it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shell

from server.exit_codes import USER_ERROR

FIGURES = ["false_alarms_per_month", "ci_low", "ci_high", "quiet_months", "looks_per_month"]


def run(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return shell.run(folder, ("monitor", "simulate", "-", *arguments), kept, stdin)


def series(days: int = 28) -> str:
    """An hourly error rate of about 10 %, with few calls at night."""
    hours, rng = np.arange(days * 24), np.random.default_rng(1)
    calls = np.round(60 * (1.2 + np.sin(hours / 24 * 2 * np.pi))).astype(int)
    rates = rng.binomial(calls, 0.1 + 0.03 * np.sin(hours / 24 * 2 * np.pi)) / calls
    return "value,calls\n" + "".join(f"{rate},{many}\n" for rate, many in zip(rates, calls, strict=True))


SERIES = series()
SHORT = ("--season", "hour", "--weight", "calls", "--draws", "100")


def found(*arguments: str, folder: Path, stdin: str = SERIES) -> dict[str, Any]:
    done = run(folder, *arguments, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    one: dict[str, Any] = json.loads(done.stdout)
    return one


def test_a_policy_is_told_by_its_false_alarms_and_its_delay(tmp_path: Path) -> None:
    one = found(*SHORT, "--effect", "0.1", folder=tmp_path)
    assert list(one)[:5] == FIGURES
    assert 0.4 < one["false_alarms_per_month"] < 1.6
    assert one["ci_low"] < one["false_alarms_per_month"] < one["ci_high"]
    assert (one["window"], one["hits"], one["of"], one["season"], one["looks_per_month"]) == (24, 2, 3, "hour", 697)
    assert one["found"] == 1.0
    assert 0 < one["delay_days"] < 1
    strict = found(*SHORT, "--monitors", "200", folder=tmp_path)
    assert strict["false_alarms_per_month"] < 0.1
    assert strict["effect"] is None


def test_an_alpha_is_looked_for(tmp_path: Path) -> None:
    one = found(*SHORT, "--per-month", "0.3", folder=tmp_path)
    assert one["alpha"] < 0.01
    assert one["false_alarms_per_month"] == pytest.approx(0.3, abs=0.25)


def test_rows_are_brought_to_buckets_by_their_times(tmp_path: Path) -> None:
    """Two rows an hour, in any order, and a day without any."""
    rng = np.random.default_rng(2)
    minutes = [at for at in rng.permutation(np.arange(0, 30 * 1440, 30)).tolist() if not 7200 <= at < 8640]
    times = [str(np.datetime64("2026-11-01T00:00", "m") + at) + "Z" for at in minutes]
    text = "at,x\n" + "".join(f"{at},{rng.normal()}\n" for at in times)
    one = found("--time", "at", "--value", "x", "--draws", "50", folder=tmp_path, stdin=text)
    assert (one["buckets"], one["known"]) == (720, 696)


def test_people_get_sentences(tmp_path: Path) -> None:
    said = run(tmp_path, *SHORT, "--min-effect", "0.05", stdin=SERIES).stdout.splitlines()
    assert said[0].startswith("This policy raises ")
    assert "A lasting change of 0.05 is found after " in said[1]
    assert said[2].startswith(
        "It looks every hour at the last day, and fires when 2 of 3 looks have p below 0.01 and an"
    )


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        pytest.param((), series(3), "The reference has 72 buckets, of which 72 have a value:", id="short"),
        pytest.param(("--value", "rate"), SERIES, "There is no column 'rate'.", id="column"),
        pytest.param(("--persist", "3/2"), SERIES, "--persist is k/m, k of the last m looks", id="persist"),
        pytest.param(("--window", "90m"), SERIES, "--window 90m is no whole number of buckets of 60", id="window"),
        pytest.param(("--bucket", "7h"), SERIES, "--bucket 7h does not part a day evenly", id="bucket"),
        pytest.param(("--every", "soon"), SERIES, "--every is a length of time, such as 90m", id="every"),
        pytest.param(("--time", "at"), "at,value\nnever,1\n", "'never' is no time. Write 2026-11-24T09:00Z", id="time"),
        pytest.param(("--weight", "w"), "w,value\n-1,1\n", "a weight is 0 or more, not -1", id="weight"),
    ],
)  # fmt: skip
def test_what_cannot_be_simulated_is_told(tmp_path: Path, arguments: tuple[str, ...], stdin: str, says: str) -> None:
    done = run(tmp_path, *arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (USER_ERROR, "")
    assert says in done.stderr
