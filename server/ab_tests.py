"""Live A/B tests: what one says, which arm a unit is of, and what may still be changed.

Assignment needs no store: the variant of a unit is a function of the test's name, its salt and the unit's id, so that
whoever knows these can work it out (`docs/ab-tests.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from analytics.stopping import Better
from server.core import Core
from store import named as store
from store.named import Named
from store.queries.ab_tests import Unit

PARTS = 10_000  # of all units; weights are whole multiples of one
SCORE = "score:"  # before the name of a score that is also called as a measure
SHARE = "share"  # the unit of values between 0 and 1
UNITS_OF = {"cost": "USD", "latency": "s", "error": SHARE}  # measures that are no score, with their unit
WRITE_S = 30.0
NAME = r"^[A-Za-z0-9_.-]{1,100}$"
KEPT = frozenset({"description", "stop"})  # what may change while a test runs
UNTIL_EXPOSED = frozenset({"metric", "better", "mde", "guardrails"})
"""What may change too as long as no trace carries a variant: nothing was seen by which it could be chosen."""

State = Literal["planned", "running", "stopped"]
Name = Annotated[str, Field(pattern=NAME)]
Measure = Annotated[
    str, Field(min_length=1, max_length=200, description="cost, latency, error, or the name of a score.")
]


class AbTestError(Exception):
    """A test that cannot be set so; says why."""


class RunningError(AbTestError):
    """What would change makes another test of one that has begun."""


class UnknownAbTestError(Exception):
    """There is no such test."""

    def __init__(self, project: str, name: str, known: Sequence[str]) -> None:
        super().__init__(f"Project {project!r} has no A/B test {name!r}. It has: {', '.join(known) or 'none'}.")


class Variant(BaseModel):
    """One arm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    weight: float = Field(gt=0, le=1, description="Share of the units, a multiple of 0.0001.")
    traced_as: str | None = Field(
        None, min_length=1, max_length=300, description="What `variant` of its spans says; null: TEST:VARIANT."
    )

    @property
    def parts(self) -> int:
        """Its weight in ten-thousandths."""
        return round(self.weight * PARTS)

    def label(self, test: str) -> str:
        """The value of `variant` that its spans carry."""
        return self.traced_as or f"{test}:{self.name}"


