"""What a monitor says: signal, slice, reference, schedule and policy."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from analytics.watching import PERIODS, WINDOWS
from server.monitors.signals import SIGNALS, Side, Signal
from server.when import utc
from store import queries
from store.errors import UnknownQueryError

NAME = r"^[A-Za-z0-9_.-]{1,100}$"
HOUR, QUARTER, DAY = timedelta(hours=1), timedelta(minutes=15), timedelta(days=1)
USUAL_WINDOW, USUAL_REFERENCE = DAY, 28 * DAY
USUAL_PER_MONTH = 0.5  # false alarms, of one monitor
_LENGTH = re.compile(r"([1-9]\d{0,5})([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": HOUR, "d": DAY, "w": 7 * DAY}

Length = Annotated[str, Field(pattern=r"^[1-9]\d{0,5}[mhdw]$", description="A length of time: 15m, 1h, 7d, 4w.")]
Severity = Literal["info", "warning", "critical"]
Season = Literal["auto", "none", "hour", "weekday"]


class MonitorError(Exception):
    """A monitor that cannot be set so; says why."""


def length(text: str) -> timedelta:
    """`15m`, `1h`, `7d`, `4w`. Raises ValueError."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no length of time. Write 15m, 1h, 7d or 4w.")
    return int(found[1]) * _UNITS[found[2]]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Against(_Model):
    """What is compared with: exactly one of these; nothing: the last 28 days."""

    last: Length | None = Field(None, description="So long before the comparison began; each hour with its like.")
    since: datetime | None = Field(None, description="A fixed window begins then (UTC without a zone) ...")
    until: datetime | None = Field(None, description="... and ends before then.")
    release: str | None = Field(None, min_length=1, max_length=300, description="Calls of this release.")
    prompt: str | None = Field(None, min_length=1, max_length=300, description="Calls of a prompt version, answer@3.")
    run: UUID | None = Field(None, description="The rows of an experiment's run: of scores alone.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.since is None) != (self.until is None):
            raise ValueError("a fixed window has both since and until")
        if self.since is not None and self.until is not None and utc(self.since) >= utc(self.until):
            raise ValueError(f"until must be after since, and {self.until:%Y-%m-%d %H:%M} is not")
        told = [name for name in ("last", "since", "release", "prompt", "run") if getattr(self, name) is not None]
        if len(told) > 1:
            raise ValueError(f"name one reference, not {' and '.join(told)}")
        return self

    @property
    def in_time(self) -> bool:
        """Whether it is a stretch of time, so that seasons and memory count; else a sample."""
        return self.release is None and self.prompt is None and self.run is None


class Drift(_Model):
    """It moved away from its reference, by what matters and beyond chance."""

    kind: Literal["drift"] = "drift"
    min_effect: float | None = Field(
        None, gt=0, allow_inf_nan=False,
        description="The least change that matters, in the signal's unit; of mixes a Jensen-Shannon distance, of "
        "embeddings an AUC above 0.5; null: one that suits the reference, told with the monitor.",
    )  # fmt: skip
    side: Side | None = Field(None, description="Only a rise (up) or a fall (down) counts; null: both.")
    alpha: float = Field(0.01, gt=0, le=0.5, description="Of p-values adjusted over all monitors of a round, at most.")
    per_month: float | None = Field(
        USUAL_PER_MONTH, gt=0, le=100,
        description="False alarms a month, at most: where the reference shows more, a lower alpha is used that gives "
        "so many, as soon as it is worked out; null: alpha as it is.",
    )  # fmt: skip
    persist: str = Field("2/3", pattern=r"^[1-9]\d?/[1-9]\d?$", description="k/m: looks that must count of the last m.")
    season: Season = Field(
        "auto", description="What of time is compared with its like; auto: what the reference shows."
    )
    method: Literal["window", "sums"] = Field("window", description="sums: cumulative ones, sooner for small changes.")
    least: int = Field(30, ge=2, le=1_000_000, description="Calls, or scores, of a window below which nothing is said.")

    @property
    def hits(self) -> tuple[int, int]:
        """The k and the m of `persist`."""
        first, _, second = self.persist.partition("/")
        return int(first), int(second)

    @model_validator(mode="after")
    def _k_of_m(self) -> Self:
        if self.hits[0] > self.hits[1]:
            raise ValueError(f"persist is k/m with k at most m, and {self.persist} is not")
        return self


class Threshold(_Model):
    """Its value over the window is above or below a number."""

    kind: Literal["threshold"]
    above: float | None = Field(None, allow_inf_nan=False)
    below: float | None = Field(None, allow_inf_nan=False)
    least: int = Field(1, ge=1, description="Calls, or scores, of a window below which nothing is said.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("name either above or below")
        return self


class NoData(_Model):
    """Nothing came within the window."""

    kind: Literal["no_data"]


class Burst(_Model):
    """Within the window so many calls failed, and so large a share."""

    kind: Literal["error_burst"]
    failed: int = Field(5, ge=1)
    share: float = Field(0.2, gt=0, le=1, allow_inf_nan=False)


class Burn(_Model):
    """A service level's error budget burns too fast, by a long and a short window each."""

    kind: Literal["slo_burn"]
    objective: float = Field(gt=0, lt=1, allow_inf_nan=False, description="Share of calls that must be good: 0.99.")
    slower_than: float | None = Field(None, gt=0, description="ms: slower calls are bad too; null: failed ones alone.")
    period: Length = Field("30d", description="That the objective is of.")


class OfBudget(_Model):
    """A budget of the project is spent to this share, or is forecast to be overrun by the end of its month."""

    kind: Literal["budget"]
    spent: float | None = Field(None, gt=0, le=10, description="Share of the budget; null: by the forecast alone.")
    forecast: bool = Field(True, description="Also when the forecast's whole interval is above the budget.")


Check = Annotated[Drift | Threshold | NoData | Burst | Burn | OfBudget, Field(discriminator="kind")]


class Terms(_Model):
    """What a monitor says, but for its name."""

    description: str = Field("", max_length=1_000)
    enabled: bool = True
    signal: str | None = Field(None, description=f"One of {', '.join(SIGNALS)}; null where the check has its own.")
    score: str | None = Field(None, min_length=1, max_length=200, description="Name, of signals of scores.")
    quantile: float | None = Field(None, gt=0, lt=1, description="Of duration and ttft; null: the median.")
    where: dict[str, Any] = Field(
        default_factory=dict, description="Which calls: filters as of the query `calls_totals`, without a window."
    )
    against: Against = Against()
    every: Length = Field("1h", description="Between looks.")
    window: Length = Field("1d", description="That each look is of.")
    alert: Check = Field(default_factory=Drift)
    severity: Severity = "warning"
    owner: str | None = Field(None, max_length=200)
    notify: tuple[str, ...] = Field((), max_length=20, description="Names of channels; none: all of its severity.")
    escalate_after: Length | None = Field(None, description="Told again, as critical, if nobody has acknowledged.")

    @field_validator("alert", mode="before")
    @classmethod
    def _drift_where_nothing_is_said(cls, told: Any) -> Any:
        return {"kind": "drift", **told} if isinstance(told, dict) else told

    @property
    def watched(self) -> Signal | None:
        """The signal; null: the check has its own."""
        return None if self.signal is None else SIGNALS[self.signal]

    @property
    def bucket(self) -> timedelta:
        """Of the streams: an hour where looks and windows are whole hours, else a quarter of one."""
        whole = all(length(one) % HOUR == timedelta(0) for one in (self.every, self.window))
        return HOUR if whole else QUARTER

    @model_validator(mode="after")
    def _can_be_looked_at(self) -> Self:
        _of_signal(self)
        _of_time(self)
        _of_where(self)
        _of_reach(self)
        return self


def _of_signal(terms: Terms) -> None:
    own = terms.alert.kind in {"no_data", "error_burst", "slo_burn", "budget"}
    if own and terms.signal is not None:
        raise ValueError(f"{terms.alert.kind} has a signal of its own; leave signal out")
    if own:
        return
    if terms.signal is None or terms.signal not in SIGNALS:
        close = get_close_matches(str(terms.signal), SIGNALS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"signal: there is none named {terms.signal!r}.{hint} Known: {', '.join(SIGNALS)}")
    signal = SIGNALS[terms.signal]
    if signal.named != (terms.score is not None):
        raise ValueError(
            f"{signal.name} {'takes the name of a score in `score`' if signal.named else 'takes no score'}"
        )
    if terms.quantile is not None and not signal.quantile:
        raise ValueError(f"{signal.name} takes no quantile")
    if isinstance(terms.alert, Threshold) and not signal.stream:
        raise ValueError(f"{signal.name} has no single value that a threshold could be set to; watch it for drift")
    if isinstance(terms.alert, Drift):
        _of_reference(terms, signal)


def _of_reference(terms: Terms, signal: Signal) -> None:
    if not terms.against.in_time and not signal.alone:
        raise ValueError(f"{signal.name} is a sum over time, so it is compared with a stretch of time: last, or since")
    if terms.against.run is not None and signal.name != "score":
        raise ValueError(f"a run has scores alone, and {signal.name} is none")
    if isinstance(terms.alert, Drift) and terms.alert.method == "sums":
        if not (signal.stream and terms.against.in_time):
            raise ValueError("cumulative sums are of a stream compared with a stretch of time")
        if terms.alert.min_effect is None:
            raise ValueError("cumulative sums are made for one least effect: name min_effect")


def _of_time(terms: Terms) -> None:
    every, window = length(terms.every), length(terms.window)
    for name, value in (("every", every), ("window", window)):
        if value % QUARTER or value > 92 * DAY:
            raise ValueError(f"{name} is a whole number of quarters of an hour, of at most 92 days")
    if terms.escalate_after is not None and length(terms.escalate_after) > 30 * DAY:
        raise ValueError("escalate_after is 30 days at most")


def _of_reach(terms: Terms) -> None:
    """A reference that is too short for its own windows would never say anything."""
    against, alert = terms.against, terms.alert
    if not isinstance(alert, Drift) or not against.in_time or terms.watched is None or not terms.watched.stream:
        return
    there = USUAL_REFERENCE if against.last is None else length(against.last)
    if against.since is not None and against.until is not None:
        there = utc(against.until) - utc(against.since)
    window = terms.bucket if alert.method == "sums" else length(terms.window)
    season = {"hour": PERIODS * DAY, "weekday": PERIODS * 7 * DAY}.get(alert.season, timedelta(0))
    for least, why in ((WINDOWS * window, f"{WINDOWS} windows"), (season, f"{PERIODS} times its season")):
        if there < least:
            raise ValueError(
                f"against: the reference has {there / DAY:g} days, and {why} are {least / DAY:g}; "
                "name a longer one, or a shorter window"
            )


def _of_where(terms: Terms) -> None:
    try:
        queries.get("calls_totals").parse({**terms.where, "since": "2000-01-01", "until": "2000-01-02"})
    except (UnknownQueryError, ValueError) as error:
        raise ValueError(f"where: {error}") from error
    if terms.signal == "ledger_losses" and (others := sorted({*terms.where} - {"service"})):
        raise ValueError(f"where: the books know what came in by its service, and not by {others[0]}; leave it out")
    if refused := sorted({"since", "until", "max_rows"} & set(terms.where)):
        raise ValueError(f"where: {refused[0]} is no filter of calls; leave it out")


@lru_cache(maxsize=4_096)
def stored(document: str) -> Terms:
    """What a stored monitor says: each is read at every round, and changes hardly ever.

    Raises:
        ValidationError: another program wrote it.
    """
    return Terms.model_validate_json(document)


class Named(Terms):
    """A monitor as it stands in a file."""

    name: str = Field(pattern=NAME)
