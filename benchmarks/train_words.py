"""Makes `evaluators/artefacts/vocabulary.json`: python benchmarks/train_words.py

Counts of words in HH-RLHF dialogues (MIT), so that words run together can be parted; and the words of other public sets
that are one letter from a word of the abuse lists and mean themselves, so that they are not mended into one.
"""

from __future__ import annotations

import json
import re
from collections import Counter

import figures

from evaluators.abuse import Lexicon
from evaluators.logistic import ARTEFACTS
from evaluators.spelling import variants

WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
LEAST = 4  # times that a common word occurs
REAL = 2
LONGEST_REAL = 6  # letters: longer words one letter from a listed one are misspellings
LONGEST = 16
OTHERS = (
    ("ragtruth_qa_train", "ragtruth_qa_train.jsonl.gz", "response"),
    ("surge_toxicity", "toxicity_en_dev_half.jsonl.gz", "text"),
    ("tau_bench_airline", "gpt-4o-airline_dev_half.jsonl.gz", "traj"),
    ("inthewild_jailbreaks", "inthewild_dev_half.jsonl.gz", "prompt"),
)


def main() -> None:
    path = figures.data("hh_rlhf_harmless_test", "harmless_base_test_dev_half.jsonl.gz")
    if path is None:
        raise SystemExit(1)
    talk: Counter[str] = Counter()
    for row in figures.read(path):
        talk.update(WORD.findall(f"{row['chosen']} {row['rejected'][-600:]}".lower()))
    every = Counter(talk)
    for folder, file, name in OTHERS:
        if (path := figures.data(folder, file)) is not None:
            for row in figures.read(path):
                text = row[name] if isinstance(row[name], str) else json.dumps(row[name])
                every.update(WORD.findall(text.lower()))
    counts = {
        word: count
        for word, count in sorted(talk.items())
        if count >= LEAST and (len(word) > 1 or word in "aiu") and len(word) <= LONGEST
    }
    lists = json.loads((ARTEFACTS / "abuse_words.json").read_text("utf-8"))
    listed = Lexicon(lists, {"counts": {}, "real": []}).single
    near = {one for word, mend in listed.items() if mend and len(word) >= 4 for one in variants(word)}
    real = sorted(one for one in near if every[one] >= REAL and len(one) <= LONGEST_REAL and one not in counts)
    told = {
        "about": "Counts of words in HH-RLHF (MIT), and words that are one letter from a listed one and mean themselves; "
        "made by benchmarks/train_words.py.",
        "counts": counts,
        "real": real,
    }
    (ARTEFACTS / "vocabulary.json").write_text(json.dumps(told, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
