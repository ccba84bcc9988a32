"""How figures of A/B tests are written: value, unit, as a value, as a difference. The server and the app must agree."""

from __future__ import annotations

MINUS = "\u2212"
WRITTEN: list[tuple[float | None, str | None, str, str]] = [
    (None, "USD", "unknown", "unknown"), (0.0123, "USD", "$0.0123", "+$0.0123"), (0.0, "USD", "$0", "$0"),
    (12.346, "USD", "$12.35", "+$12.35"), (-0.00012346, "USD", f"{MINUS}$0.000123", f"{MINUS}$0.000123"),
    (-0.25, "s", f"{MINUS}250 ms", f"{MINUS}250 ms"), (1.2346, "s", "1.23 s", "+1.23 s"), (0.0, "s", "0 s", "0 s"),
    (125.0, "s", "2 min 5 s", "+2 min 5 s"), (4e-5, "s", "40 µs", "+40 µs"), (93_600.0, "s", "1 d 2 h", "+1 d 2 h"),
    (0.034, "share", "3.4 %", "+3.4 pp"), (-0.0123456, "share", f"{MINUS}1.23 %", f"{MINUS}1.23 pp"),
    (0.0, "share", "0 %", "0 pp"), (0.5, None, "0.5", "+0.5"), (0.05519, None, "0.0552", "+0.0552"),
    (12_345.6, None, "12,346", "+12,346"), (-1e-12, None, "0", "0"), (1e-12, None, "0", "0"),
]  # fmt: skip
