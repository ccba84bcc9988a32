"""Topics of sampled calls: which calls are drawn so that texts can be read, what was asked in them, what is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from analytics import topics
from analytics.columns import flags
from analytics.topics import NOT_TOLD, OTHER, Topics
from server.whatif import sampling, texts
from server.whatif.sampling import SLICES, Asker, Whole

CALLS = 8_000  # drawn, where not all can be read
SCORED = 1_500  # traces with a score, likewise
MOST_SLICES = 400
UNPACKED = 800_000_000  # bytes of text for scored traces beyond the slices: about half a second
SHOWN = 8  # words of a topic
EXAMPLES = 3
_LETTERS = 300
_TOGETHER, _OF_A_TOKEN = 2_048, 4  # texts that are unpacked at once, and their bytes
_MICROSECOND = timedelta(microseconds=1)


def drawing(ask: Asker, since: datetime, until: datetime, whole: Whole) -> dict[str, int]:
    """Parameters of query `whatif_calls` with which texts of its calls can be read; none: as they are drawn always."""
    step = sampling.slice_length(ask, since, until, whole, CALLS)
    if step is None:
        return {}
    at_once = _TOGETHER * _OF_A_TOKEN * max((whole.input_tokens or 0) // whole.calls, 1)
    scored = min(max(UNPACKED // at_once, SLICES), MOST_SLICES)
    return {"step_us": step // _MICROSECOND, "slices": SLICES, "scored_slices": scored, "scored": SCORED}


def read(ask: Asker, since: datetime, until: datetime, calls: pd.DataFrame) -> list[str | None]:
    """What the user said last in each call, as its span told it, else a log of it; null: neither did."""
    ids = calls["trace_id"].unique().tolist()
    spans = ask.plain("whatif_inputs", since=since, until=until, trace_ids=ids).to_pylist()
    found = {(row["trace_id"], row["span_id"]): texts.wanted(row["input"], row["input_key"]) for row in spans}
    keys = list(zip(calls["trace_id"], calls["span_id"], strict=True))
    lacking = sorted({trace for trace, span in keys if found.get((trace, span)) is None})
    for row in ask.plain("whatif_told_texts", trace_ids=lacking).to_pylist() if lacking else []:
        key = row["trace_id"], f"{row['span_id']:016x}"
        found[key] = found.get(key) or texts.wanted(row["input"], None)
    return [found.get(key) for key in keys]


def marked(calls: pd.DataFrame, asked: Sequence[str | None]) -> pd.DataFrame:
    """With what was asked in each call as the column `asked`, null as None."""
    return calls.assign(asked=pd.Series(list(asked), calls.index, dtype=object))


def name(topic: int | None) -> str | None:
    """`2`, `other`, `not told`; null: no topics."""
    return None if topic is None else {NOT_TOLD: "not told", OTHER: "other"}.get(topic, str(topic))


def told(found: Topics, most: int, calls: pd.DataFrame, times: float) -> dict[str, Any]:
    """What the topics are, and a row per topic, then `other` and `not told`; see `/api/whatif/routing`.

    `calls` with `asked`, and with `topic` where there are topics. Counts are of calls that were drawn and ended well,
    `times` what they stand for.
    """
    rows = calls[flags(calls, "drawn") & ~flags(calls, "failed")]
    codes = [*range(1, len(found.words) + 1), OTHER, NOT_TOLD] if found.words else []
    parts = [(code, rows[(rows["topic"] == code).to_numpy(bool)]) for code in codes]
    return {
        "most": most, "texts": found.texts, "agreement": found.agreement,
        "untold": int(rows["asked"].isna().sum()),
        "rows": [_row(found, code, part, len(rows), times) for code, part in parts if code > 0 or len(part)],
    }  # fmt: skip


def _row(found: Topics, code: int, rows: pd.DataFrame, of: int, times: float) -> dict[str, Any]:
    words = found.words[code - 1] if code > 0 else {}
    return {
        "topic": name(code), "words": list(words)[:SHOWN], "calls": round(len(rows) * times), "sampled": len(rows),
        "share": len(rows) / of if of else None,
        "by_model": {str(model): int(count) for model, count in rows["model"].value_counts().items()},
        "examples": _examples(rows, words),
    }  # fmt: skip


def _examples(rows: pd.DataFrame, words: Mapping[str, float]) -> list[dict[str, Any]]:
    """Calls of different texts that have most of the topic's words, those first that have other ones of them."""
    distinct = rows.drop_duplicates("asked")
    has = [frozenset(topics.words_of(text or "") & words.keys()) for text in distinct["asked"]]
    first = {one: place for place, one in reversed([*enumerate(has)])}
    best = sorted(range(len(has)), key=lambda place: (first[has[place]] != place, -len(has[place])))[:EXAMPLES]
    return [
        {"trace_id": row["trace_id"], "span_id": row["span_id"], "text": (row["asked"] or "")[:_LETTERS]}
        for row in distinct.iloc[best].to_dict("records")
    ]


def rule(found: Topics) -> dict[str, Any]:
    """How a router tells the topic of a call, for the policy."""
    return {
        "topic": (
            f"of the first {topics.READ} words of the user's last message, each counted once, in small letters (two "
            "to 40 signs, a letter first, then letters, digits, underlines and combining marks; NFC), add up the "
            "weights that each topic has for them: the topic of the largest sum, of equal ones the first; other: no "
            "topic has one of the words"
        ),
        "found_in_texts": found.texts, "agrees_with_clusters": found.agreement,
        "words": {str(place): dict(words) for place, words in enumerate(found.words, 1)},
    }  # fmt: skip
