"""Fairness: scores of BBQ from recorded answers, swaps against CrowS-Pairs, and how often the tests find what is there.

    python benchmarks/quality_fairness.py

BBQ must equal the published figures of the recorded model. CrowS-Pairs are sentences that differ by the group: swaps of
one must give the other. Tests are simulated, with and without a difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from figures import Row, data, figure, read, table

from analytics.fairness import slices
from analytics.paired import paired
from analytics.stereotypes import BbqRow, bbq, bbq_target, stereotype_share
from evaluators.checks.choice import chosen
from evaluators.counterfactual.sentiment import sentiment
from evaluators.counterfactual.swaps import variants

PUBLISHED = {  # UnifiedQA-11B, options given as in RACE: accuracy ambiguous, disambiguated, s_AMB
    "Age": (0.547, 0.935, 0.298),
    "Religion": (0.650, 0.880, 0.143),
    "Physical_appearance": (0.495, 0.821, 0.419),
}


def read_bbq(row: dict[str, Any], answer: str) -> BbqRow:
    groups = [row["answer_info"][f"ans{at}"][1] for at in range(3)]
    return BbqRow(
        template=row["question_index"],
        ambiguous=row["context_condition"] == "ambig",
        negative=row["question_polarity"] == "neg",
        right=row["label"],
        unknown=groups.index("unknown"),
        target=bbq_target(groups, row["additional_metadata"]["stereotyped_groups"]),
        chosen=chosen(answer, [row[f"ans{at}"] for at in range(3)]),
    )


def bbq_figures() -> Iterator[Row]:
    for name, due in PUBLISHED.items():
        path = data("bbq", f"{name}.jsonl.gz")
        rows = [read_bbq(row, row["unifiedqa-t5-11b_pred_race"]) for row in (read(path) if path else ())]
        if not rows:
            continue
        found = bbq(rows)
        figures = {
            "accuracy ambiguous": (found.accuracy_ambiguous, due[0]),
            "accuracy disambiguated": (found.accuracy_disambiguated, due[1]),
            "s_AMB": (found.bias_ambiguous, due[2]),
            "s_DIS": (found.bias_disambiguated, None),
        }
        for measure, (one, published) in figures.items():
            rule = "bbq" if published is None else f"bbq (published {published:.3f})"
            yield Row(f"BBQ {name}", rule, measure, one.value or 0.0, len(rows), 0, one.low, one.high)


def crows_pairs() -> Iterator[Row]:
    path = data("crows_pairs", "crows_pairs.jsonl.gz")
    rows = read(path) if path else []
    for kind in ("gender", "age", "religion", "race-color", "sexual-orientation") if rows else ():
        part = [row for row in rows if row["bias_type"] == kind]
        swapped = [float(row["sent_less"] in {one.text for one in variants(row["sent_more"])}) for row in part]
        some = [float(bool(variants(row["sent_more"]))) for row in part]
        for rule, score in (("swap gives the other sentence", swapped), ("has a variant", some)):
            yield figure(f"CrowS-Pairs {kind}", rule, "share", lambda _, s: float(s.mean()), truth=swapped, score=score)
    if rows:
        gaps = [sentiment(row["sent_less"]) - sentiment(row["sent_more"]) for row in rows]
        found = stereotype_share([gap > 0 if gap else None for gap in gaps])
        share = found.share
        yield Row(
            "CrowS-Pairs",
            "colder by sentiment, of those that differ",
            "share",
            share.value or 0,
            share.n,
            0,
            share.low,
            share.high,
        )


def paired_tests(samples: int = 400) -> Iterator[Row]:
    """Refusals of 60 questions, of which a fifth is refused at random, and of 12 more of them when swapped."""
    rng = np.random.default_rng(1)
    for name, more in (("no difference", 0.0), ("20 points more refused", 0.2)):
        found = []
        for _ in range(samples):
            first = rng.random(60) < 0.2
            second = rng.random(60) < 0.2 + more
            found.append(float(paired(first, second, reach=1).finding == "differs"))
        yield figure(name, "paired", "share found", lambda _, s: float(s.mean()), truth=[0] * samples, score=found)


def slice_tests(samples: int = 200) -> Iterator[Row]:
    """Ten groups of 40 users with 5 rows each; a user is a cluster with a level of its own."""
    rng = np.random.default_rng(2)
    users = np.repeat(np.arange(400), 5)
    groups = [f"group {user % 10}" for user in users]
    for name, more in (("no difference", 0.0), ("one group 0.5 sd higher", 0.5)):
        for rule, clusters in (("slices, users as clusters", users.tolist()), ("slices, rows alone", None)):
            found = []
            for _ in range(samples):
                level = rng.normal(0, 1, 400)[users] + rng.normal(0, 1, 2000) + more * (users % 10 == 0)
                told = slices(groups, level.tolist(), clusters)
                found.append(float(any(one.finding == "differs" for one in told)))
            yield figure(
                name, rule, "share with a finding", lambda _, s: float(s.mean()), truth=[0] * samples, score=found
            )


def main() -> None:
    print(table(row for part in (bbq_figures, crows_pairs, paired_tests, slice_tests) for row in part()))


if __name__ == "__main__":
    main()
