"""What came of a live A/B test: the store's sums by day, with `analytics` on them, and what they come to in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from analytics import allocation, sequences, stopping
from analytics.allocation import Mismatch
from analytics.intervals import Estimate
from analytics.sequences import Arm, Phase
from analytics.stopping import Advice, Guarded
from server import ab_arms, ab_words
from server.ab_tests import SHARE, Guardrail, Registered, Terms, Variant
from server.core import Core
from server.when import utc

EXPOSURE = "exposure"
NOTHING = Arm(0, None, None)
MOST_DAYS = 400
MIXED = 0.01
"""Share of units of several arms from which the page warns: who leaves an arm may do so because of it."""
FIRST_DAYS = 7  # of UTC, from the test's first on: every weekday once
PACE_DAYS = 7  # over which new units a day are counted

Json = dict[str, Any]
Looks = Mapping[tuple[str, str], Sequence[Arm]]
"""(measure, label) -> the arm at the end of each day."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One test in its window."""

    core: Core
    project: str
    test: Registered
    since: datetime
    until: datetime

    @property
    def over(self) -> bool:
        """Whether the test was stopped by then."""
        return self.test.terms.stop is not None and self.until >= utc(self.test.terms.stop)

    def ask(self, name: str, **more: object) -> list[Json]:
        """A query of the test's exposure, as rows."""
        terms = self.test.terms
        labels = [one.label(self.test.name) for one in terms.variants]
        asked = {"since": self.since, "until": self.until, "labels": labels, "unit": terms.unit, **more}
        rows: list[Json] = self.core.run(name, self.project, asked).table.to_pylist()
        return rows


def days_of(since: datetime, until: datetime) -> list[date]:
    """The days of UTC that a window touches, the newest 400."""
    first, last = since.date(), (until - timedelta(microseconds=1)).date()
    found = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return found[-MOST_DAYS:]


def window_of(test: Registered, now: datetime) -> tuple[datetime, datetime] | None:
    """When traces count until now, UTC without a zone, as the store has it; null: the test has not begun."""
    since, until = test.terms.start or now, min(now, test.terms.stop or now)
    return None if until <= since else (utc(since), utc(until))


def results(core: Core, project: str, test: Registered, now: datetime) -> Json:
    """All that the page shows of a test; the fields stand at `GET /api/ab-tests/{name}/results`."""
    window = window_of(test, now)
    if window is None:
        return _nothing(test, test.terms.start or now)
    asked = Asked(core, project, test, *window)
    days = days_of(*window)
    looks = arms_by_day(asked.ask("ab_days", measures=[EXPOSURE, *test.terms.measures]), days)
    counts = asked.ask("ab_units")[0]
    return _told(asked, days, looks, counts)


def _nothing(test: Registered, since: datetime) -> Json:
    return {
        "since": since, "until": since, "over": False, "exposure": None,
        "arms": [], "mismatch": None, "comparisons": [],
        "sentence": f"{test.name} has not begun: no trace counts before its start.", "warnings": [],
    }  # fmt: skip


def arms_by_day(rows: Sequence[Json], days: Sequence[date]) -> Looks:
    """What each arm came to at the end of each day, from rows of `ab_days`: a day without one is as that before."""
    found: dict[tuple[str, str], dict[date, Arm]] = {}
    for row in rows:
        found.setdefault((row["measure"], row["label"]), {})[row["day"]] = arm_of(row)
    filled: dict[tuple[str, str], list[Arm]] = {}
    for key, by_day in found.items():
        arm = next((by_day[day] for day in sorted(by_day, reverse=True) if day < days[0]), NOTHING)
        filled[key] = [arm := by_day.get(day, arm) for day in days]
    return filled


