"""What a link must reproduce: the time window, the filters, the page of a list. Pure; the URL itself is Streamlit's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode
from zlib import crc32

RANGES = {
    "1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30),
    "12m": timedelta(days=365),
}  # fmt: skip
RANGE_KEYS = (*RANGES, "all", "custom")
RANGE_WORDS = {
    "1h": "the last hour", "24h": "the last 24 hours", "7d": "the last 7 days", "30d": "the last 30 days",
    "12m": "the last 12 months",
}  # fmt: skip
DEFAULT_RANGE = "24h"
EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
"""All time: no span can start before it, and none that is meant starts after it."""

Value = str | float | bool | None
"""Of a filter of a query."""

PROJECT = "project"  # in the URL; senders name it in the header x-assayline-project
DEFAULT_PROJECT = "default"

SCORE_FILTERS = ("scored", "score_min", "score_max", "score_label", "score_failed")
"""URL keys of what is asked of a score; all but the first say nothing while no score is named."""

FILTERS = (
    "service", "environment", "model", "status", "variant", "prompt", "tag", "session", "user", "text", "errors",
    "min_s", "q", *SCORE_FILTERS,
)  # fmt: skip
"""URL keys of the filters of Traces; `q` is the line."""

CALL_FILTERS = (
    "service", "environment", "model", "provider", "release", "session", "user", "variant", "prompt", "tag", "tool",
    *SCORE_FILTERS,
)  # fmt: skip
"""URL keys of the filters of pages over model calls; those that Traces has too are named as there."""

SORTS = {"newest": "newest", "slowest": "slowest", "most tokens": "tokens", "most errors": "errors"}
"""What the URL and the page call an order -> what the query calls it."""
PAGE_SIZE = 50

_BUCKETS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 360, 1440, 7 * 1440, 28 * 1440)
)  # fmt: skip
_MOST_BUCKETS = 60
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open span of time [since, until), both UTC."""

    since: datetime
    until: datetime
    words: str  # for sentences: "the last 24 hours"

    @property
    def bucket(self) -> timedelta:
        """The finest bucket that gives at most sixty; of a window longer than a week, at least a day."""
        length = self.until - self.since
        least = _DAY if length > RANGES["7d"] + timedelta(minutes=1) else _BUCKETS[0]
        fitting = (bucket for bucket in _BUCKETS if bucket >= least and length / bucket <= _MOST_BUCKETS + 1)
        return next(fitting, _BUCKETS[-1])

    @property
    def before(self) -> Window:
        """The window of the same length that ends where this one begins."""
        return Window(self.since - (self.until - self.since), self.since, "the time before")


def window(
    key: str,
    now: datetime,
    recorded: tuple[datetime | None, datetime | None],
    custom: tuple[datetime | None, datetime | None],
) -> Window:
    """The window that the URL asks for. The end of relative ones is the next full minute, so that reruns hit the cache.

    Args:
        key: one of RANGE_KEYS; anything else counts as the default.
        now: aware.
        recorded: starts of the oldest and the newest trace, for `all`, which ends after both now and the newest: a
            sender's clock may be ahead. Nulls over an empty store.
        custom: bounds for `custom`, UTC; a null end is open. When the second is not after the first it is a second.
    """
    until = next_minute(now.astimezone(UTC))
    start = (recorded[0] or until - _DAY).replace(second=0, microsecond=0)
    end = max(until, next_minute(recorded[1] or now))
    if key == "all":
        return Window(min(start, until - timedelta(minutes=1)), end, "the recorded time")
    if key == "custom":
        return _custom(custom[0] or start, custom[1] or end)
    chosen = key if key in RANGES else DEFAULT_RANGE
    return Window(until - RANGES[chosen], until, RANGE_WORDS[chosen])


