"""The view of What-if on caches: of exact repeats, of prefixes at the provider, of near repeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import calls, charts_whatif, data, estimates, listing, state, widgets
from app import format as fmt
from app.listing import Cell, Column, Row

KEPT = {"5 min": 300, "1 h": 3600, "24 h": 86_400}
"""What the URL and the page call a lifetime -> seconds."""
ALIKE, LIFE = "similarity", "kept"  # keys of the controls, and their names in the URL
Found = Mapping[str, Any]
_FITS = 18  # letters of an interval, beside its n, in a tile at 1280 pixels


def view(window: state.Window, found: Found) -> None:
    """Sentence, tiles, figures, tables; the frame around it is that of `app/whatif.py`."""
    if found["sample"]["untold"] == found["sample"]["measured"] - found["sample"]["failed"]:
        _untold(found["sample"])
        return
    near = at_similarity(found)
    st.markdown(finding(window, found, near, narrowed=any(calls.in_url().values())))
    calls.known(sample_words(found["sample"]))
    _tiles(found, near)
    _figures(found)
    _table(found, near)
    _pairs(found["near"])


def controls() -> dict[str, data.Param]:
    """How long a cache keeps, and what it takes for a repeat; parameters of the API."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Kept for", width="content")
        kept = st.segmented_control(
            "Kept for", list(KEPT), default="5 min", required=True, key=LIFE, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        st.caption("Near repeats from", width="content")
        alike = st.slider(
            "Near repeats from", 70, 100, 90, format="%d %%", key=ALIKE, bind="query-params", width=260,
            label_visibility="collapsed",
        )  # fmt: skip
    return {"ttl_s": KEPT[str(kept)], "similarity": int(alike) / 100}


def at_similarity(found: Found) -> Found:
    """The row of the near repeats at the chosen similarity."""
    wanted = found["near"]["similarity"]
    return next(row for row in found["near"]["rows"] if row["threshold"] == wanted)


def _untold(sample: Found) -> None:
    widgets.empty(
        "What caches would have saved would be here.",
        f"None of {fmt.plural(sample['measured'], 'call')} that were looked at told what was sent to the model. Have "
        "the instrumentation record contents: for OpenTelemetry's own, set "
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT to true.",
    )


def finding(window: state.Window, found: Found, near: Found, *, narrowed: bool = False) -> str:
    """What each cache would have saved."""
    whole = found["whole"]
    on = ", on calls that match the filters" if narrowed else ""
    if whole["usd"] is None:
        share = estimates.sentence(found["exact"]["share"], estimates.share)
        return fmt.plain(
            f"What caches would have saved in {window.words} is unknown: no call has a price. Exact repeats: {share}."
        )
    risk = near["false"]
    wrong = f" with another answer for {estimates.sentence(risk, estimates.share)} of its hits"
    return fmt.plain(
        f"{_prefixes(found['prefix']['usd'], whole)} in {window.words}{on}; a cache of answers "
        f"{_least(found['exact'], whole)} by exact repeats, and {_least(near, whole)} by near ones"
        f"{wrong if risk['value'] is not None else ''}.",
        1000,
    )


def _prefixes(saved: Found, whole: Found) -> str:
    """What caching them would have saved, or added."""
    value, cost = saved["value"], estimates.usd(whole["input_usd"])
    if value is None:
        return "What caching shared prefixes would have saved is unknown"
    if value < 0:
        added = {"value": -value, "low": _less(saved["high"]), "high": _less(saved["low"])}
        return f"Caching shared prefixes would have added {estimates.sentence(added, estimates.usd)} to {cost} of input"
    return f"Caching shared prefixes would have saved {estimates.sentence(saved, estimates.usd)} of {cost} of input"


def _least(found: Found, whole: Found) -> str:
    """`$1.20 (...) of $8`; hits without a cost make it a least, or unknown."""
    if found["usd"]["value"] is None:
        return "an unknown amount"
    least = "at least " if found["unpriced"] else ""
    return f"{least}{estimates.sentence(found['usd'], estimates.usd)} of {estimates.usd(whole['usd'])}"


def _less(value: float | None) -> float | None:
    return None if value is None else -value


def sample_words(sample: Found) -> str:
    """What the numbers rest on."""
    over = f"Computed over {sample['measured']:,} of {sample['calls']:,} calls"
    if sample["census"]:
        told = f"{over}. Intervals: how much another such stretch would differ, by {sample['slices']} slices of time."
    else:
        back = fmt.duration(sample["lookback_s"] * 1e9)
        least = ", so that longer lives save more than is told" if sample["lookback_s"] < 0.9 * sample["ttl_s"] else ""
        told = (
            f"{over}: {sample['slices']} of {sample['of_slices']:,} slices of time, at random, each looked back "
            f"{back}{least}. Intervals of 95 % over slices."
        )
    lacking = [
        f"{sample['untold']:,} told no text and save nothing here" if sample["untold"] else "",
        f"{sample['failed']:,} failed" if sample["failed"] else "",
        f"{sample['cut_slices']} slices were cut" if sample["cut_slices"] else "",
    ]
    return f"{told} {'; '.join(filter(None, lacking)).capitalize()}{'.' if any(lacking) else ''}".strip()


def _tiles(found: Found, near: Found) -> None:
    prefix, exact = found["prefix"], found["exact"]
    calls_n, judged = found["sample"]["measured"], near["judged"]
    money = (
        ("Prefixes would save", prefix["usd"], f"net of {estimates.usd(prefix['write_usd']['value'])} for writing"),
        ("Exact repeats would save", exact["usd"], f"{estimates.cell(exact['share'], estimates.share)} of calls"),
        ("Near repeats would save", near["usd"], f"{estimates.cell(near['share'], estimates.share)} of calls"),
    )
    shown = [_tile(label, told, estimates.usd, more, calls_n) for label, told, more in money]
    was = f"it was {estimates.share(prefix['was_share']['value'])}"
    shown.append(_tile("Input from shared prefixes", prefix["share"], estimates.share, was, calls_n))
    shown.append(_tile("False hits of near repeats", near["false"], estimates.share, "answers that differ", judged))
    widgets.tiles(*shown)


def _tile(label: str, found: Found, form: estimates.Form, more: str, n: int) -> widgets.Tile:
    """`n`: calls; the intervals of all but the false hits are over slices of them."""
    told = estimates.short_interval(found, form)
    note = f"{told}, n = {fmt.short(n)}" if len(told) <= _FITS else told
    exact = f"{found['value']}; 95 % interval {found['low']} to {found['high']}, n = {n:,} calls; {more}"
    return widgets.Tile(label, form(found["value"]), fmt.plain(exact), fmt.plain(note), [])


def _figures(found: Found) -> None:
    """Likeness against share and risk, the choice that a person has to make; beside it the money of each cache."""
    left, right = st.columns([7, 6])
    rows, near = found["near"]["rows"], found["near"]
    with left:
        st.plotly_chart(
            charts_whatif.thresholds(
                pd.DataFrame(_flat(rows)), near["similarity"],
                f"n = {fmt.plural(near['compared'], 'call')} compared; bands: 95 %", widgets.theme(),
            ),
            theme=None, key="whatif-near", config={"displayModeBar": False},
            alt="Share of calls that are near repeats, and of these with another answer, by similarity",
        )  # fmt: skip
    with right:
        money = {"Shared prefixes": found["prefix"]["usd"], "Exact repeats": found["exact"]["usd"],
                 "Near repeats": at_similarity(found)["usd"]}  # fmt: skip
        st.plotly_chart(
            charts_whatif.savings(money, "US dollars; whiskers: 95 %", widgets.theme()), theme=None, key="whatif-saved",
            config={"displayModeBar": False}, alt="What each cache would have saved",
        )  # fmt: skip


def _flat(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"threshold": row["threshold"], "hits": row["hits"], "judged": row["judged"]}
        | {f"{name}_{end}": row[name][end] for name in ("share", "false") for end in ("value", "low", "high")}
        for row in rows
    ]