def arm_of(row: Mapping[str, Any]) -> Arm:
    """Mean, variance and kurtosis from the sums of powers of a row of `ab_days`."""
    n = int(row["units"])
    one, two, three, four = (row[f"x{power}"] / n for power in (1, 2, 3, 4))
    # What sums of floats leave where all units agree: less than a trillionth of the values' squares is no variance.
    second = two - one * one
    second = second if second > 1e-12 * max(two, row["centre"] ** 2) else 0.0
    fourth = four - 4 * one * three + 6 * one * one * two - 3 * one**4
    kurtosis = max(1.0, fourth / second**2) if second else None
    return Arm(n, row["centre"] + one, second * n / (n - 1) if n > 1 else None, kurtosis)


def _told(asked: Asked, days: Sequence[date], looks: Looks, counts: Json) -> Json:
    test, terms = asked.test, asked.test.terms
    exposed, mismatch = arrived(test, days, looks)
    comparisons = compared(test, days, looks, mismatch)
    pace = _pace(exposed, days)
    for one, other in zip(comparisons, terms.variants[1:], strict=True):
        one["advice"]["days_left"] = None if asked.over else _days_left(one["advice"]["remaining"], pace)
        one["novelty"] = _novelty(asked, days, (terms.variants[0], other), one["alpha"])
    mixed = counts["mixed_units"] / counts["units"] if counts["units"] else 0.0
    told: Json = {
        "since": asked.since, "until": asked.until, "over": asked.over,
        "exposure": counts | {"mixed_share": mixed, "units_a_day": pace},
        "arms": [_arm(asked, looks, place, exposed[place][-1], mismatch) for place in range(len(terms.variants))],
        "mismatch": asdict(mismatch), "comparisons": comparisons,
    }  # fmt: skip
    return told | {"sentence": ab_words.verdict(test, told), "warnings": ab_words.warnings(told, MIXED)}


def arrived(test: Registered, days: Sequence[date], looks: Looks) -> tuple[list[Sequence[Arm]], Mismatch]:
    """The units that each arm had at the end of each day, and whether they came as the weights say."""
    variants = test.terms.variants
    exposed = [_arms(looks, EXPOSURE, one.label(test.name), days) for one in variants]
    counts = [[arms[place].units for arms in exposed] for place in range(len(days))]
    return exposed, allocation.checked(counts, [one.weight for one in variants])


def compared(test: Registered, days: Sequence[date], looks: Looks, mismatch: Mismatch) -> list[Json]:
    """Each variant against the control: as in the results, but for `novelty` and how many days are left."""
    control, *others = test.terms.variants
    return [_comparison(test, days, looks, (control, one), mismatch) for one in others]


def _arms(looks: Looks, measure: str, label: str, days: Sequence[date]) -> Sequence[Arm]:
    return looks.get((measure, label)) or [NOTHING] * len(days)


def _arm(asked: Asked, looks: Looks, place: int, exposed: Arm, mismatch: Mismatch) -> Json:
    """One arm: the units that it was to have and has, those with a value of the metric, and their mean."""
    variant = asked.test.terms.variants[place]
    found = (looks.get((asked.test.terms.measure, variant.label(asked.test.name))) or [NOTHING])[-1]
    return {
        "variant": variant.name, "weight": variant.weight, "units": exposed.units,
        "share": mismatch.shares[place] if mismatch.shares else None, "valued": found.units, "mean": found.mean,
        **ab_arms.level(found, asked.test.terms, variant.weight),
    }  # fmt: skip


def _comparison(
    test: Registered, days: Sequence[date], looks: Looks, pair: tuple[Variant, Variant], mismatch: Mismatch
) -> Json:
    """One variant against the control."""
    terms = test.terms
    alpha = terms.alpha / terms.findings
    r = _tuned(terms, pair, alpha)
    a, b = (_arms(looks, terms.measure, one.label(test.name), days) for one in pair)
    share = terms.unit_of == SHARE
    series = [sequences.difference(*both, r, alpha, share=share) for both in zip(a, b, strict=True)]
    rails = [_guarded(test, days, looks, pair, rail, (r, alpha)) for rail in terms.guardrails]
    deviation = sequences.spread(a[-1], b[-1])
    advice = stopping.advised(
        series[-1], terms.direction, terms.mde, deviation=deviation, r=r, alpha=alpha, mismatched=mismatch.mismatched,
        guardrails=[state for state, _ in rails],
    )  # fmt: skip
    return {
        "variant": pair[1].name, "control": pair[0].name, "alpha": alpha, **_ends(series[-1]),
        "advice": _advice(advice), "guardrails": [told for _, told in rails],
        "series": [
            {"day": day, "control_units": x.units, "units": y.units, **_ends(found)}
            for day, x, y, found in zip(days, a, b, series, strict=True)
        ],
    }  # fmt: skip


