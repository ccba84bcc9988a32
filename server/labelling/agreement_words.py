"""What agreement comes to, in sentences. What counts as good is custom and names its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from server.evals.figures import counted, verb
from server.labelling.labellers import drifted

Row = Mapping[str, Any]
RELY, TENTATIVE = 0.8, 0.667
CUSTOM = (
    "Krippendorff (2004, Content Analysis, 11.4) relies on labels from an alpha of .80 on and takes .667 for tentative "
    "conclusions. That is custom and no law: what depends on the labels says how good they must be."
)
FEW = 20  # items below which a sentence says that they are few
SKEWED = 0.85  # percent agreement from which a low alpha may come of one label being nearly all


def decimal(value: float) -> str:
    """Two decimals, as such coefficients are written: .71, -.05, 1."""
    text = f"{value:.2f}"
    return "1" if text == "1.00" else text.replace("0.", ".", 1)


def verdict(value: float, low: float | None, high: float | None) -> str:
    """What an alpha with its interval is good for, by the custom."""
    least, most = (value if low is None else low), (value if high is None else high)
    if least >= RELY:
        return "good enough to judge by"
    if value >= RELY:
        return f"good enough to judge by, though it may be as low as {decimal(least)}"
    if value >= TENTATIVE:
        return "good enough for tentative conclusions" + (
            "" if least >= TENTATIVE else f", though it may be as low as {decimal(least)}"
        )
    if most >= TENTATIVE:
        return f"not good enough to judge by so far, though it may be as high as {decimal(most)}"
    return "not good enough to judge by"


def sentence(shown: Row) -> str:
    """The answer for one field: who agree how far, what that is good for, who and what differ."""
    rows = {row["coefficient"]: row for row in shown["rows"]}
    if shown["why"] is not None:
        return f"{counted(shown['labels'], 'label')}; no agreement, as {shown['why']}."
    percent = rows.get("percent_agreement")
    if percent is None or percent["value"] is None:
        return _nothing(shown)
    if shown["kind"] == "spans":
        return _overlap(shown, percent)
    parts = [f"{_who(shown, percent)} on {percent['value']:.0%} of {counted(percent['n_items'], 'item')}"]
    parts += _alpha(rows.get(shown["main"]), rows, percent)
    parts += [one for one in (_apart(shown), _weakest(shown), _about(shown), _changed(shown)) if one]
    return f"{'; '.join(parts)}."


def together(fields: Sequence[Row]) -> str:
    """Of one field its sentence, of several each with its title."""
    if len(fields) == 1:
        return str(fields[0]["sentence"])
    return " ".join(f"{one['title']}: {one['sentence']}" for one in fields)


def _nothing(shown: Row) -> str:
    if not shown["items"]:
        return "No label yet."
    items = counted(shown["items"], "item")
    return f"No item has labels of two people; {items} {verb(shown['items'], 'has', 'have')} one."


def _who(shown: Row, percent: Row) -> str:
    people = [row["author"] for row in shown["labellers"]]
    if percent["n_labellers"] == 2:
        return "Two people agree" if len(people) != 2 else f"{people[0]} and {people[1]} agree"
    return f"Any two of {percent['n_labellers']} people agree"


def _overlap(shown: Row, percent: Row) -> str:
    ends = "" if percent["ci_low"] is None else f" ({percent['ci_low']:.0%} to {percent['ci_high']:.0%})"
    return (
        f"{_who(shown, percent)} on the characters that they mark to {percent['value']:.0%}{ends}, over "
        f"{counted(percent['n_items'], 'item')} (F1, which takes no chance out)."
    )


def _alpha(main: Row | None, rows: Mapping[str, Row], percent: Row) -> list[str]:
    if main is None or main["value"] is None:
        why = "it is not defined" if main is None else main["why"]
        return [f"alpha is not defined, as {why}"]
    value, low, high = main["value"], main["ci_low"], main["ci_high"]
    ends = "without an interval" if low is None else f"{decimal(low)} to {decimal(high)}"
    said = f"alpha {decimal(value)} ({ends}): {verdict(value, low, high)}"
    if percent["n_items"] < FEW:
        said += f", and {counted(percent['n_items'], 'item')} are few"
    ac1 = rows.get("gwet_ac1")
    if percent["value"] >= SKEWED and value < TENTATIVE and ac1 is not None and ac1["value"] is not None:
        said += f"; nearly all labels are alike, which presses alpha down: AC1 is {decimal(ac1['value'])}"
    return [said]


def _apart(shown: Row) -> str:
    """Who differ most, where they surely differ more than all together."""
    kappas = [row for row in shown["pairs"] if row["coefficient"] == shown["pair"] and row["value"] is not None]
    if len(kappas) < 3:
        return ""
    worst = min(kappas, key=lambda row: float(row["value"]))
    others = [row["value"] for row in kappas if row is not worst]
    if worst["ci_high"] is None or worst["ci_high"] >= sorted(others)[len(others) // 2]:
        return ""
    one, other = worst["labellers"]
    name = "kappa" if shown["pair"] == "cohen_kappa" else "alpha"
    return f"{one} and {other} differ most ({name} {decimal(worst['value'])} over {counted(worst['n_items'], 'item')})"


def _weakest(shown: Row) -> str:
    """The slice that surely agrees less than all."""
    slices = [row for row in shown["by"] if row["coefficient"] == shown["main"] and row["ci_high"] is not None]
    whole = next((row["value"] for row in shown["rows"] if row["coefficient"] == shown["main"]), None)
    if len(slices) < 2 or whole is None:
        return ""
    worst = min(slices, key=lambda row: float(row["value"]))
    if worst["ci_high"] >= whole:
        return ""
    return f"{worst['slice']} agrees least (alpha {decimal(worst['value'])} over {counted(worst['n_items'], 'item')})"


def _about(shown: Row) -> str:
    """What is most often taken for what."""
    unlike = [row for row in shown["confusion"] if row["a"] != row["b"]]
    total = sum(row["n"] for row in unlike)
    if not total:
        return ""
    worst = max(unlike, key=lambda row: int(row["n"]))
    if len(unlike) == 1:
        return f"they differ on {counted(total, 'pair')} of labels"
    return f"{worst['n'] / total:.0%} of what differs is {worst['a']} against {worst['b']}"


def _changed(shown: Row) -> str:
    found: Sequence[dict[str, Any]] = drifted(shown["labellers"])
    if not found:
        return ""
    names = " and ".join(str(row["author"]) for row in found[:2])
    more = f" and {len(found) - 2} more" if len(found) > 2 else ""
    return f"{names}{more} changed over time"