def _table(found: Found, near: Found) -> None:
    """Every cache in money, tokens and time."""
    prefix, exact, likeness = found["prefix"], found["exact"], found["near"]["similarity"]
    rows = [
        _row("Shared prefixes (at the provider)", prefix, prefix["more_read_tokens"], "none"),
        _row("Exact repeats", exact, exact["input_tokens"], estimates.cell(exact["output_tokens"], estimates.tokens)),
        _row(f"Near repeats from {likeness:.0%}", near, near["input_tokens"],
             estimates.cell(near["output_tokens"], estimates.tokens)),
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**What each would have saved**", width="content")
        st.space("stretch")
        widgets.csv(pd.DataFrame(_exact_rows(found)), "what-if-caching")
    st.dataframe(
        frame, hide_index=True, height="content", alt="Share, money, tokens and time that each cache would have saved"
    )
    st.caption(fmt.plain(_notes(found), 1200))


def _row(name: str, found: Found, tokens: Found, output: str) -> dict[str, str]:
    return {
        "Cache": name, "Share": estimates.cell(found["share"], estimates.share),
        "Saved": ("≥ " if found.get("unpriced") and found["usd"]["value"] is not None else "")
        + estimates.cell(found["usd"], estimates.usd),
        "Input tokens": estimates.cell(tokens, estimates.tokens), "Output tokens": output,
        "Time": estimates.cell(found["duration_s"], estimates.seconds),
    }  # fmt: skip


def _exact_rows(found: Found) -> list[dict[str, Any]]:
    """Every estimate with its bounds, a row each."""
    named = {"prefix": found["prefix"], "exact": found["exact"]} | {
        f"near {row['threshold']:g}": row for row in found["near"]["rows"]
    }
    return [
        {"cache": cache, "measure": name, **told}
        for cache, parts in named.items()
        for name, told in parts.items()
        if isinstance(told, dict)
    ]


def _notes(found: Found) -> str:
    prefix, near = found["prefix"], found["near"]
    notes = [
        "Money is of the whole time range",
        "Prefixes: of at least 1,024 tokens, at the model's price of cached input, less what writing them costs",
        "Their time is the wait for the first token",
    ]
    if prefix["uncached_models"]:
        notes.append(
            f"{fmt.plural(prefix['uncached_models'], 'call')} of the sample went to models without a known price of "
            "cached input, and save nothing here"
        )
    if prefix["wait_ns_per_token"]["value"] is None:
        notes.append("no time is known for prefixes, as too few calls told their time to first token")
    notes.append(
        "A near repeat has the same model, system prompt and tools, and a question that is as alike as chosen to an "
        "earlier one that was answered (cosine of words and pairs of words); exact repeats are near ones too, and what "
        f"embeddings cost is not counted. Answers differ below {near['same_answer']:.0%} of the same measure"
    )
    return ". ".join(note[0].upper() + note[1:] for note in notes) + "."


def _pairs(near: Found) -> None:
    """Hits to look at, those with the most different answers first: a person tells better if one would do."""
    pairs = near["pairs"]
    if not pairs:
        st.caption(
            f"No near repeat from {near['similarity']:.0%} has another question or another answer: choose less to see "
            "pairs to look at."
        )
        return
    st.markdown("**Near repeats to look at, the most different answers first**")
    listing.listing("whatif-pairs", "Near repeats", PAIRS, [_pair(pair) for pair in pairs])
    st.caption(
        "A row opens the later call; its answer is what was really said, the earlier one what a cache would say."
    )


PAIRS = (
    Column("Alike", "52px", "right"),
    Column("Question", "minmax(160px, 1.2fr)", link=True),
    Column("Earlier question", "minmax(160px, 1.2fr)"),
    Column("Answers", "74px", help="Whether they are alike enough to count as the same"),
    Column("Answer", "minmax(140px, 1fr)"),
    Column("Earlier answer", "minmax(140px, 1fr)"),
)


def _pair(pair: Found) -> Row:
    same = pair["same_answer"]
    verdict = Cell(fmt.UNKNOWN, quiet=True) if same is None else (
        Cell("same", estimates.share(pair["answers_alike"]), "green") if same
        else Cell("differ", estimates.share(pair["answers_alike"]), "orange")
    )  # fmt: skip
    texts = [pair["question"], pair["earlier_question"]]
    said = [pair["answer"], pair["earlier_answer"]]
    return Row(
        state.trace_path(pair["trace_id"], span_id=pair["span_id"]),
        [
            Cell(estimates.share(pair["similarity"])),
            *(Cell(fmt.clip(text), fmt.clip(text)) for text in texts),
            verdict,
            *(Cell(fmt.UNKNOWN, quiet=True) if text is None else Cell(fmt.clip(text), fmt.clip(text)) for text in said),
        ],
    )  # fmt: skip
