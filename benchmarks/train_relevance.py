"""Makes `evaluators/artefacts/relevance.json`: rarities of stems, and two small models of relevance.

    python benchmarks/train_relevance.py            # a minute; says whether the artefact is what would be made
    python benchmarks/train_relevance.py --write

From the training questions of RAGTruth (MIT) alone. A positive pair is a question with one of its own passages or
answers; a negative one is the same question with those of its nearest other questions, by shared rare words: random
ones would be too easy. Features are nearly collinear, so the ridge is strong: it spreads the weight over them at no
cost of AUROC.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from figures import auroc, data, read

from evaluators.relevance.features import NAMES, Query, Table, features, query_by
from evaluators.text import words

OUT = Path(__file__).resolve().parents[1] / "evaluators" / "artefacts" / "relevance.json"
NEAREST, RIDGE, LEAST = 3, 100.0, 2
FOLDS = 5


def sources(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One per question, with its passages and answers."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        passages = [part.split(":", 1)[1].strip() for part in re.split(r"\n\n(?=passage \d)", row["context"].strip())]
        one = found.setdefault(row["source_id"], {"question": row["question"], "context": passages, "answer": []})
        one["answer"].append(row["response"])
    return list(found.values())


def rarities(texts: list[str]) -> Table:
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update({word.stem for word in words(text)})
    return Table(len(texts), {stem: n for stem, n in sorted(seen.items()) if n >= LEAST})


def nearest(queries: list[Query], at: int) -> list[int]:
    """The questions that share most rare words with this one, and are not the same."""
    own = queries[at].terms
    shared = [
        sum(own[term] for term in own if term in other.terms) / (other.weight + 1e-9) ** 0.5
        if other.terms.keys() != own.keys()
        else -1.0
        for other in queries
    ]
    return np.argsort(-np.array(shared), kind="stable")[:NEAREST].tolist()


def pairs(found: list[dict[str, Any]], queries: list[Query], kind: str, length: float) -> tuple[Any, Any, Any]:
    """Features, labels and the question of each pair, as many negatives as positives."""
    x, y, group = [], [], []
    for at, (one, asked) in enumerate(zip(found, queries, strict=True)):
        near = [text for other in nearest(queries, at) for text in found[other][kind]][: len(one[kind]) * NEAREST]
        for text in one[kind]:
            x.append(features(asked, text, length))
            y.append(1)
        for text in near[:: max(1, len(near) // len(one[kind]))][: len(one[kind])]:
            x.append(features(asked, text, length))
            y.append(0)
        group += [at] * (len(y) - len(group))
    return np.array(x), np.array(y), np.array(group)


def fitted(x: Any, y: Any) -> tuple[Any, float]:
    """Ridge logistic regression on standardised features, by Newton's method; weights of the features as they are."""
    centre, spread = x.mean(0), x.std(0) + 1e-9
    z = np.c_[np.ones(len(x)), (x - centre) / spread]
    penalty = np.diag([0.0] + [RIDGE] * x.shape[1])
    weights = np.zeros(z.shape[1])
    for _ in range(30):
        share = 1 / (1 + np.exp(-z @ weights))
        gradient = z.T @ (y - share) - penalty @ weights
        weights += np.linalg.solve(z.T @ (z * (share * (1 - share))[:, None]) + penalty, gradient)
    return weights[1:] / spread, float(weights[0] - (weights[1:] / spread) @ centre)


def out_of_fold(x: Any, y: Any, group: Any) -> float:
    scores = np.zeros(len(y))
    for fold in range(FOLDS):
        held = group % FOLDS == fold
        weights, offset = fitted(x[~held], y[~held])
        scores[held] = x[held] @ weights + offset
    return auroc(y, scores)


def main() -> None:
    path = data("ragtruth_qa_train", "ragtruth_qa_train.jsonl.gz")
    if path is None:
        return
    found = sources(read(path))
    table = rarities([text for one in found for text in one["context"]])
    queries = [query_by(one["question"], table) for one in found]
    models = {}
    for kind in ("answer", "context"):
        length = float(np.mean([len(words(text)) for one in found for text in one[kind]]))
        x, y, group = pairs(found, queries, kind, length)
        weights, offset = fitted(x, y)
        models[kind] = {
            "weights": dict(zip(NAMES, np.round(weights, 4).tolist(), strict=True)), "offset": round(offset, 4),
            "length": round(length, 1), "pairs": len(y), "auroc_out_of_fold": round(out_of_fold(x, y, group), 4),
        }  # fmt: skip
        print(kind, models[kind])
    made = {
        "made_by": "benchmarks/train_relevance.py",
        "trained_on": "RAGTruth QA, official train split (MIT)",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "models": models,
        "rarity": {"texts": table.texts, "seen": dict(table.seen)},
    }  # fmt: skip
    text = json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n"
    if "--write" in sys.argv[1:]:
        OUT.write_text(text, encoding="utf-8")
    same = "the same as" if OUT.read_text("utf-8") == text else "not"
    print(f"{len(text.encode()):,} bytes, {len(table.seen):,} stems; it is {same} {OUT.name}")


if __name__ == "__main__":
    main()
