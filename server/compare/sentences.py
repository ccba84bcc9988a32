"""What a comparison says in a sentence: by how much, how sure, and what could have been seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analytics.compared import ORDINAL, Better, Compared
from analytics.contrast import DOMINANT
from analytics.slices import Simpson
from server.compare import figures
from server.evals.figures import counted, number, verb


def verdict(one: Compared, level: float = 0.95) -> str:
    """The verdict on one metric of two variants.

    Such as "correct: B is 4.1 points higher than A, which is better (95% CI 1.2 to 7.0, adjusted p 0.008).", of B
    against A in `correct`, where more is better.
    """
    within = "" if one.slice is None else f" in {one.slice}"
    return f"{what(one)}{within}: {_found(one, level)}"


def what(one: Compared) -> str:
    """The metric, with its quantile."""
    return f"{one.metric} {one.statistic}" if one.statistic.startswith("p") else one.metric


def _found(one: Compared, level: float) -> str:
    if one.verdict == "not enough data" or one.difference is None:
        return _too_little(one)
    sure = _sure(one, level)
    if one.verdict == "no difference found":
        return f"no difference found: {_of_b(one)} {sure}.{_alone(one, level)}{_unseen(one)}"
    if one.verdict == "equivalent":
        return f"{one.b} is as good as {one.a}, within {amount(one, one.margin)}: it is {_gap(one)} {sure}."
    if one.verdict == "non-inferior":
        return f"{one.b} is not worse than {one.a} by {amount(one, one.margin)} or more: it is {_gap(one)} {sure}."
    meant = f", which is {one.verdict}" if one.better is not None else ""
    if one.statistic == ORDINAL:
        return f"{_ranked(one)}{meant} {sure}."
    return f"{one.b} is {_gap(one, one.a)}{meant} {sure}."


def _of_b(one: Compared) -> str:
    if one.statistic == ORDINAL and one.side:
        return _ranked(one)
    if not one.difference:
        return f"{one.a} and {one.b} both have {value(one, one.mean_a)}"
    return f"{one.b} is {_gap(one, one.a)}"


def _ranked(one: Compared) -> str:
    """The side that ranks speak for, which the means need not."""
    side = "higher" if one.side > 0 else "lower"
    means = f"means of {value(one, one.mean_b)} against {value(one, one.mean_a)}"
    return f"{one.b} is {side} than {one.a} by ranks, with a {one.effect_name} of {one.effect:.2f} and {means}"


def _gap(one: Compared, than: str | None = None) -> str:
    """The difference in words: 4.1 points higher, 12 ms lower (-8%)."""
    gap = one.difference or 0.0
    if gap == 0:
        return f"the same, {value(one, one.mean_a)}"
    side = "higher" if gap > 0 else "lower"
    other = "" if than is None else f" than {than}"
    both = f"{value(one, one.mean_b)} against {value(one, one.mean_a)}"
    return f"{amount(one, abs(gap))} {side}{other}{_share_of(one)}, {both}"


def _share_of(one: Compared) -> str:
    if one.statistic == "share" or not one.mean_a or one.difference is None or one.mean_a < 0:
        return ""
    return f" ({'-' if one.difference < 0 else '+'}{percent(abs(one.difference) / one.mean_a)}%)"


def percent(part: float) -> str:
    """In percent, in three digits, and never as a power of ten."""
    return f"{100 * part:,.0f}" if part >= 1 else f"{100 * part:.3g}"


def amount(one: Compared, size: float | None, *, short: bool = False) -> str:
    """A size of a difference with its unit; `short`: in three digits."""
    return figures.size(size, one.unit, share=one.statistic == "share", short=short)


def value(one: Compared, found: float | None) -> str:
    """A value of what is compared with its unit: a share in percent."""
    return figures.value(found, one.unit, share=one.statistic == "share")


def _sure(one: Compared, level: float) -> str:
    return f"({sure(one, level)})"


def sure(one: Compared, level: float, *, short: bool = False) -> str:
    """How sure the difference is: `95% CI 1.2 to 7, adjusted p 0.008`; `short`: in three digits."""
    if one.ci_low is None and one.ci_high is None:
        ends = "no interval"
    else:
        told = figures.ends(one.ci_low, one.ci_high, one.unit, share=one.statistic == "share", short=short)
        ends = f"{100 * level:g}% CI {'of the difference of means ' if one.statistic == ORDINAL else ''}{told}"
    return f"{ends}, {p_value(one)}"


def p_value(one: Compared) -> str:
    """Of what the verdict rests on, as adjusted."""
    p = one.p_adjusted
    if p is None:
        return "p unknown"
    name = "p" if p == one.p else "adjusted p"
    return f"{name} < 0.001" if p < 0.001 else f"{name} {p:.2g}"


def _alone(one: Compared, level: float) -> str:
    """Of what would have been found, had nothing else been compared."""
    if one.p_difference is None or one.p_difference >= 1 - level:
        return ""
    return f" Alone it would count (p {one.p_difference:.2g}); among so many comparisons it may be chance."


def _unseen(one: Compared) -> str:
    margin = ""
    if one.margin is not None:
        margin = f" That it is within {amount(one, one.margin)} is not shown either."
    if one.mde is None:
        return f" Nothing here tells how large a difference would be found in 80% of such samples.{margin}"
    return f" A difference of {amount(one, one.mde)} would be found in 80% of such samples.{margin}"


def _too_little(one: Compared) -> str:
    if not one.n_a or not one.n_b:
        if one.paired:
            return f"not enough data: {one.a} and {one.b} have no item in common that both have a value of."
        empty = one.a if not one.n_a else one.b
        return f"not enough data: {empty} has no value."
    if one.mean_a is None:
        return "not enough data: the denominators of a variant sum to 0."
    if (share := max(one.largest_a or 0.0, one.largest_b or 0.0)) > DOMINANT and one.p is None:
        name = one.a if share == one.largest_a else one.b
        return (
            f"not enough data: one cluster holds {share:.0%} of the items of {name}, and the rest cannot tell how much "
            f"clusters differ ({_gap(one)} here). Take more clusters."
        )
    many = (
        f"{counted(one.n_a, 'item')} in {counted(one.clusters_a, 'cluster')}"
        if one.paired
        else f"{counted(one.n_a, 'item')} of {one.a} and {one.n_b:,} of {one.b}, in {one.clusters_a:,} and "
        f"{counted(one.clusters_b, 'cluster')},"
    )
    return f"not enough data: {many} cannot show a difference, whatever it is ({_gap(one)} here). Take more items."


def left_out(one: Compared) -> str:
    """What of the rows is in no figure; empty where all are."""
    parts = []
    for name, missing, failed, unpaired in (
        (one.a, one.missing_a, one.failed_a, one.unpaired_a),
        (one.b, one.missing_b, one.failed_b, one.unpaired_b),
    ):
        said = [
            (missing, f"{counted(missing, 'row')} without a value"),
            (failed, f"{counted(failed, 'row')} that failed"),
            (unpaired, f"{counted(unpaired, 'item')} that the other lacks"),
        ]
        told = ", ".join(text for count, text in said if count)
        if told:
            parts.append(f"{told} of {name}")
    return f"{what(one)}: left out are {' and '.join(parts)}." if parts else ""


def pairing(found: Sequence[Compared], *, asked: bool, with_items: bool = True) -> list[str]:
    """Which way was taken of which variants, and why."""
    said = []
    for paired in (True, False):
        some = [one for one in found if one.paired == paired]
        if not some:
            continue
        how = "item by item" if paired else "as samples of other items"
        why = "as asked" if asked else _why(some) if with_items else "as no column names the items (--item if one does)"
        two = "Variants are" if len(some) == len(found) else f"{', '.join(_named(some))} are"
        said.append(f"{two} compared {how}, {why}.")
    return said


def _named(found: Sequence[Compared]) -> list[str]:
    return list(dict.fromkeys(f"{one.a} and {one.b}" for one in found))


def _why(found: Sequence[Compared]) -> str:
    if not found[0].paired:
        most = max(one.shared for one in found)
        if most < 2:
            return f"as they share {'one item' if most else 'no item'}, and pairs take two or more (--item names them)"
        return "as they share fewer than half of their items (--paired if they are the same)"
    least, most = min(one.n_a for one in found), max(one.n_a for one in found)
    many = counted(least, "item") if least == most else f"{least:,} to {counted(most, 'item')}"
    return f"as they share {many} (--unpaired if only the names are the same)"


def directions(found: Mapping[str, Better | None]) -> list[str]:
    """Which way is better of what; nothing where nobody says."""
    higher, lower = ([name for name, better in found.items() if better == way] for way in ("higher", "lower"))
    parts = [f"{way} is better of {', '.join(names)}" for way, names in (("higher", higher), ("lower", lower)) if names]
    if not parts:
        return []
    options = [name for name, names in (("--lower-is-better", higher), ("--higher-is-better", lower)) if names]
    said = "; ".join(parts)
    return [f"{said[0].upper()}{said[1:]}: {' and '.join(options)} {verb(len(options), 'says', 'say')} otherwise."]


def paradox(found: Simpson) -> str:
    """Of a total and slices that say opposite things."""
    side, other = ("higher", "lower") if found.total > 0 else ("lower", "higher")
    if not found.clear:
        return (
            f"{found.metric}: {found.b} is {side} than {found.a} over all ({number(found.total)}), and {other} in all "
            f"{found.slices} slices ({number(found.alike)} with equal shares), though not surely at this size: it may "
            "be Simpson's paradox. Judge by the slices, or take more items."
        )
    return (
        f"{found.metric}: {found.b} is {side} than {found.a} over all, and {other} once both have the slices in equal "
        f"shares ({number(found.total)} against {number(found.alike)}; {found.against} of {found.slices} slices "
        f"{verb(found.against, 'says', 'say')} {other}): Simpson's paradox. Judge by the slices."
    )


def summary(found: Sequence[Compared]) -> str:
    """How many comparisons came to what."""
    counts: dict[str, int] = {}
    for one in found:
        counts[one.verdict] = counts.get(one.verdict, 0) + 1
    return f"{counted(len(found), 'comparison')}: " + ", ".join(f"{many} {name}" for name, many in counts.items()) + "."
