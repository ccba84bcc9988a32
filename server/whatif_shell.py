"""How the command line tells what other choices would have come to: a sentence, and rows for a table."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def caching_sentence(found: Row) -> str:
    """What prompt caching would have saved, and of how many calls that is known."""
    sample, saved = found["sample"], found["prefix"]["usd"]
    return (
        f"Caching shared prefixes would have saved {_usd(saved)} of {_money(found['whole']['input_usd'])} of input; "
        f"computed over {sample['measured']} of {sample['calls']} calls"
        + (f", {sample['untold']} of them without a text." if sample["untold"] else ".")
    )


def caching_rows(found: Row) -> list[Row]:
    """A row per kind of cache."""
    near = next(row for row in found["near"]["rows"] if row["threshold"] == found["near"]["similarity"])
    kinds = {"exact repeats": found["exact"], "shared prefixes": found["prefix"]}
    kinds[f"near repeats from {near['threshold']:g}"] = near
    return [
        {
            "cache": name, "share": _share(row["share"]), "saved US dollars": _usd(row["usd"]),
            "input tokens": _whole(row.get("input_tokens") or row["more_read_tokens"]),
            "seconds": _number(row["duration_s"]),
            "false hits": _share(row["false"]) if "false" in row else "",
        }
        for name, row in kinds.items()
    ]  # fmt: skip


def routing_sentence(found: Row) -> str:
    """What the policy would have saved."""
    sample, moves = found["sample"], found["policy"]
    over = f"computed over {sample['traces']} of {sample['of_traces']} traces, {sample['scored_calls']} scored calls"
    if not moves:
        return f"No move is known to save money and to be no worse; {over}."
    saved = sum(move["saved_usd"]["value"] for move in moves)
    return f"Moves that are no worse would have saved {_money(saved)} of {_money(found['whole']['usd'])}; {over}."


def no_moves(found: Row) -> str:
    """Why the table of moves is empty."""
    sample = found["sample"]
    why = "No group of calls was served by a model that another could replace."
    if sample["unknown_level"]:
        why += (
            f" {sample['unknown_level']} of {sample['calls']} calls did not tell what the measure needs;"
            " `--input-tokens -` leaves their tokens out, to compare quality alone."
        )
    return why


def routing_rows(found: Row) -> list[Row]:
    """A row per move, the largest saving first."""
    return [
        {
            "level": move["level"], **({"topic": move["topic"]} if found["topics"] else {}), "from": move["source"],
            "to": move["target"], "calls": move["calls"],
            "cost": _money(move["usd"]), "saved": _usd(move["saved_usd"]),
            "quality": _number(move["quality"]), "scores": f"{move['source_scores']}, {move['target_scores']}",
            "verdict": move["verdict"],
        }
        for move in found["moves"]
    ]  # fmt: skip


def topic_rows(found: Row) -> list[Row]:
    """A row per topic, the largest first."""
    return [
        {"topic": row["topic"], "calls": row["calls"], "words": ", ".join(row["words"])} for row in found["rows"]
    ]  # fmt: skip


def carbon_sentence(found: Row) -> str:
    """Energy and emissions of all that is known."""
    total, calls = found["total"], f"{found['counted']} of {found['calls']} calls"
    if total["kwh_low"] is None:
        return f"No model of {found['calls']} calls is known to {found['source']}."
    return (
        f"{calls} took {total['kwh_low']:.3g} to {total['kwh_high']:.3g} kWh and emitted {total['kg_low']:.3g} to "
        f"{total['kg_high']:.3g} kg of CO2 equivalents, by {found['source']}."
    )


def carbon_rows(found: Row) -> list[Row]:
    """A row per month and model."""
    return [
        {
            "month": row["month"][:7], "model": row["model"] or "unknown", "calls": row["calls"],
            "kWh": _range(row["kwh_low"], row["kwh_high"]), "kg CO2e": _range(row["kg_low"], row["kg_high"]),
            "Wh a call": _range(row["kwh_low_per_call"], row["kwh_high_per_call"], 1000),
        }
        for row in found["rows"]
    ]  # fmt: skip


def _range(low: float | None, high: float | None, times: float = 1) -> str:
    return "unknown" if low is None or high is None else f"{low * times:.3g} to {high * times:.3g}"


def _money(usd: float | None) -> str:
    return "an unknown cost" if usd is None else f"${usd:,.4f}"


def _usd(found: Row) -> str:
    if found["value"] is None:
        return "an unknown amount"
    if found["low"] is None:
        return f"{_money(found['value'])} (no interval)"
    return f"{_money(found['value'])} (95 %: {_money(found['low'])} to {_money(found['high'])})"


def _share(found: Row) -> str:
    return _number({name: None if end is None else end * 100 for name, end in found.items()}, " %")


def _whole(found: Row) -> str:
    return "unknown" if found["value"] is None else f"{found['value']:,.0f}"


def _number(found: Row, unit: str = "") -> str:
    if found["value"] is None:
        return "unknown"
    ends = "" if found["low"] is None or found["high"] is None else f" ({found['low']:.3g} to {found['high']:.3g})"
    return f"{found['value']:.3g}{unit}{ends}"