def next_minute(at: datetime) -> datetime:
    """The full minute after it: a window to the minute that ends there holds this moment."""
    return at.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _custom(since: datetime, until: datetime) -> Window:
    if until <= since:
        return Window(since, since + timedelta(seconds=1), "the chosen time (it ends before it begins)")
    return Window(since, until, "the chosen time")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where one page of a list starts: beside the row with this key, on the side that `backward` names."""

    sort_key: int
    start_us: int
    trace_id: str  # of equal rows; as the store writes it
    backward: bool
    first: int  # number of the page's first row, from 1

    def text(self, chosen: str) -> str:
        """The form that stands in the URL; `chosen`: the `mark` of what the list is of."""
        side = "b" if self.backward else "f"
        return f"{self.sort_key}.{self.start_us}.{self.trace_id}.{side}.{self.first}.{chosen}"


def cursor(text: str | None, chosen: str) -> Cursor | None:
    """Read `Cursor.text`; null for the first page, what is no cursor, and one of a list that was chosen otherwise.

    So a filter that changes need not take the page out of the URL, which would be one more entry of the history.
    """
    parts = (text or "").split(".")
    if len(parts) != 6 or parts[3] not in {"f", "b"} or parts[5] != chosen:
        return None
    try:
        sort_key, start_us, first = (int(parts[index]) for index in (0, 1, 4))
    except ValueError:
        return None
    beside = trace_id(parts[2])
    return None if beside is None else Cursor(sort_key, start_us, beside, parts[3] == "b", max(1, first))


def mark(chosen: Mapping[str, object]) -> str:
    """Eight letters that tell one choice of filters, range and order from another; what is empty does not count."""
    said = sorted((name, str(value)) for name, value in chosen.items() if value not in (None, ""))
    return f"{crc32(urlencode(said).encode()):08x}"


def whole(text: str | None) -> int:
    """A number of the URL of at most nine digits, such as an item's or a page's; 0: it is none."""
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0


def instant(text: str | None) -> datetime | None:
    """A bound of a custom range as the URL has it: ISO 8601, UTC unless it names an offset; null when it is none.

    Within EVER: near the ends of the calendar there is no other zone to show it in, and no time before it.
    """
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return min(max(at if at.tzinfo else at.replace(tzinfo=UTC), EVER[0]), EVER[1]).astimezone(UTC)


def instant_text(at: datetime) -> str:
    """The form that `instant` reads, to the minute: `2026-05-04T10:30Z`. `at` is aware."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def trace_link(trace_id: str, back: Mapping[str, str] | None = None, span_id: str | None = None) -> dict[str, str]:
    """Query parameters that open a trace, and that lead back to the list it was opened from."""
    link = {"trace": trace_id.replace("-", "")}
    if span_id:
        link["span"] = span_id
    if back:
        link["back"] = urlencode(back)
    return link


def trace_path(trace_id: str, back: Mapping[str, str] | None = None, span_id: str | None = None) -> str:
    """`trace_link` as a link relative to the app's pages."""
    return f"trace?{urlencode(trace_link(trace_id, back, span_id))}"


def back_link(back: str | None) -> dict[str, str]:
    """Query parameters of the list that a link remembered; unknown keys are dropped."""
    known = {*FILTERS, "range", "from", "to", "sort", "order", "find", "page", "columns"}
    return {key: value for key, value in parse_qsl(back or "") if key in known}


def trace_id(text: str | None) -> str | None:
    """A trace id of 32 hex digits, dashes allowed, as the store writes it; null when it is none."""
    digits = (text or "").replace("-", "").strip().lower()
    if len(digits) != 32 or any(letter not in "0123456789abcdef" for letter in digits):
        return None
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def filter_words(chosen: Mapping[str, object]) -> str:
    """What is filtered by, in the order of `chosen`: `service shop, at least 2 s`; empty when nothing is.

    Without `q`, which stands in the line, and without what is asked of a score that is not named.
    """
    said = {
        "min_s": "at least {} s", "errors": "{} failed spans", "text": "with “{}” in names or errors",
        "scored": "scored by {}", "score_min": "score at least {}",
        "score_max": "score at most {}", "score_label": "score {}", "score_failed": "score failed: {}",
    }  # fmt: skip
    bounds = {"score_min", "score_max"}  # of which 0 is one
    unused = {"q"} if chosen.get(SCORE_FILTERS[0]) else {"q", *SCORE_FILTERS}
    used = (
        (name, value)
        for name, value in chosen.items()
        if name not in unused and (value or (name in bounds and value == 0))
    )
    return ", ".join(said.get(name, f"{name} {{}}").format(value) for name, value in used)


