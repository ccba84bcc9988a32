"""Makes `evaluators/artefacts/vocabulary.json`: python benchmarks/train_words.py DICTIONARY

Counts of words in HH-RLHF dialogues (MIT), so that words run together can be parted; and the words of other public sets
and of a dictionary that mean themselves though they are one letter from a word of the abuse lists, or could be cut into
words with one of them, so that they are not mended or cut. DICTIONARY is `frequency_dictionary_en_82_765.txt` of the
package symspellpy 6.10.1 (MIT), a word and its count a line.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

import figures

from evaluators.abusive.lexicon import Lexicon
from evaluators.logistic import ARTEFACTS
from evaluators.spelling import Speller, variants

WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
LEAST = 4  # times that a common word occurs
REAL = 2
LONGEST_REAL = 6  # letters: longer words one letter from a listed one are misspellings
LONGEST = 16
LEAST_COUNT = 30_000  # of the dictionary, in a corpus of 10^12 words
OTHERS = (
    ("ragtruth_qa_train", "ragtruth_qa_train.jsonl.gz", "response"),
    ("surge_toxicity", "toxicity_en_dev_half.jsonl.gz", "text"),
    ("tau_bench_airline", "gpt-4o-airline_dev_half.jsonl.gz", "traj"),
    ("bipia", "contexts_train.jsonl.gz", "context"),
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
    lexicon = Lexicon(lists, {"counts": counts, "real": []})
    listed = lexicon.single
    near = {one for word, mend in listed.items() if mend and len(word) >= 4 for one in variants(word)}
    seen = {one for one in near if every[one] >= REAL and len(one) <= LONGEST_REAL}
    words = dictionary(Path(sys.argv[1])) - set(listed)
    real = sorted(((seen | near & words) | cut(words, lexicon.speller)) - set(counts))
    told = {
        "about": "Counts of words in HH-RLHF (MIT), and words (of public sets and of the dictionary of symspellpy, MIT) that mean themselves "
        "though they are one letter from a listed one or could be cut into several; "
        "made by benchmarks/train_words.py.",
        "counts": counts,
        "real": real,
    }
    (ARTEFACTS / "vocabulary.json").write_text(json.dumps(told, separators=(",", ":")) + "\n", "utf-8")


def dictionary(path: Path) -> set[str]:
    """Its words that occur often enough to be none of its errors."""
    lines = (line.split() for line in path.read_text("utf-8-sig").splitlines())
    return {word for word, count in lines if int(count) >= LEAST_COUNT and word.isalpha()}


def cut(words: set[str], speller: Speller) -> set[str]:
    """The words that would be read as several."""
    return {word for word in words if len(speller.plain(word)) > 1}


if __name__ == "__main__":
    main()
