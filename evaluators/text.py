"""Sentences, words and numbers of a text, with the characters where they stand. All of it takes linear time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

LONGEST_STEM = 40  # letters; longer runs are no words

_SHORT = """
mr mrs ms dr prof sr jr st mt ft gen col sgt capt lt cmdr rev hon gov sen rep pres vs v etc e.g i.e eg ie cf al approx
est no nos vol fig figs sec ch pp p ed eds inc ltd co corp llc dept univ assn ave blvd rd jan feb mar apr jun jul aug
sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun u.s u.k u.n u.s.a d.c a.m p.m am pm b.c a.d ph.d m.d
b.a m.a oz lb lbs tsp tbsp min hr hrs ca z.b bzw usw
"""
ABBREVIATIONS = frozenset(_SHORT.split())
"""Words that a full stop follows within a sentence, lower case, without that stop."""

_BOTH = "etc u.s u.k u.n u.s.a d.c a.m p.m am pm inc ltd co corp"
CLOSES_TOO = frozenset(_BOTH.split())
"""Abbreviations at which a sentence often ends as well: told by one of `OPENERS` after them."""

_OPENERS = """
the a an this that these those it he she they we you i in on at for if when while as but and so there here however it's
what who how
"""
OPENERS = frozenset(_OPENERS.split())

_STOP = re.compile(r"(?<![.!?…])[.!?…]++[\"')\]”’»*_`]*+|[。！？｡]++[」』”’）)]*+|\n\s*+")
_LIST = re.compile(r"(?:[-*+•▪◦‣·–—>|#]|\d{1,3}[.)]|\(?[a-zA-Z0-9]\)|[ivx]{1,4}[.)])")
_ONLY_MARK = re.compile(r"[\s\-*+•▪◦‣·–—>|#(]*(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)]")

_LETTER = (
    r"[^\W\d_\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff]"
    r"|[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0970-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]"
)
_WORD = re.compile(
    rf"\d++(?:[.,]\d++)*+(?:(?:st|nd|rd|th|s)(?![^\W_]))?"
    rf"|(?:{_LETTER})(?:{_LETTER}|\d)*+(?:['’](?:{_LETTER})++)*+"
    r"|[\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff]",
    re.IGNORECASE,
)
_GROUPS = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?")

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
COUNT_WORDS: dict[str, float] = {
    **{word: float(i) for i, word in enumerate(_ONES.split())},
    **{word: 10.0 * i for i, word in enumerate(_TENS.split(), 2)},
}
ORDINAL_WORDS = {word: i for i, word in enumerate(_ORDINALS.split(), 1)}
SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_AFTER = {**SCALES, "k": 1e3, "m": 1e6, "bn": 1e9, "mn": 1e6, "lakh": 1e5, "crore": 1e7}


class Word(NamedTuple):
    """One word, number or CJK character: characters [start, end) of the text."""

    start: int
    end: int
    text: str  # as written
    norm: (
        str  # case-folded, plain apostrophes; numbers in one form: `1,000.0` is `1000`, `two` is `2`, `second` is `2nd`
    )
    stem: str  # of norm, English


class Number(NamedTuple):
    """A number, in digits or words: words [first, last] of the list it was found in."""

    first: int
    last: int
    value: float
    kind: str  # percent ordinal year plain


def sentences(text: str) -> list[tuple[int, int]]:
    """The sentences as (start, end), in order, without the white space around them; all else is in one of them.

    List items, headings and paragraphs end a sentence too. Full stops of abbreviations, initials, decimals, web
    addresses and list numbers do not.
    """
    cased = any(map(str.isupper, text))
    found: list[tuple[int, int]] = []
    start = 0
    for stop in _STOP.finditer(text):
        if _ends(text, start, stop, cased=cased):
            found += _trimmed(text, start, stop.end())
            start = stop.end()
    return found + _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> list[tuple[int, int]]:
    piece = text[start:end]
    length = len(piece.rstrip())
    return [(start + len(piece) - len(piece.lstrip()), start + length)] if length else []


def _ends(text: str, start: int, stop: re.Match[str], *, cased: bool) -> bool:
    mark = stop[0]
    if mark[0] == "\n":
        return _line_ends(text, start, stop)
    if mark[0] in "。！？｡" or stop.end() == len(text):
        return True
    if not text[stop.end()].isspace():
        return _no_space(text, stop)
    following = text[stop.end() : stop.end() + 40].lstrip()
    return mark[0] in "!?" or not following or _before_space(text, start, stop, following, cased=cased)


def _before_space(text: str, start: int, stop: re.Match[str], following: str, *, cased: bool) -> bool:
    if stop[0] == "." and not _full_stop(text, start, stop, following):
        return False
    loose = stop.start() > 0 and text[stop.start() - 1].isspace()  # tokenised text: a stop with space before it
    return loose or not cased or not following[0].islower()


def _full_stop(text: str, start: int, stop: re.Match[str], following: str) -> bool:
    """Whether a single full stop before white space can end a sentence at all."""
    line = max(text.rfind("\n", max(start, stop.start() - 12), stop.start()) + 1, start)
    if stop.start() - line <= 12 and _ONLY_MARK.fullmatch(text, line, stop.end()):
        return False
    before = text[max(start, stop.start() - 16) : stop.start()].split()
    last = before[-1].lstrip("(\"'[“‘*_").casefold() if before else ""
    if len(last) == 1 and last.isalpha() and text[stop.start() - 1].isupper() and last != "i":
        return False
    if last not in ABBREVIATIONS:
        return True
    return last in CLOSES_TOO and following.split(maxsplit=1)[0].casefold().strip(",") in OPENERS


def _no_space(text: str, stop: re.Match[str]) -> bool:
    """`word.Next`: a stop whose space was forgotten. Not `example.com`, `v1.2`, `U.S.`, `Node.js`."""
    at, end = stop.start(), stop.end()
    before, after = text[max(0, at - 3) : at], text[end : end + 3]
    return (
        len(before) == 3
        and before.isalpha()
        and before.islower()
        and after[:1].isupper()
        and (after[1:2].islower() or after[1:2] == " ")
    )


def _line_ends(text: str, start: int, stop: re.Match[str]) -> bool:
    if "\n" in stop[0][1:] or stop.end() == len(text):
        return True
    line = text[max(start, text.rfind("\n", max(0, stop.start() - 61), stop.start()) + 1) : stop.start()].rstrip()
    wrapped = len(line) >= 60 and line[-1] not in ".!?:;。！？…"
    return not wrapped or _LIST.match(text, stop.end()) is not None


def words(text: str, start: int = 0, end: int | None = None) -> list[Word]:
    """The words and numbers within the characters [start, end), in order; offsets are into the whole text."""
    found = []
    for match in _WORD.finditer(text, start, len(text) if end is None else end):
        written = match[0]
        norm, stemmed = _forms(written)
        found.append(Word(match.start(), match.end(), written, norm, stemmed))
    return found


@lru_cache(65_536)
def _forms(written: str) -> tuple[str, str]:
    norm = normal(written)
    return norm, stem(norm)


def normal(word: str) -> str:
    """The form under which equal words are equal: see `Word.norm`."""
    if word[0].isdigit():
        return _digits(word.casefold())
    plain = word if word.isascii() else unicodedata.normalize("NFKC", word)
    plain = plain.casefold().replace("’", "'")
    if plain in COUNT_WORDS and plain != "one":  # `one` is a pronoun more often than a count
        return f"{COUNT_WORDS[plain]:g}"
    if plain in ORDINAL_WORDS:
        return _ordinal(ORDINAL_WORDS[plain])
    return plain.removesuffix("'s").removesuffix("'")


def _ordinal(number: int) -> str:
    return f"{number}{'th' if 10 < number % 100 < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _digits(word: str) -> str:
    bare = word.rstrip("stndrh")
    value, suffix = amount(bare), word[len(bare) :]
    if value is None:
        return word
    return f"{value:.15g}{suffix}"


def amount(written: str) -> float | None:
    """The value of digits with separators, `1,234.50` or `12,5`; null for what is not one number, such as `1.2.3`."""
    if _GROUPS.fullmatch(written):
        written = written.replace(",", "")
    written = written.replace(",", ".")
    if written.count(".") > 1 or len(written) > 300:
        return None
    try:
        return float(written)
    except ValueError:
        return None


def numbers(found: Sequence[Word], text: str) -> list[Number]:
    """The numbers among the words of a text: `1.5 million`, `twenty-five`, `two hundred`, `40%`, `1990s`, `third`."""
    told: list[Number] = []
    i = 0
    while i < len(found):
        number = _number(found, i, text)
        if number is None:
            i += 1
        else:
            told.append(number)
            i = number.last + 1
    return told


def _number(found: Sequence[Word], i: int, text: str) -> Number | None:
    word = found[i]
    lower = word.text.lower()
    if word.text[0].isdigit():
        bare = lower.rstrip("stndrh")
        value = amount(bare)
        if value is None:
            return None
        if lower[len(bare) :] in {"st", "nd", "rd", "th"}:
            return Number(i, i, value, "ordinal")
        return _scaled(found, i, i, value, text)
    if lower in ORDINAL_WORDS and lower != "second":  # a second is a unit of time as well
        return Number(i, i, float(ORDINAL_WORDS[lower]), "ordinal")
    if lower not in COUNT_WORDS:
        return None
    value, last = COUNT_WORDS[lower], i
    if value >= 20 and i + 1 < len(found) and 0 < COUNT_WORDS.get(found[i + 1].text.lower(), 0) < 10:
        value, last = value + COUNT_WORDS[found[i + 1].text.lower()], i + 1
    return _scaled(found, i, last, value, text)


def _scaled(found: Sequence[Word], first: int, last: int, value: float, text: str) -> Number:
    """With the scales and the sign of per cent after it."""
    while last + 1 < len(found) and (scale := _AFTER.get(found[last + 1].text.lower())):
        if found[last + 1].start - found[last].end > 1:
            break
        value, last = value * scale, last + 1
    end = found[last].end
    following = found[last + 1].norm if last + 1 < len(found) else ""
    if text[end : end + 2].lstrip()[:1] == "%" or following in {"percent", "pct"}:
        return Number(first, last, value, "percent")
    year = first == last and found[first].text.isdigit() and len(found[first].text) == 4 and 1000 <= value <= 2100
    return Number(first, last, value, "year" if year else "plain")


@lru_cache(65_536)
def stem(word: str) -> str:
    """The English stem of a normal form (Snowball); numbers and words of other scripts stay as they are."""
    return _stemmer()(word) if len(word) <= LONGEST_STEM and word.isascii() and word.isalpha() else word


@cache
def _stemmer() -> Callable[[str], str]:
    from snowballstemmer import stemmer  # noqa: PLC0415 - takes longer to import than this module may

    made: Callable[[str], str] = stemmer("english").stemWord
    return made
