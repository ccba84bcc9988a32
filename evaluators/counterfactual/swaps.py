"""Questions about other groups: demographic terms of a list, each put in another's place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from evaluators.relevance.features import STOP_WORDS

VOWEL = re.compile(r"[aeiou]", re.IGNORECASE)
# An initial that does not sound as it is written: a European, an hour.
_LIKE_CONSONANT = re.compile(r"(?:eu|uni(?!m|n)|use|one\b|ufo)", re.IGNORECASE)
_LIKE_VOWEL = re.compile(r"(?:hour|honest|heir|honou?r)", re.IGNORECASE)


class TermsError(ValueError):
    """The list of terms is not of its form."""


@dataclass(frozen=True, slots=True)
class Row:
    """Words that mean the same but for the group, one per group; null: it has none."""

    terms: tuple[str | None, ...]
    before_person: bool = False  # they count only before a word for a person


@dataclass(frozen=True, slots=True)
class Axis:
    """Groups of people that differ in one thing, and the words for them."""

    name: str
    groups: tuple[str, ...]
    rows: tuple[Row, ...]
    pronouns: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """A list of terms."""

    axes: tuple[Axis, ...]
    persons: frozenset[str]


@dataclass(frozen=True, slots=True)
class Swap:
    """Characters [start, end) of the question, and what takes their place."""

    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True)
class Variant:
    """A question about another group."""

    axis: str
    source: str  # the group that it was about
    target: str
    text: str
    swaps: tuple[Swap, ...]


@cache
def usual_terms() -> Terms:
    """The list that comes with the program."""
    return read_terms((files("evaluators") / "artefacts" / "terms.yaml").read_text("utf-8"))


def read_terms(text: str) -> Terms:
    """A list of terms from YAML, of the form that `artefacts/terms.yaml` explains.

    Raises:
        TermsError: it is not of that form; says where.
    """
    import yaml  # noqa: PLC0415 - only for who swaps

    try:
        held = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TermsError(f"The list of terms is no YAML: {error}") from error
    if not isinstance(held, dict) or not isinstance(held.get("axes"), list):
        raise TermsError("A list of terms has `axes`, each with a name, groups and rows of terms.")
    persons = frozenset(str(one).casefold() for one in held.get("persons") or ())
    return Terms(tuple(_axis(one) for one in held["axes"]), persons)


def _axis(held: Any) -> Axis:
    if not isinstance(held, dict) or not {"name", "groups", "terms"} <= held.keys():
        raise TermsError(f"An axis has a name, groups and terms, not {held!r}.")
    name, groups = str(held["name"]), tuple(str(one) for one in held["groups"])
    rows = tuple(_row(one, before_person=bool(held.get("before_person"))) for one in held["terms"])
    for row in rows:
        if len(row.terms) != len(groups):
            raise TermsError(f"A row of {name!r} has {len(row.terms)} terms for {len(groups)} groups: {row.terms}.")
    pronouns = bool(held.get("pronouns"))
    if pronouns and set(groups) != {"female", "male"}:
        raise TermsError(f"The axis {name!r} has pronouns, and so the groups female and male, not {list(groups)}.")
    return Axis(name, groups, rows, pronouns)


def _row(held: Any, *, before_person: bool) -> Row:
    if isinstance(held, dict):
        before_person, held = bool(held.get("before_person")), held.get("terms")
    if not isinstance(held, list):
        raise TermsError(f"A row is a list of terms, not {held!r}.")
    return Row(tuple(None if one is None else str(one) for one in held), before_person)


@dataclass(frozen=True, slots=True)
class _Found:
    """A term in the question: its group, and its word for each other group."""

    start: int
    end: int
    written: str
    term: str
    group: str
    others: Mapping[str, str | None]


def variants(question: str, terms: Terms | None = None, axes: Sequence[str] | None = None) -> list[Variant]:
    """The question about each other group of each axis that it names; () of a question that names none.

    Both groups of a pair change places, where both are named. No variant is made for a group without a word for what is
    named. The same text is made once.

    Args:
        question: English text.
        terms: null: the list that comes with the program.
        axes: names of those to swap; null: all.
    """
    known = terms or usual_terms()
    made: dict[str, Variant] = {}
    for axis in known.axes:
        if axes is None or axis.name in axes:
            for one in _of_axis(question, axis, known.persons):
                made.setdefault(one.text, one)
    made.pop(question, None)
    return list(made.values())


def _of_axis(question: str, axis: Axis, persons: frozenset[str]) -> Iterator[Variant]:
    found = sorted(_all(question, axis, persons), key=lambda one: one.start)
    named = [group for group in axis.groups if any(one.group == group for one in found)]
    for source in named:
        for target in axis.groups:
            if target != source:
                swaps = _swaps(question, found, source, target)
                if swaps is not None:
                    yield Variant(axis.name, source, target, _applied(question, swaps), tuple(swaps))


def _all(question: str, axis: Axis, persons: frozenset[str]) -> list[_Found]:
    """The terms; pronouns only where they cannot be those of a name, which would stay as it is."""
    terms, pronouns = list(_terms(question, axis, persons)), list(_pronouns(question, axis))
    if pronouns and not terms and any(word.casefold() not in _PLAIN for word in _CAPITAL.findall(question)):
        return []
    return terms + pronouns


def _swaps(question: str, found: Sequence[_Found], source: str, target: str) -> list[Swap] | None:
    """Each term of either group by that of the other; null: there is no word for one."""
    swaps = []
    for one in found:
        to = {source: target, target: source}.get(one.group)
        if to is None:
            continue
        new = one.others.get(to)
        if new is None:
            return None
        new = _cased(one.written, one.term, new)
        if one.written[0].isupper() and _begins(question, one.start):
            new = new[0].upper() + new[1:]
        swaps.append(_with_article(question, one, new))
    return swaps


def _begins(question: str, at: int) -> bool:
    """Whether a sentence begins there."""
    before = question[:at].rstrip(" \"'(*")
    return not before or before[-1] in ".!?:\n"


def _applied(question: str, swaps: Sequence[Swap]) -> str:
    for one in sorted(swaps, key=lambda one: -one.start):
        question = question[: one.start] + one.new + question[one.end :]
    return question


def _cased(written: str, term: str, new: str) -> str:
    """The new term as the old one is written: capitals, a capital at the start, or as the list has both."""
    if len(written) > 1 and written.isupper() and not term.isupper():
        return new.upper()
    if written[0].isupper() and term[0].islower():
        return new[0].upper() + new[1:]
    if written[0].islower() and term[0].isupper():
        return new.lower()
    return new


_ARTICLE = re.compile(r"\b(an?)(\s+)$", re.IGNORECASE)


def _with_article(question: str, one: _Found, new: str) -> Swap:
    """The swap, with the `a` or `an` before it mended."""
    article = _ARTICLE.search(question, max(0, one.start - 8), one.start)
    if article is None:
        return Swap(one.start, one.end, new)
    letter = "A" if article[1][0].isupper() else "a"
    mended = letter + ("N" if article[1].isupper() and len(article[1]) > 1 else "n") if _starts_open(new) else letter
    return Swap(article.start(), one.end, f"{mended}{article[2]}{new}")


def _starts_open(word: str) -> bool:
    if _LIKE_CONSONANT.match(word):
        return False
    return bool(VOWEL.match(word) or _LIKE_VOWEL.match(word))


def _terms(question: str, axis: Axis, persons: frozenset[str]) -> Iterator[_Found]:
    for found in _pattern(axis).finditer(question):
        one = _read(axis, found, before_person=_is_person(question[found.end() :], persons))
        if one is not None:
            yield one


@cache
def _pattern(axis: Axis) -> re.Pattern[str]:
    """Any term of the axis as a whole word, the longest first."""
    words = sorted({term for row in axis.rows for term in row.terms if term}, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, words))})(?![\w-])", re.IGNORECASE)


def _read(axis: Axis, found: re.Match[str], *, before_person: bool) -> _Found | None:
    """The term by the first row that has it."""
    for row in axis.rows:
        if row.before_person and not before_person:
            continue
        for group, term in zip(axis.groups, row.terms, strict=True):
            if term and term.casefold() == found[0].casefold():
                others = dict(zip(axis.groups, row.terms, strict=True))
                return _Found(found.start(), found.end(), found[0], term, group, others)
    return None


def _is_person(following: str, persons: frozenset[str]) -> bool:
    """Whether one of the next two words is a person: `old man`, `black female students`."""
    words = re.findall(r"^\s+([\w-]+)(?:\s+([\w-]+))?", following)
    return any(word.casefold() in persons for pair in words for word in pair)


_PRONOUNS = re.compile(r"(?<![\w-])(?:he|she|him|her|his|hers|himself|herself)(?![\w-])", re.IGNORECASE)
_FEMALE = {"he": "she", "him": "her", "his": "her", "himself": "herself"}
_MALE = {"she": "he", "her": "his", "hers": "his", "herself": "himself"}
# After these `her` is an object (told her that), and `his` stands alone (the car is his).
_NO_NOUN = re.compile(
    r"\s*(?:$|[.,;:!?)\]\"]|(?:\s|^)(?:a|an|the|to|that|this|if|about|for|in|on|at|with|from|and|or|but|is|was|are|were|when|"
    r"because|as|by|of|how|what|why|who|not|again|yesterday|today|tomorrow|there|here|so|after|before|into|up|out|off)\b)",
    re.IGNORECASE,
)


_CAPITAL = re.compile(r"(?<![\w'])[A-Z][\w'-]*")
_PLAIN = STOP_WORDS | {"he", "she", "his", "her", "him", "hers", "write", "explain", "describe", "give", "make", "help"}


def _pronouns(question: str, axis: Axis) -> Iterator[_Found]:
    for found in _PRONOUNS.finditer(question) if axis.pronouns else ():
        written = found[0]
        bare = bool(_NO_NOUN.match(question, found.end()))
        word = written.casefold()
        if word in _FEMALE:
            other = "hers" if word == "his" and bare else _FEMALE[word]
            yield _Found(found.start(), found.end(), written, word, "male", {"female": other})
        else:
            other = "him" if word == "her" and bare else _MALE[word]
            yield _Found(found.start(), found.end(), written, word, "female", {"male": other})


def group_names(terms: Terms | None = None) -> dict[str, list[str]]:
    """The groups of each axis."""
    return {axis.name: list(axis.groups) for axis in (terms or usual_terms()).axes}


def named_groups(question: str, terms: Terms | None = None) -> dict[str, list[str]]:
    """The groups that a question names, by axis: what slices of logged questions are made of."""
    known = terms or usual_terms()
    found = {axis.name: sorted({one.group for one in _all(question, axis, known.persons)}) for axis in known.axes}
    return cast("dict[str, list[str]]", {name: groups for name, groups in found.items() if groups})
