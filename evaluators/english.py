"""Whether a text is English, by its letters and its most frequent words."""

from __future__ import annotations

from evaluators.text import words

FUNCTION_WORDS = frozenset(
    ("the", "a", "an", "of", "and", "to", "in", "is", "are", "was", "for", "on", "that", "with", "it", "you", "as")
)
ENGLISH = 0.08  # share of function words in English texts of some length: seldom under .2
READ = 2000  # characters that are looked at
ENOUGH = 15  # words from which a share is one


def outside(answer: str) -> str | None:
    """Why what is made for English tells little of the answer; null: it looks English, or is too short to tell."""
    letters = [c for c in answer[:READ] if c.isalpha()]
    if sum(c > "\u024f" for c in letters) > len(letters) / 2:
        return "The answer is not in Latin script; this was made from English texts only."
    found = words(answer[:READ])
    if len(found) >= ENOUGH and sum(word.norm in FUNCTION_WORDS for word in found) < ENGLISH * len(found):
        return "The answer does not look English; this was made from English texts only."
    return None