class _Measured(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: Measure
    better: Better | None = Field(
        None, description="Which is better; null: lower of cost, latency, error; else higher."
    )

    @property
    def measure(self) -> str:
        """As the query `ab_days` calls it."""
        return self.metric if self.metric in UNITS_OF or self.metric.startswith(SCORE) else f"{SCORE}{self.metric}"

    @property
    def direction(self) -> Better:
        """Which is better."""
        return self.better or ("lower" if self.measure in UNITS_OF else "higher")

    @property
    def unit_of(self) -> str | None:
        """The unit of its values: USD, s, share; null: of the score's own scale."""
        return UNITS_OF.get(self.measure)


class Guardrail(_Measured):
    """What must not get worse by more than its margin."""

    margin: float = Field(ge=0, allow_inf_nan=False, description="How much worse it may be, in its own unit.")


class Terms(_Measured):
    """What a test says, but for its name."""

    description: str = Field("", max_length=1_000)
    unit: Unit = Field("user", description="What is assigned: a user, a session, or each trace by itself.")
    salt: str = Field("1", max_length=100, description="Another one deals the same units anew.")
    variants: tuple[Variant, ...] = Field(min_length=2, max_length=10, description="The first is the control.")
    mde: float = Field(gt=0, allow_inf_nan=False, description="The smallest gain that is wanted, in the metric's unit.")
    guardrails: tuple[Guardrail, ...] = Field((), max_length=5)
    alpha: float = Field(
        0.05, ge=0.001, le=0.2, description="Chance of any wrong finding, over all looks, variants and guardrails."
    )
    expected_units: int = Field(
        2_000, ge=100, le=10**9, description="Units of all arms after which the intervals are to be narrowest."
    )
    start: datetime | None = Field(None, description="Traces count from then on; null: from when it is set.")
    stop: datetime | None = Field(None, description="Traces count before then; null: until it is stopped.")

    @field_validator("start", "stop")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        """UTC with its zone, to the second."""
        if value is None:
            return None
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return aware.replace(microsecond=0)

    @model_validator(mode="after")
    def _can_be_dealt(self) -> Self:
        uneven = next((one for one in self.variants if abs(one.weight * PARTS - one.parts) > 1e-6), None)
        if uneven is not None:
            raise ValueError(f"weight {uneven.weight} of {uneven.name!r} is no multiple of 0.0001")
        total = sum(one.parts for one in self.variants)
        if total != PARTS:
            weights = " + ".join(f"{one.weight:g}" for one in self.variants)
            raise ValueError(f"the weights must add up to 1; {weights} is {total / PARTS:g}")
        for told in ([one.name for one in self.variants], [one.label("") for one in self.variants]):
            if twice := next((name for place, name in enumerate(told) if name in told[:place]), None):
                raise ValueError(f"two variants are called {twice.removeprefix(':')!r}")
        if self.start is not None and self.stop is not None and self.stop <= self.start:
            raise ValueError(f"it would stop ({self.stop.isoformat()}) before it starts ({self.start.isoformat()})")
        measures = self.measures
        if twice := next((name for place, name in enumerate(measures) if name in measures[:place]), None):
            raise ValueError(f"{twice!r} is named twice: the metric and the guardrails are different measures")
        return self

    @property
    def measures(self) -> list[str]:
        """What it looks at, as the query `ab_days` calls it: the metric, then the guardrails."""
        return [self.measure, *(one.measure for one in self.guardrails)]

    @property
    def findings(self) -> int:
        """How many share alpha: the metric and each guardrail, of every variant against the control."""
        return (len(self.variants) - 1) * (1 + len(self.guardrails))


def bucket(name: str, salt: str, unit: str) -> int:
    """0 to 9,999: the first 8 bytes of sha256 of `name:salt:unit` (UTF-8), as a big-endian number, modulo 10,000."""
    return int.from_bytes(sha256(f"{name}:{salt}:{unit}".encode()).digest()[:8], "big") % PARTS


def assigned(name: str, terms: Terms, unit: str) -> Variant:
    """The variant of a unit: that whose share of 0 to 9,999, dealt in order of the variants, holds its bucket."""
    at = bucket(name, terms.salt, unit)
    for variant in terms.variants:
        at -= variant.parts
        if at < 0:
            return variant
    raise AssertionError("weights add up to all parts")


@dataclass(frozen=True, slots=True)
class Registered:
    """A test as it is now."""

    name: str
    terms: Terms
    version: int
    set_at: datetime  # UTC
    author: str | None

    def state(self, now: datetime) -> State:
        """Where it is at a time with a zone."""
        if self.terms.start is None or now < self.terms.start:
            return "planned"
        return "stopped" if self.terms.stop is not None and now >= self.terms.stop else "running"


def _read(found: Named) -> Registered:
    return Registered(
        found.name, Terms.model_validate_json(found.document), found.version, found.set_at, found.author
    )  # fmt: skip


def every(core: Core, project: str) -> list[Registered]:
    """The tests of a project, by name."""
    with core.readers.read() as cursor:
        return [_read(one) for one in store.every(cursor, "ab_tests", core.projects.id_of(project))]


def one(core: Core, project: str, name: str) -> Registered:
    """One test. Raises UnknownAbTestError."""
    with core.readers.read() as cursor:
        found = store.one(cursor, "ab_tests", core.projects.id_of(project), name)
    if found is None:
        raise UnknownAbTestError(project, name, [test.name for test in every(core, project)])
    return _read(found)


def versions(core: Core, project: str, name: str) -> list[Named]:
    """All versions of a test, the newest first."""
    with core.readers.read() as cursor:
        return store.versions(cursor, "ab_tests", core.projects.id_of(project), name)


def put(  # noqa: PLR0917 - a test, and who sets it where
    core: Core, project: str, name: str, terms: Terms, author: str | None, exposed: Callable[[Registered], bool]
) -> Registered:
    """Set a test; the same again makes no new version. Without a start it starts now, or has that with which it began.

    `exposed` tells whether a trace of the test was seen: until then its metric and guardrails may change.

    Raises:
        RunningError: it has begun, and something else would change than its description, its stop and these.
        AbTestError: it would stop in the past, or somebody else set it at the same time.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    held = versions(core, project, name)
    before = _read(held[0]) if held and held[0].document else None
    begun = before is not None and before.state(now) != "planned"
    terms = _dated(terms, before.terms if begun and before else None, now)
    if begun and before is not None:
        _unchanged(before, terms, now, exposed)
    elif terms.stop is not None and terms.start is not None and terms.stop <= max(terms.start, now):
        raise AbTestError(
            f"A/B test {name!r} would stop at {terms.stop.isoformat()}, which is over. Name a later time."
        )
    _write(core, project, name, terms.model_dump_json(), author, held[0].version if held else 0)
    return one(core, project, name)


def _dated(terms: Terms, begun: Terms | None, now: datetime) -> Terms:
    """With a start; what does not name its start or stop has those of the test that has begun."""
    start = terms.start or (now if begun is None else begun.start)
    stop_at = terms.stop or (None if begun is None else begun.stop)
    return terms.model_copy(update={"start": start, "stop": stop_at})


def _unchanged(before: Registered, terms: Terms, now: datetime, exposed: Callable[[Registered], bool]) -> None:
    """Raises RunningError where a test that has begun would become another one, or its past would change."""
    changed = sorted(
        key for key in Terms.model_fields if key not in KEPT and getattr(before.terms, key) != getattr(terms, key)
    )
    open_still = before.state(now) == "running" and UNTIL_EXPOSED.issuperset(changed)
    if changed and not (open_still and not exposed(before)):
        raise RunningError(
            f"A/B test {before.name!r} has begun, so {', '.join(changed)} cannot change: units would move between the "
            "variants, and what was promised of its intervals would not hold. Stop it and set one of another name."
        )
    old, new = before.terms.stop, terms.stop
    if old != new and ((old is not None and old <= now) or (new is not None and new < now)):
        raise RunningError(
            f"A/B test {before.name!r}: its stop cannot become {new.isoformat() if new else 'open'}: what is over is "
            "not read otherwise. Name a time to come, or set a test of another name."
        )


def stop(core: Core, project: str, name: str, author: str | None) -> Registered:
    """Stop a test now; one that is stopped stays as it is. Raises UnknownAbTestError, AbTestError for one to come."""
    found, now = one(core, project, name), datetime.now(UTC).replace(microsecond=0)
    match found.state(now):
        case "stopped":
            return found
        case "planned":
            raise AbTestError(f"A/B test {name!r} has not begun. Take it away, or set another start.")
    at = max(now, found.terms.start or now)
    if at == found.terms.start:
        raise AbTestError(f"A/B test {name!r} began within this second. Stop it later, or take it away.")
    terms = found.terms.model_copy(update={"stop": at})
    _write(core, project, name, terms.model_dump_json(), author, found.version)
    return one(core, project, name)


def forget(core: Core, project: str, name: str, author: str | None) -> None:
    """Take a test away; its versions stay. Raises UnknownAbTestError."""
    found = one(core, project, name)
    _write(core, project, name, "", author, found.version)


def _write(core: Core, project: str, name: str, document: str, author: str | None, upon: int) -> None:  # noqa: PLR0917
    project_id = core.projects.id_of(project)
    done = core.writer.call(
        lambda cursor: store.put(cursor, "ab_tests", project_id, name, document, author, upon)
    ).result(WRITE_S)  # fmt: skip
    if done is None:
        raise AbTestError(f"Somebody else set A/B test {name!r} at the same time. Look at it, and set it again.")


def shown(test: Registered, now: datetime) -> dict[str, Any]:
    """A test as the API tells it."""
    terms = test.terms.model_dump(mode="json")
    told = [
        one | {"traced_as": held.label(test.name)}
        for one, held in zip(terms["variants"], test.terms.variants, strict=True)
    ]
    rails = [
        one | {"better": held.direction, "unit_of": held.unit_of}
        for one, held in zip(terms["guardrails"], test.terms.guardrails, strict=True)
    ]
    return {
        "name": test.name, "version": test.version, "state": test.state(now), **terms, "variants": told,
        "guardrails": rails, "better": test.terms.direction, "unit_of": test.terms.unit_of,
        "set_at": test.set_at, "author": test.author,
    }  # fmt: skip