def _tuned(terms: Terms, pair: tuple[Variant, Variant], alpha: float) -> float:
    """The r of a comparison: narrowest after the units that both arms are to have."""
    return sequences.tuned(max(1, round(terms.expected_units * (pair[0].weight + pair[1].weight))), alpha)


def _ends(found: Estimate) -> Json:
    return {"difference": found.value, "low": found.low, "high": found.high, "n": found.n}


def _advice(found: Advice) -> Json:
    return asdict(found)


def _guarded(  # noqa: PLR0917 - what it is of
    test: Registered, days: Sequence[date], looks: Looks, pair: tuple[Variant, Variant], rail: Guardrail,
    sequence: tuple[float, float],
) -> tuple[Guarded, Json]:  # fmt: skip
    """A guardrail, by the r and the alpha of the comparison."""
    a, b = (_arms(looks, rail.measure, one.label(test.name), days)[-1] for one in pair)
    found = sequences.difference(a, b, *sequence, share=rail.unit_of == SHARE)
    state = stopping.guarded(found, rail.direction, rail.margin)
    told = {
        "metric": rail.metric, "better": rail.direction, "unit_of": rail.unit_of, "margin": rail.margin, "state": state,
        "control_mean": a.mean, "mean": b.mean, **_ends(found),
    }  # fmt: skip
    return state, told


def _novelty(asked: Asked, days: Sequence[date], pair: tuple[Variant, Variant], alpha: float) -> Json | None:
    """How the effect of later days differs from that of the first week; null: no later day has begun.

    The cut is the same at all looks: bounds for all looks are of a quantity that stays.
    """
    cut = asked.since.date() + timedelta(days=FIRST_DAYS)
    if days[-1] < cut:
        return None
    rows = asked.ask("ab_phases", measure=asked.test.terms.measure, cut=datetime(cut.year, cut.month, cut.day))  # noqa: DTZ001 - UTC
    by_label = {row["label"]: phase_of(row) for row in rows}
    empty = Phase(NOTHING, NOTHING)
    a, b = (by_label.get(one.label(asked.test.name), empty) for one in pair)
    found = sequences.novelty(a, b, _tuned(asked.test.terms, pair, alpha), alpha)
    effects = [_apart(getattr(a, phase), getattr(b, phase)) for phase in ("early", "late")]
    return {"first_days": FIRST_DAYS, "from": cut, "early": effects[0], "late": effects[1], **_ends(found)}


def _apart(a: Arm, b: Arm) -> float | None:
    return None if a.mean is None or b.mean is None else b.mean - a.mean


def phase_of(row: Mapping[str, Any]) -> Phase:
    """A row of `ab_phases`."""
    early, late = (
        Arm(row[f"{phase}_units"], row[f"{phase}_mean"], row[f"{phase}_variance"], row[f"{phase}_kurtosis"])
        for phase in ("early", "late")
    )
    return Phase(early, late, row["both_units"], row["covariance"] or 0.0)


def _pace(exposed: Sequence[Sequence[Arm]], days: Sequence[date]) -> float | None:
    """New units a day over the last week of whole days; null: no day is whole."""
    whole = len(days) - 1
    if whole < 1:
        return None
    span = min(PACE_DAYS, whole)
    now, then = (sum(arms[at].units for arms in exposed) if at >= 0 else 0 for at in (whole - 1, whole - 1 - span))
    return (now - then) / span


def _days_left(remaining: int | None, pace: float | None) -> float | None:
    return remaining / pace if remaining is not None and pace else None
