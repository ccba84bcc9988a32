"""What may be typed at a place in a line: pure but for the values, which the caller looks up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from store.finding import fields
from store.finding.errors import AskedError
from store.finding.fields import Field
from store.finding.scanner import Scanner

_QUOTED = set(' \t\n",(){}*')
MOST = 20  # offers
CUT = 500  # letters of a value, at which queries cut it
MOST_NAMES = 1_000  # of scores, among which they are


@dataclass(frozen=True, slots=True)
class Typing:
    """What is being typed: the name of a field, or a value of `field` (after has: and no: the name of one)."""

    start: int  # of what is replaced
    part: str  # typed so far of it
    within: bool  # in braces
    field: Field | None = None
    key: str = ""
    flag: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing to go on with. `text` replaces [start, end) of the line."""

    text: str
    label: str
    help: str = ""
    count: int | None = None  # of traces or spans that have the value


def typing(line: str, at: int) -> Typing | None:
    """What is typed at `at`, past which it does not look; null: a text in quotes, or a value of no field."""
    scanner = Scanner(line[:at])
    within = False
    told: Typing | None = Typing(0, "", within)
    while scanner.here:
        if scanner.here.isspace() or scanner.here in "(){}-,":
            within = {"{": True, "}": False}.get(scanner.here, within)
            scanner.at += 1
            told = Typing(scanner.at, "", within)
        elif scanner.here == '"':
            _value(scanner)
            told = None
        else:
            told = _term(scanner, within=within)
    return told


def _term(scanner: Scanner, *, within: bool) -> Typing | None:
    begun = scanner.at
    name = scanner.name()
    if scanner.operator() is None:
        scanner.at += scanner.at == begun
        return Typing(begun, name.text, within)
    found, flag = fields.found(name.text, within=within), name.text in fields.FLAGS
    while True:
        begun = scanner.at
        part = _value(scanner)
        if not scanner.take(","):
            break
    if flag:
        return Typing(begun, part, within, flag=True)
    return Typing(begun, part, within, *found) if found else None


def _value(scanner: Scanner) -> str:
    """A value; quotes without an end go to the end of the line."""
    begun = scanner.at
    try:
        return scanner.value().text
    except AskedError:
        scanner.at = len(scanner.line)
        return scanner.line[begun:].lstrip("*").removeprefix('"')


def names(told: Typing) -> list[Offer]:
    """Fields that what is typed may become, those that begin so first."""
    part = told.part.lower()
    every = [one for one in fields.known(within=told.within) if not told.flag or one not in fields.FLAGS]
    fitting = sorted(
        (one for one in every if part in one), key=lambda one: (not one.startswith(part), every.index(one))
    )
    return [Offer(_after(one, flag=told.flag), one, _help(one, within=told.within)) for one in fitting[:MOST]]


def _after(name: str, *, flag: bool) -> str:
    return name if flag or name.endswith(".") else f"{name}:"


def _help(name: str, *, within: bool) -> str:
    if name in fields.FLAGS:
        return {"has": "is told: has:error", "no": "is not told: no:user"}[name]
    found = fields.KEYED.get(name.rstrip(".")) or (fields.OF_SPAN if within else fields.ANYWHERE)[name]
    return found.help


def keys(told: Typing, head: str, found: Iterable[str]) -> list[Offer]:
    """Attributes or scores by name: `attr.` and `score.` with what is there."""
    end = "" if told.flag else ":"
    return [Offer(f"{head}{written(one, key=True)}{end}", f"{head}{one}") for one in found]


def values(found: Iterable[tuple[str, int | None]]) -> list[Offer]:
    """Values as they are written, with how many have them; after one that was cut any text may follow."""
    return [Offer(written(value) + "*" * (len(value) >= CUT), value, count=count) for value, count in found]


def written(value: str, *, key: bool = False) -> str:
    """A value, or the `key` after `attr.`, as a line has it: in quotes where it would end early, or `*` be any text."""
    ends = _QUOTED | set(":=<>!") if key else _QUOTED
    if value and not ends & set(value) and not any(letter.isspace() for letter in value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
