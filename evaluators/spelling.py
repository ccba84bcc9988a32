"""Words as they were meant: digits for letters, letters apart, words run together, a letter lost or swapped.

Only words of the lists are sought for so; what is a word already is left as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Word:
    """A word in lower case, at characters [start, end)."""

    text: str
    start: int
    end: int
    quoted: bool = False


# Bounded, so that a text without spaces costs no more than one with.
_WORD = re.compile(r"[a-z0-9@$!|*+]{1,60}(?:'[a-z]{1,4}(?![a-z]))?")
_TAIL = re.compile(r"'(?:re|s|ll|d|ve|m)$")
_DIGITS = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s", "!": "i", "|": "l", "+": "t"}  # fmt: skip
_LEET = str.maketrans(_DIGITS)
_LEET_L = str.maketrans(_DIGITS | {"1": "l", "!": "l"})
_REPEAT = re.compile(r"(.)\1{2,}")
_LONGEST_RUN = 40
_LITERAL = re.compile(  # code, addresses and file names: spelled for machines, so nothing is disguised there
    r"```.*?(?:```|\Z)|`[^`\n]{1,200}`|(?:https?://|www\.)\S+|[\w.+-]{1,64}@[\w-]{1,64}\.\w+"
    r"|[A-Za-z0-9]+_\w+|_\w+|\w{2,40}(?:\.\w{2,40})+|[A-Za-z]{2,40}(?=\()|/\w+(?=/)|(?<=/)\w+/",
    re.DOTALL,
)
_UNIT = re.compile(r"\d+[a-z]{1,3}|\d{2,}[a-z]+")  # `40s`, `10k`, `35mm`
_MODEL = re.compile(r"[a-z]{1,2}\d+|[a-z]+\d{2,}")  # `F45`, `GU10`, `h264`
_LEAST_MENDED = 4  # letters; shorter ones are names and abbreviations as often
_LEAST_CUT = 4  # letters of the listed word in words run together
_SHORT = frozenset("i a u r is to of in so we my me no am be do go if it on or up us an as at by he ur ve".split())
_COUNTRIES = frozenset({"niger", "nigeria"})  # a letter from a listed word, and too rare to be counted
_QUOTED = re.compile(r'"[^"\n]{1,300}"|(?<![a-z0-9])\'[^"\n]{1,300}?\'(?![a-z0-9])')


def words_of(text: str) -> Iterator[Word]:
    """The words of a text; `they're` is two."""
    low = text.lower()
    if len(low) != len(text):  # a letter whose lower case is two
        low = "".join(one.lower() if len(one.lower()) == 1 else one for one in text)
    quotes = [(one.start(), one.end()) for one in _QUOTED.finditer(low)]
    quote = 0
    for match in _WORD.finditer(low):
        start, end = match.span()
        while quote < len(quotes) and quotes[quote][1] <= start:
            quote += 1
        quoted = quote < len(quotes) and quotes[quote][0] < start
        said = match.group().rstrip("!|*+") or match.group()
        end = start + len(said)
        if not any(one.isalnum() for one in said):
            continue
        tail = _TAIL.search(said)
        if tail and tail.start():
            yield Word(said[: tail.start()], start, start + tail.start(), quoted)
            yield Word(tail.group(), start + tail.start(), end, quoted)
        else:
            yield Word(said, start, end, quoted)


class Speller:
    """Reads disguised words of a list."""

    def __init__(
        self,
        listed: Mapping[str, bool],
        coarse: Iterable[str],
        vocabulary: Mapping[str, Any],
        names: Iterable[str] = (),
    ) -> None:
        """Of `listed` words, true for those that are worth mending; `coarse` ones are written with asterisks.

        `vocabulary`: `counts` of common words, and `real` ones, a letter from a listed one or made of several words,
        that mean themselves. Words with a capital are mended into `names` only.
        """
        counts: dict[str, int] = vocabulary["counts"]
        self._counts = dict(counts)
        for word in (*listed, *_COUNTRIES):
            self._counts.setdefault(word, 3)
        self._listed = frozenset(listed)
        self._names = frozenset(names)
        self._total = sum(self._counts.values())
        self._wild = sorted(
            (word for word in coarse if len(word) > 2), key=lambda word: (-self._counts.get(word, 0), word)
        )
        self._real = real = frozenset(vocabulary["real"])
        self._mended = {
            variant: word
            for word, mend in sorted(listed.items())
            if mend and len(word) >= 4 and "'" not in word
            for variant in variants(word)
            if len(variant) >= _LEAST_MENDED and variant not in self._counts and variant not in real
        }
        self._read = lru_cache(20_000)(self._reading)

    def plain(self, text: str) -> list[Word]:
        """The words of the text, as meant, where they stand."""
        found: list[Word] = []
        literal = _Spans(text)
        for word in self._joined(list(words_of(text))):
            if word.start in literal:
                found.append(word)
                continue
            parts = self._read(word.text, _named(text, word))
            if len(parts) == 1:
                found.append(Word(parts[0], word.start, word.end, word.quoted))
                continue
            size = len(word.text)
            at = 0
            for part in parts:
                end = min(at + len(part), size)
                found.append(Word(part, word.start + min(at, size - 1), word.start + max(end, 1), word.quoted))
                at = end
        return found

    def _joined(self, words: list[Word]) -> Iterator[Word]:
        """Letters that stand apart, put together: at least three in a row."""
        run: list[Word] = []
        for word in [*words, None]:
            if (
                word is not None
                and len(word.text) == 1
                and len(run) < _LONGEST_RUN
                and (not run or word.start - run[-1].end <= 3)
            ):
                run.append(word)
                continue
            yield from self._together(run)
            run = []
            if word is not None:
                if len(word.text) == 1:
                    run = [word]
                else:
                    yield word

    def _together(self, run: list[Word]) -> Iterator[Word]:
        if len(run) < 3:
            yield from run
            return
        parts = self._pieces("".join(word.text for word in run).translate(_LEET))
        if not any(part in self._listed and len(part) > 2 for part in parts):
            yield from run
            return
        at = 0
        for part in parts:
            end = at + len(part)
            yield Word(part, run[at].start, run[end - 1].end, run[at].quoted)
            at = end

    def _reading(self, word: str, named: bool) -> tuple[str, ...]:
        if word in self._counts or word in self._real:
            return (word,)
        if not word.isalpha() and "'" not in word:
            return self._decoded(word)
        if (short := _REPEAT.sub(r"\1", word)) != word:
            double = _REPEAT.sub(r"\1\1", word)
            return (double,) if double in self._counts else self._reading(short, named)
        if (mended := self._mended.get(word)) and (mended in self._names or not named):
            return (mended,)
        parts = self._pieces(word) if len(word) >= 7 else []
        return tuple(parts) if self._cuts(parts) else (word,)

    def _cuts(self, parts: list[str]) -> bool:
        """Whether these are words run together, one of the lists among them."""
        if len(parts) < 2 or any(len(part) < 3 and part not in _SHORT for part in parts):
            return False
        return any(part in self._listed and len(part) >= _LEAST_CUT for part in parts)

    def _decoded(self, word: str) -> tuple[str, ...]:
        if not _disguised(word):
            return (word,)
        if "*" in word or "+" in word:
            shape = re.compile(re.sub(r"\\?[*+]", "[a-z]", re.escape(word)))
            fits = next((one for one in self._wild if len(one) == len(word) and shape.fullmatch(one)), None)
            if fits and word[0].isalpha():
                return (fits,)
        for table in (_LEET, _LEET_L):
            letters = word.translate(table)
            if letters in self._counts:
                return (letters,)
        parts = self._pieces(word.translate(_LEET))
        return tuple(parts) if self._cuts(parts) else (word,)

    def _pieces(self, letters: str) -> list[str]:
        """The likeliest way to cut letters into known words; the whole when there is none."""
        letters = letters[:60]
        best: list[tuple[float, int]] = [(0.0, 0)] + [(math.inf, 0)] * len(letters)
        for end in range(1, len(letters) + 1):
            for start in range(max(0, end - 16), end):
                cost = best[start][0] + self._cost(letters[start:end])
                if cost < best[end][0]:
                    best[end] = (cost, start)
        if best[-1][0] == math.inf:
            return [letters]
        parts: list[str] = []
        end = len(letters)
        while end:
            start = best[end][1]
            parts.append(letters[start:end])
            end = start
        return parts[::-1]

    def _cost(self, part: str) -> float:
        count = self._counts.get(part)
        if count is None or (len(part) == 1 and part not in {"i", "a", "u"}):
            return math.inf
        return math.log(self._total / count) + 3.0  # a cut costs, so that few long words win


class _Spans:
    """Where a text is literal; asked for rising places."""

    def __init__(self, text: str) -> None:
        self._spans = (one.span() for one in _LITERAL.finditer(text))
        self._now = next(self._spans, None)

    def __contains__(self, place: int) -> bool:
        while self._now and self._now[1] <= place:
            self._now = next(self._spans, None)
        return self._now is not None and self._now[0] <= place


def _named(text: str, word: Word) -> bool:
    """Whether a word is written as a name or an abbreviation: capitals where its neighbours have none."""
    written = text[word.start : word.end]
    if not written[:1].isupper() or not written.isalpha():
        return False
    around = text[max(word.start - 20, 0) : word.start] + text[word.end : word.end + 20]
    if written.isupper():
        return len(written) > 1 and any(map(str.islower, around))
    before = text[max(word.start - 3, 0) : word.start].rstrip()
    return len(before) > 0 and (before[-1].islower() or before[-1] in ",;")


def _disguised(word: str) -> bool:
    """Whether signs may stand for letters: a number with its unit, a model number, an amount are what they say."""
    letters = sum(map(str.isalpha, word))
    digits = sum(map(str.isdigit, word))
    return letters > 0 and letters >= digits and not _UNIT.fullmatch(word) and not _MODEL.fullmatch(word)


def variants(word: str) -> set[str]:
    """The word with one letter left out, or two neighbours swapped. The first letter stays."""
    lost = {word[:place] + word[place + 1 :] for place in range(1, len(word))}
    swapped = {word[:place] + word[place + 1] + word[place] + word[place + 2 :] for place in range(len(word) - 1)}
    return {one for one in lost | swapped if one != word and len(one) >= 3}
