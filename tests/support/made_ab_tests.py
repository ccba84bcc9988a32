"""A live A/B test with its traffic, for tests of several packages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np

DAY = timedelta(days=1)
HALVES = [{"name": "control", "weight": 0.5}, {"name": "new", "weight": 0.5}]
TERMS: dict[str, Any] = {"metric": "helpful", "mde": 0.2, "variants": HALVES}
USERS, DAYS = 400, 12


def fill(served: Any, telling: Any) -> None:
    """Register the test `shown` and send its traffic of 12 days: 400 users, twice each; the new variant helps.

    Beside it a trace without a user, one of another test, and a user of both arms.
    """
    start = datetime.now(UTC) - DAYS * DAY
    rng, scores, bodies = np.random.default_rng(1), [], []
    for user in range(USERS):
        arm = by_hand("shown", f"u{user}")
        own = 1.0 * (arm == "new") + rng.normal()
        for visit in range(2):
            trace_id = (user * 2 + visit + 1).to_bytes(16, "big")
            at = start + (user / USERS + visit) * (DAYS - 0.1) / 2 * DAY
            bodies.append(_body(telling, trace_id, at, f"shown:{arm}", f"u{user}"))
            value = own + rng.normal(0, 0.3)
            scores.append({"trace_id": trace_id.hex(), "name": "helpful", "value": value, "source": "code"})
    at = start + DAY
    bodies.append(_body(telling, bytes([9]) * 16, at, "shown:new", None))
    bodies.append(_body(telling, bytes([8]) * 16, at, "else:x", "u1"))
    for number, arm in enumerate(("control", "new")):
        bodies.append(_body(telling, bytes([number, 7] * 8), at, f"shown:{arm}", "both"))
    with served.client() as door:
        door.set_ab_test("shown", _terms(start), "ann")
        served.send(b"".join(bodies))
        door.settle()
        door.add_scores(scores)
        door.settle()


def _terms(start: datetime) -> dict[str, Any]:
    rails = [{"metric": "error", "margin": 0.05}, {"metric": "latency", "margin": 0.5}]
    return {**TERMS, "expected_units": 400, "start": start.isoformat(), "guardrails": rails}


def by_hand(name: str, unit: str) -> str:
    """The variant of a unit of two halves, as a client works it out by itself."""
    at = int.from_bytes(sha256(f"{name}:1:{unit}".encode()).digest()[:8], "big") % 10_000
    return "control" if at < 5_000 else "new"


def _body(telling: Any, trace_id: bytes, at: datetime, variant: str, user: str | None) -> bytes:
    trace = telling(trace_id, int(at.timestamp() * 1e9))
    who = {} if user is None else {"user__id": user}
    error = "boom" if trace_id[-1] % 10 == 0 else None
    trace.span(1, "answer", 0, 900 + sum(trace_id) % 90, variant=variant, error=error, **who)
    return trace.span(2, "chat", 5, 700, parent=1, gen_ai__operation__name="chat").body()