def call_filter_params(chosen: Mapping[str, object]) -> dict[str, Value]:
    """Widget values -> filters of the queries over `calls`; what is empty is left out."""
    columns = {"session": "session_id", "user": "user_id"}
    texts = {columns.get(name, name): _text(name, chosen) for name in CALL_FILTERS if name not in SCORE_FILTERS}
    of_score = {f"with_{name}": value for name, value in _of_score(chosen).items()}
    return {name: value for name, value in (texts | of_score).items() if value not in {None, ""}}


def _text(name: str, chosen: Mapping[str, object]) -> str:
    """Blanks around what is typed are slips; a value that was chosen from a list is meant as it is."""
    text = str(chosen.get(name) or "")
    return text.strip() if name in {"session", "user", "text", "q"} else text


def traces_path(scope: Mapping[str, str | None]) -> str:
    """A link to Traces, relative to the app's pages: of `scope` what its URL knows and is not empty."""
    return f"traces?{urlencode(_known(scope))}"


def _known(scope: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in scope.items() if value and key in {*FILTERS, "range", "from", "to"}}


def narrowed(params: Mapping[str, object]) -> bool:
    """Whether parameters of a list leave out more than its window does."""
    return any(value is not None for name, value in params.items() if name not in {"since", "until", "sort"})


def kept(params: Mapping[str, object]) -> dict[str, object]:
    """Parameters of query `traces`, as the list asks it -> as an order keeps them: without nulls and sort, as JSON."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in params.items()
        if value is not None and name != "sort"
    }


def traces_scope(params: Mapping[str, object]) -> dict[str, str]:
    """Parameters of query `traces`, as an order keeps them (`kept`) -> the URL of Traces; without a window nothing."""
    since, until = (instant(str(params.get(name) or "")) for name in ("since", "until"))
    if since is None or until is None:
        return {}
    names = {
        "session_id": "session", "user_id": "user", "score": "scored", "score_at_least": "score_min",
        "score_at_most": "score_max",
    }  # fmt: skip
    told = {names.get(name, name): str(value) for name, value in params.items() if value is not None}
    if "has_errors" in told:
        told["errors"] = "with" if params["has_errors"] else "without"
    if "min_duration_ns" in told:
        told["min_s"] = f"{float(told['min_duration_ns']) / 1e9:g}"
    if "score_failed" in told:
        told["score_failed"] = "yes" if params["score_failed"] else "no"
    return _known(told | {"range": "custom", "from": instant_text(since), "to": instant_text(until)})


def filter_params(chosen: Mapping[str, object]) -> dict[str, object]:
    """Widget values -> parameters of query `traces`; what is empty filters nothing.

    `min_s` is in seconds, `errors` is `with` or `without`, `score_failed` is `yes` or `no`. What is asked of a score is
    left out while none is named.
    """
    texts: dict[str, object] = {
        name: _text(name, chosen) or None
        for name in ("service", "environment", "model", "status", "variant", "prompt", "tag", "text", "q")
    }
    seconds = chosen.get("min_s")
    wanted = {"with": True, "without": False}.get(str(chosen.get("errors")))
    return (
        texts
        | _of_score(chosen)
        | {
            "session_id": _text("session", chosen) or None,
            "user_id": _text("user", chosen) or None,
            "has_errors": wanted,
            "min_duration_ns": math.ceil(float(str(seconds)) * 1e9) if seconds else None,
        }
    )


def _of_score(chosen: Mapping[str, object]) -> dict[str, Value]:
    name = str(chosen.get("scored") or "") or None
    told: dict[str, Value] = {
        "score_at_least": _number(chosen.get("score_min")),
        "score_at_most": _number(chosen.get("score_max")),
        "score_label": str(chosen.get("score_label") or "") or None,
        "score_failed": {"yes": True, "no": False}.get(str(chosen.get("score_failed"))),
    }
    return {"score": name} | (told if name is not None else dict.fromkeys(told))


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) else None
