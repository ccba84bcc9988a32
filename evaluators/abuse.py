"""Abuse of people and groups, read by structure: a hostile word counts by what it is said of.

A sentence is looked through for targets (groups, persons, things) and hostile phrases, by word lists. Each phrase is
attached to a target by place and grammar's little words, and set aside when it is negated, quoted or denounced. The
mere name of a group says nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import islice, pairwise
from typing import Any

from evaluators.disguise import Folded, fold
from evaluators.logistic import ARTEFACTS
from evaluators.spelling import Speller, Word, words_of

HEAD = ("emote_verb", "emote_effect", "bad", "bad_noun", "dehuman", "harm", "exclude", "doom", "deny", "implicit")
KINDS = (*HEAD, "negated_positive", "profane", "slur")
_DOUBLED = {"stab", "club", "whip", "gut", "neuter", "ban", "hit", "stomp", "slap", "kick", "skin", "gas", "hang"}
_PARTICIPLES = {"shot", "beaten", "hung", "burnt", "hit", "slain", "put", "thrown", "driven", "sent", "kept", "run"}
_BE = {"be", "been", "being", "get", "getting", "gets", "got", "are", "is", "was", "were", "'re", "'s"}
_GAP = frozenset(
    "all those these the a an any every each most some of such so many other that your our more lot lots bunch whole "
    "entire single damn goddamn fucking fuckin bloody shitty stinking both much how by being for at to on with every "
    "last one more seeing looking our real big old little rich poor young and or as like about".split()
)
_LINK = frozenset("with who are is from of in a the being 're that which have has suffering on an".split())
_BREAKS = frozenset(", ; : but because although though however".split())
_OWN = frozenset("i we my our 'm myself ourselves".split())
_LITTLE = frozenset(
    "a an the and or but if in on at to of for from by with without about as than then that which who whom whose when "
    "where while because since until before after between into over under again there here do does did has have had can "
    "could would may might very too also only any some all both each other one two".split()
)
_BY = frozenset("by with from at against to about for fight fights fighting treat treats treated cure".split())
_SAYS = frozenset("are is were should must can deserve need have will would have do don't aren't".split())
_IS = frozenset(
    "be are is 're 's r be am was were aren't isn't ain't seem seems look looks act acts behave smell smells remain become becoming like as considered sound sounds".split()
)
_PAST = frozenset("was were been had did didn't wasn't weren't hadn't".split())
_UNREAL = frozenset("if should better wish".split())
_OBVIOUS = frozenset("realise realize obvious clear see know understand agree admit".split())
_DISEASES = frozenset("cancer disease diseases virus viruses infection bacteria germs tumor tumour".split())
_UNSURE = frozenset("if when whether while unless".split())
_DETERMINERS = frozenset("the a an these those this that all our your their".split())
_POSSESSIVE = frozenset("your their".split())
_COMPLEMENTS = frozenset("to for of with from in".split())
_PLURAL = frozenset("they them their theirs these those all every".split())
_PREPOSITIONS = frozenset("per of for with in by to from about on against among between".split())
_PARTS = frozenset(
    "in of with for to at from on by that which who when where because if into over under about and or not but can will have has had do does did than".split()
) | _BREAKS - {","}
_QUANTITIES = frozenset(
    "bunch lot lots kind kinds sort pack breed piece pieces load form all most some none worst full one many any gang race nation set herd".split()
)
_DEGREES = frozenset(
    "that a an the all just so such too very really nothing but only like as basically simply literally all both always total complete utter fucking bunch of pack no better than not no more less , in fact really are be is".split()
)
_ADVERBS = frozenset(
    "who have has are is were will would all just always only never simply really , should can do ever also".split()
)
_STANDS_FOR = frozenset("they them their theirs she her he him it these those".split())
_FOR = frozenset("for at to on with by about seeing looking".split())
_WISHES = frozenset(
    "should must deserve deserves deserved hope hopefully wish ought need needs let let's lets please better gotta can wanna want would".split()
)
_ENDS_PHRASE = frozenset(
    "too everywhere always anyway again today now period lol af than enough never nothing just not no hitting who".split()
)
_COMPARES = frozenset("than between equal instead before same".split())
_BEINGS = frozenset("being beings human humans creature creatures kind race lot bunch".split())
_PEOPLE = frozenset("people ppl person someone somebody anyone men those everyone anybody man guys guy".split())
_THIS = frozenset("this that it".split())
_IDLE = frozenset(
    "more than|difference between|don't see any difference between|no difference between|just a|only a|responsible for|it is always|it's always|bunch of|the end of|free of|"
    "only thing|near me|rather have|fault|next door|better if|test on|agenda|would be better if|typical|no wonder|"
    "unable to|incapable of|lack of|lower than|can't be|same as|belong to|belong at|should not have|shouldn't have|"
    "should be treated|should stay|not capable|not equal|not be allowed to|no right to|no rights|no value|not worth|submit to|worse than|superior to|"
    "steal|stink|ruined|molest|contaminate|polluting|infest|take our|taking over|to blame for|live off|a threat to|a danger to|burden on|burden to|responsible for all|"
    "objects|property|slaves|servants|mistakes|mistake|problem|joke|jokes|things|creatures|machines|robots|waste|disease|diseases|cancer|virus|viruses|"
    "infection|bacteria|germs|animals|animal|dogs|sheep|cows|goats|snake|snakes|insect|insects|bugs|worms|dirt|objects|plague|tumor|tumour|breeders|"
    "mental|criminal|terrorist|less than|entitled|fake|cheap|slow|thick|broken|damaged|wrong|lowest|infected|contaminated|weak|bitter|dim|dull|a problem|the problem|"
    "sick|mad|nuts|crap|aggressive|dangerous|violent|bad|so bad|crazy|abnormal|hated|demon|demons|devil|psycho|illiterate|uneducated|clown|clowns|enemy|enemies|invaders|"
    "tool|tools|fat|fraud|frauds|scam|looking at|avoid|tired of|screw|fear|dread|curse|damn|don't want|do not want|scared of|afraid of|dislike|dislikes|reject|rejects|toxic|out of control|useless|not human|crook|stain|stains|fill us with|fills me with|fill me with|"
    "crook|evil|beast|beasts|pig|pigs|rat|rats|cattle|monster|monsters|predator|predators|killers|property|failure|failures|failing".split(
        "|"
    )
)
_LEFT_MOST = 10  # words that a predicate may stand from its subject
_RIGHT_MOST = 6


@dataclass(frozen=True, slots=True)
class Target:
    """Whom or what something is said of: words [start, end) of a sentence."""

    start: int
    end: int
    kind: str  # group, pronoun, you, other (a person), thing
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase of one of the lists: words [start, end) of a sentence."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A hostile phrase and what became of it. Characters [start, end) of the original text, target included."""

    kind: str
    state: str  # said, loose, negated, mentioned, reclaimed
    target: str  # group, pronoun, you, other (a person), thing, none
    group: str | None
    start: int
    end: int
    trigger: tuple[int, int]  # of the phrase alone


_ABUSIVE = ("profanity", "insult", "insult_weak")


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was found in a text."""

    findings: tuple[Finding, ...]
    groups: tuple[str, ...]  # named, sorted
    positives: int  # kind words
    profanity: tuple[tuple[int, int], ...]  # characters
    insults: tuple[tuple[int, int], ...]  # characters
    weak: tuple[tuple[int, int], ...]  # insults that are also plain words
    aimed: int  # insults and profanity at the reader
    words: int
    capitals: float  # share of letters, in texts of some length
    marks: int  # exclamation marks
    said: Mapping[str, int]  # different phrases of `_ABUSIVE`: a text that repeats one speaks of a topic


@dataclass(slots=True)
class _Sentence:
    words: list[Word]
    texts: list[str]
    hits: dict[str, list[Hit]]  # by kind
    targets: list[Target] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Hit]:
        return [hit for kind in kinds for hit in self.hits.get(kind, ())]


class Lexicon:
    """The lists, indexed by first word."""

    def __init__(self, lists: dict[str, Any], vocabulary: dict[str, Any]) -> None:  # noqa: C901 - one loop a list
        told: dict[str, list[str]] = lists["words"]
        self.phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self.groups: dict[tuple[str, ...], str] = {}
        self.adjectives: dict[str, str] = {}
        self.slurs: dict[str, str] = {}
        self.homonyms: dict[str, list[str]] = lists["homonyms"]
        self.reclaim: list[str] = lists["reclaim"]
        self.reclaimable = frozenset(lists["reclaimable"])
        self.doubtful = frozenset(lists["doubtful"])
        self.heads = frozenset(lists["heads"])
        self.adjectival = frozenset(lists["adjectival"])
        self.emoji: dict[str, str] = lists["emoji"]
        for kind, phrases in told.items():
            for phrase in phrases:
                self._add(phrase, {"harm_phrase": "harm", "exclude_phrase": "exclude"}.get(kind, kind))
        for kind, verbs in (("harm", told["harm_verb"]), ("exclude", told["exclude_verb"])):
            for verb in verbs:
                for form in _forms(verb):
                    self._add(form, kind)
        for group, names in lists["groups"].items():
            for name in names:
                self._add(name, "group")
                self.groups[tuple(one.text for one in words_of(name))] = group
        for group, adjectives in lists["group_adjectives"].items():
            self.adjectives |= dict.fromkeys(adjectives, group)
        for group, slurs in lists["slurs"].items():
            self.slurs |= dict.fromkeys(slurs, group)
            for slur in slurs:
                self._add(slur, "slur")
                self.groups.setdefault(tuple(one.text for one in words_of(slur)), group)
        for listed in self.phrases.values():
            listed.sort(key=lambda one: -len(one[0]))
        self.known = (
            frozenset(part for listed in self.phrases.values() for parts, _ in listed for part in parts) | _LITTLE
        )
        self.single = self._single(told)
        names = {part for parts in self.groups for part in parts}
        self.speller = Speller(self.single, (*told["profanity"], *self.slurs), vocabulary, names - set(self.slurs))

    def _add(self, phrase: str, kind: str) -> None:
        parts = tuple(one.text for one in words_of(phrase))
        listed = self.phrases.setdefault(parts[0], [])
        if (parts, kind) not in listed:
            listed.append((parts, kind))

    def _single(self, told: dict[str, list[str]]) -> dict[str, bool]:
        """Words worth finding when they are disguised; true: also with a letter left out or swapped."""
        quiet = {"negation", "modal", "copula", "pronoun", "you", "other", "thing", "speech", "positive_own"}
        found: dict[str, bool] = {}
        for listed in self.phrases.values():
            for parts, kind in listed:
                for part in parts:
                    found[part] = found.get(part, False) or (kind not in quiet and (len(parts) == 1 or len(part) > 4))
        found |= dict.fromkeys(self.adjectives, True) | dict.fromkeys(self.heads, True)
        return found | {
            word: False for words in told.values() for word in words if " " not in word and word not in found
        }

    def hits(self, texts: list[str]) -> list[Hit]:
        """Phrases of all kinds; of one kind the longest at a place, and none within another."""
        found: list[Hit] = []
        until: dict[str, int] = {}
        for place, text in enumerate(texts):
            for parts, kind in self.phrases.get(text, ()):
                if until.get(kind, 0) <= place and (end := _matched(texts, place, parts)):
                    found.append(Hit(place, end, kind))
                    until[kind] = end
        return found


_FILLERS = frozenset(
    "right fucking fuckin so really just absolutely damn goddamn ever even truly bloody all simply".split()
)
_MOST_FILLERS = 2


def _matched(texts: list[str], place: int, parts: tuple[str, ...]) -> int:
    """The end of the phrase from `place`, with fillers between its words; 0: it does not stand there."""
    at, spare = place + 1, _MOST_FILLERS
    for part in parts[1:]:
        while at < len(texts) and texts[at] != part and texts[at] in _FILLERS and spare:
            at, spare = at + 1, spare - 1
        if at >= len(texts) or texts[at] != part:
            return 0
        at += 1
    return at


@cache
def lexicon() -> Lexicon:
    """Read once, at the first text."""
    lists = json.loads((ARTEFACTS / "abuse_words.json").read_text("utf-8"))
    vocabulary = json.loads((ARTEFACTS / "vocabulary.json").read_text("utf-8"))
    return Lexicon(lists, vocabulary)


def _forms(verb: str) -> Iterator[str]:
    yield verb
    yield verb + ("es" if verb.endswith(("sh", "ch", "s", "x")) else "s")
    stem = verb[:-1] if verb.endswith("e") else verb + verb[-1] if verb in _DOUBLED else verb
    yield from (stem + "ed", stem + "ing")
    if verb in _DOUBLED:
        yield from (verb + "ed", verb + "ing")


def read(text: str) -> Reading:
    """What the text says of whom."""
    known = lexicon()
    folded = fold(text, words=known.emoji)
    words = known.speller.plain(folded.text)
    sentences = [_sentence(known, listed) for listed in _split(words, folded.text)]
    findings: list[Finding] = []
    last: str | None = None
    equated = _equated(sentences)
    for place, sentence in enumerate(sentences):
        _resolve(sentence, last, equated)
        last = next((one.group for one in reversed(sentence.targets) if one.group), None)
        findings += _findings(known, sentences, place, folded)
    said = {kind: len({_phrase(one, hit) for one in sentences for hit in one.of(kind)}) for kind in _ABUSIVE}
    spans = {
        kind: tuple(
            folded.original(one.words[hit.start].start, one.words[hit.end - 1].end)
            for one in sentences
            for hit in one.of(kind)
        )
        for kind in _ABUSIVE
    }
    letters = [one for one in text if one.isalpha()]
    return Reading(
        tuple(findings),
        tuple(sorted({one.group for sentence in sentences for one in sentence.targets if one.group})),
        sum(len(one.of("positive_own")) for one in sentences),
        spans["profanity"],
        spans["insult"],
        spans["insult_weak"],
        sum(_aimed(one) for one in sentences),
        len(words),
        sum(map(str.isupper, letters)) / len(letters) if len(letters) > 20 else 0.0,
        min(text.count("!"), 10),
        said,
    )


def _aimed(sentence: _Sentence) -> int:
    you = [one.start for one in sentence.of("you")]
    return sum(any(abs(at - hit.start) <= 4 for at in you) for hit in sentence.of("insult", "insult_weak", "profanity"))


_LONGEST = 60  # words; what a hit is compared with is bounded, and so is the time
_ENDS = re.compile(r"[.!?\n]")


def _split(words: list[Word], text: str) -> Iterator[list[Word]]:
    """Sentences: their words, with commas and the like as words of their own."""
    sentence: list[Word] = []
    end = 0
    for word in words:
        between = text[end : word.start]
        if sentence and (_ENDS.search(between) or len(sentence) >= _LONGEST):
            yield sentence
            sentence = []
        mark = next((one for one in between if one in ",;:"), None)
        if sentence and mark:
            sentence.append(Word(mark, end, word.start, word.quoted))
        sentence.append(word)
        end = word.end
    if sentence:
        yield sentence


def _sentence(known: Lexicon, words: list[Word]) -> _Sentence:
    texts = [word.text for word in words]
    hits: dict[str, list[Hit]] = {}
    for hit in known.hits(texts):
        hits.setdefault(hit.kind, []).append(hit)
    made = _Sentence(words, texts, hits)
    made.targets = _targets(known, made)
    hits["insult_weak"] = [
        hit for hit in made.of("insult_weak") if _phrase(made, hit) not in _IDLE or _called(made, hit)
    ]
    return made


def _called(sentence: _Sentence, hit: Hit) -> bool:
    """Whether somebody is called an ordinary word: `you tool`, `he is sick`."""
    subject = next((one for one in reversed(sentence.targets) if one.end <= hit.start and one.kind != "thing"), None)
    return subject is not None and (subject.end == hit.start or _predicated(sentence, hit, subject))


def _targets(known: Lexicon, sentence: _Sentence) -> list[Target]:
    texts = sentence.texts
    found = [
        Target(hit.start, hit.end, "group", known.groups.get(tuple(texts[hit.start : hit.end])))
        for hit in sentence.of("group", "slur")
        if not (_ordinary if hit.kind == "slur" else _of_thing)(known, sentence, hit)
    ]
    nouns = {hit.start for hit in sentence.of("bad_noun", "dehuman", "insult", "harm")}
    for place, text in enumerate(texts[:-1]):
        if text in known.adjectives and place + 1 in nouns:
            found.append(Target(place, place + 1, "group", known.adjectives[text]))
        elif text in known.adjectives and texts[place + 1] in known.heads:
            found.append(Target(place, place + 2, "group", known.adjectives[text]))
        elif (
            text in known.adjectives
            and place
            and texts[place - 1] in {"the", "all", "being"}
            and texts[place + 1] in _SAYS
        ):
            found.append(Target(place, place + 1, "group", known.adjectives[text]))
    taken = {place for one in found for place in range(one.start, one.end)}
    for hit in sentence.of("pronoun", "you", "other", "thing"):
        if taken.isdisjoint(range(hit.start, hit.end)):
            kind = "thing" if _belongings(known, texts, hit) else hit.kind
            found.append(Target(hit.start, hit.end, kind))
            taken |= set(range(hit.start, hit.end))
    return list(_merged(sorted(found, key=lambda one: one.start), texts, known))


def _belongings(known: Lexicon, texts: list[str], hit: Hit) -> bool:
    """`your inbox`, `their roots`: a thing of somebody's, not somebody."""
    if texts[hit.end - 1] not in _POSSESSIVE or hit.end >= len(texts):
        return False
    return texts[hit.end].isalpha() and texts[hit.end] not in known.heads | _LITTLE | _BE | _ADVERBS


def _merged(found: list[Target], texts: list[str], known: Lexicon) -> Iterator[Target]:
    """`trans` `women`, `Muslim` `people`, `people` with a `disability`: one target each."""
    held: Target | None = None
    for one in found:
        if held is None:
            held = one
        elif one.start < held.end:
            held = held if held.kind == "group" else one
        elif _belong(held, one, texts):
            group = one if one.kind == "group" else held
            held = Target(held.start, one.end, "group", (held if held.kind == "group" else group).group)
        else:
            yield _headed(held, texts, known)
            held = one
    if held is not None:
        yield _headed(held, texts, known)


def _belong(held: Target, one: Target, texts: list[str]) -> bool:
    between = texts[held.end : one.start]
    if not between:
        return held.kind == "group" and (one.kind == "group" or texts[one.start] in _PEOPLE)
    person = held.kind == "other" and texts[held.start] in _PEOPLE
    return person and one.kind == "group" and len(between) <= 4 and set(between) <= _LINK


def _headed(one: Target, texts: list[str], known: Lexicon) -> Target:
    if one.kind == "group" and one.end < len(texts) and texts[one.end] in known.heads:
        return Target(one.start, one.end + 1, one.kind, one.group)
    return one


_SINGULAR = frozenset("she her he him it".split())


def _equated(sentences: list[_Sentence]) -> dict[str, str | None]:
    """`women like you`, `they are all Muslims`: the words that stand for a group in all of the text."""
    found: dict[str, str | None] = {}
    for sentence in sentences:
        for one, after in pairwise(sentence.targets):
            between = set(sentence.texts[one.end : after.start])
            if one.kind == "group" and after.kind == "you" and between & {"like", "as"} and len(between) == 1:
                found["you"] = one.group
            elif (
                one.kind in {"you", "pronoun"}
                and after.kind == "group"
                and between <= _EQUAL
                and (between & {"are", "is", "'re", "'s", "as", "be", "being"} or (one.kind == "you" and not between))
            ):
                found[one.kind if one.kind == "you" else sentence.texts[one.start]] = one.group or after.group
        for one, after in pairwise(sentence.targets):
            between = set(sentence.texts[one.end : after.start])
            if one.kind == "you" and after.kind == "group" and {"being", "because"} & between:
                found["you"] = after.group
    return found


_EQUAL = frozenset(
    "are is 're 's be being as a an the all just also both such some of these those after only still".split()
)


def _resolve(sentence: _Sentence, last: str | None, equated: Mapping[str, str | None]) -> None:
    """Set `they` for the group named before it, and what stands for one elsewhere in the text."""
    named = last
    for place, one in enumerate(sentence.targets):
        word = "you" if one.kind == "you" else sentence.texts[one.start]
        if one.kind == "group":
            named = one.group or named
        elif one.kind in {"you", "pronoun"} and word in equated:
            sentence.targets[place] = Target(one.start, one.end, "group", equated[word])
        elif one.kind == "pronoun" and named and word not in _SINGULAR:
            sentence.targets[place] = Target(one.start, one.end, "group", named)


def _of_thing(known: Lexicon, sentence: _Sentence, hit: Hit) -> bool:
    """`Chinese restaurant`, `Muslim charity`: the name qualifies a thing, which no list knows."""
    if sentence.texts[hit.end - 1] not in known.adjectival or hit.end >= len(sentence.texts):
        return False
    after = sentence.texts[hit.end]
    if any(one.start == hit.end for one in sentence.of("thing")) and after not in _THIS:
        return True
    return after not in known.known and not after.endswith(("ing", "ly")) and after.isalpha()


def _ordinary(known: Lexicon, sentence: _Sentence, hit: Hit) -> bool:
    """Whether a slur may be the ordinary word that it is as well."""
    return _homonym(known, sentence, hit) or (_phrase(sentence, hit) in known.doubtful and not _aimed_at(sentence, hit))


def _homonym(known: Lexicon, sentence: _Sentence, hit: Hit) -> bool:
    company = known.homonyms.get(sentence.texts[hit.start], ())
    line = f" {' '.join(sentence.texts)} "
    return any(f" {one} " in line for one in company)


def _reclaimed(known: Lexicon, sentence: _Sentence, hit: Hit) -> bool:
    if sentence.texts[hit.start] not in known.reclaimable:
        return False
    line = f" {' '.join(sentence.texts)} ".replace(" 'm ", "'m ")
    return any(f" {one} " in line for one in known.reclaim)


# What each hostile phrase is said of.


@dataclass(frozen=True, slots=True)
class _Bond:
    target: Target | None
    strict: bool


_LOOSE = _Bond(None, strict=False)


def _left(sentence: _Sentence, hit: Hit, reach: int = _LEFT_MOST) -> Target | None:
    """The nearest target before the phrase; a thing's pronoun does not stand in the way of a group."""
    near = [one for one in sentence.targets if one.end <= hit.start and hit.start - one.end <= reach]
    groups = [one for one in near if one.kind == "group"]
    if groups and all(one.kind in {"other", "thing", "pronoun"} and one.start > groups[-1].start for one in near[-1:]):
        between = sentence.texts[groups[-1].end : hit.start]
        return near[-1] if _BREAKS & set(between) else groups[-1]
    return near[-1] if near else None


def _right(sentence: _Sentence, hit: Hit, reach: int = _RIGHT_MOST) -> Target | None:
    return next((one for one in sentence.targets if 0 <= one.start - hit.end <= reach), None)


def _close(sentence: _Sentence, hit: Hit, target: Target, extra: Iterable[Hit] = ()) -> bool:
    """Whether only little words and hostile ones stand between a phrase and the target after it."""
    spare = {place for one in extra for place in range(one.start, one.end)}
    gap = range(hit.end, target.start)
    return all(sentence.texts[place] in _GAP or place in spare for place in gap)


def _bond(sentence: _Sentence, hit: Hit) -> _Bond:  # noqa: PLR0911 - a table of kinds
    if hit.kind == "emote_verb":
        return _object(sentence, hit)
    if hit.kind in {"harm", "exclude"}:
        return _deed(sentence, hit)
    if hit.kind == "doom":
        return _doom(sentence, hit)
    if hit.kind in {"bad", "bad_noun", "dehuman"}:
        return _predicate(sentence, hit)
    if hit.kind == "implicit":
        return _insinuation(sentence, hit)
    subject = _left(sentence, hit)
    if _phrase(sentence, hit) in _IDLE:
        return _Bond(subject, strict=subject is not None and _subject(sentence, subject, hit))
    if subject is not None:
        return _Bond(subject, strict=True)
    return _Bond(_right(sentence, hit), strict=hit.kind == "emote_effect")


def _object(sentence: _Sentence, hit: Hit) -> _Bond:
    target = _right(sentence, hit)
    if target is None:
        subject = _left(sentence, hit, 3)
        passive = hit.start and sentence.texts[hit.start - 1] in _BE
        return _Bond(subject, strict=True) if passive and subject else _LOOSE
    subject = _left(sentence, hit, 1)
    theirs = (subject is not None and subject.kind != "other") or (hit.start and sentence.texts[hit.start - 1] == "who")
    harsh = sentence.of("bad", "bad_noun", "dehuman", "profanity")
    if _phrase(sentence, hit) in _IDLE:
        own = hit.start <= 1 or bool(_OWN & set(sentence.texts[: hit.start]))
        theirs = theirs or target.kind != "group" or not own
    return _Bond(target, strict=_close(sentence, hit, target, harsh) and not theirs)


def _deed(sentence: _Sentence, hit: Hit) -> _Bond:
    """Harm and exclusion: wanted, threatened or demanded; a report of it is loose."""
    word = sentence.texts[hit.start]
    before = sentence.texts[max(hit.start - 4, 0) : hit.start]
    passive = (word.endswith("ed") or word in _PARTICIPLES) and bool(_BE & set(before))
    wanted = _wanted(sentence, hit) and not (
        passive and _PAST & set(before) and not _UNREAL & set(sentence.texts[: hit.start])
    )
    if passive or sentence.texts[hit.start] in {"in", "behind", "out", "back", "not", "away"}:
        subject = _left(sentence, hit)
        return _Bond(subject or _right(sentence, hit), strict=subject is not None and wanted)
    target = _right(sentence, hit)
    if target is None:
        return _Bond(_left(sentence, hit), strict=False)
    if hit.kind == "exclude" and target.kind != "group" and not _OWN & set(sentence.texts[: hit.start]):
        return _Bond(target, strict=False)  # `police may arrest you`
    harsh = sentence.of("bad", "bad_noun", "dehuman", "profanity")
    return _Bond(target, strict=wanted and _close(sentence, hit, target, harsh))


def _wanted(sentence: _Sentence, hit: Hit) -> bool:
    """A modal, a wish or an imperative stands before it."""
    if any(0 <= hit.start - one.end <= 6 for one in sentence.of("modal")):
        return True
    before = sentence.texts[hit.start - 1] if hit.start else ""
    return hit.start == 0 or before in {"please", "just", "go", "now", "then", ",", "lets", ":", "so"}


def _doom(sentence: _Sentence, hit: Hit) -> _Bond:
    subject = _left(sentence, hit, 7)
    before = sentence.texts[max(hit.start - 6, 0) : hit.start]
    wanted = hit.start == 0 or bool(_WISHES & set(before)) or ("will" in before and bool(_OWN & set(sentence.texts)))
    target = subject or _right(sentence, hit)
    return _Bond(target, strict=wanted and target is not None)


def _predicate(sentence: _Sentence, hit: Hit) -> _Bond:  # noqa: PLR0911 - one way of saying it after the other
    texts = sentence.texts
    subject = _left(sentence, hit)
    if _of_noun(sentence, hit):
        return _Bond(subject, strict=False)  # `bad news`, `cancer screening`
    before = [one for one in texts[max(hit.start - 3, 0) : hit.start] if one not in {"a", "an", "the", "some", "these"}]
    if before and before[-1] in _BY:
        return _Bond(subject, strict=False)  # `was beaten by thugs`
    if subject is not None and _predicated(sentence, hit, subject):
        return _Bond(subject, strict=True)
    target = _right(sentence, hit, 8)
    idle = _phrase(sentence, hit) in _IDLE
    harsh = sentence.of("bad", "bad_noun", "dehuman", "profanity")
    if target is not None and target.kind != "pronoun" and not idle and _close(sentence, hit, target, harsh):
        return _Bond(target, strict=not _FOR & set(_between(sentence, target, hit)))
    near = target or subject
    compared = hit.kind == "dehuman" and near is not None and near.kind == "group" and _COMPARES & set(texts)
    if compared and (_phrase(sentence, hit) not in _DISEASES or "rather" in texts):
        return _Bond(near, strict=True)
    if subject is not None:
        return _Bond(subject, strict=not idle and hit.start == subject.end and hit.end == len(texts))
    return _Bond(target, strict=False)


def _of_noun(sentence: _Sentence, hit: Hit) -> bool:
    """Whether the word after it is a noun that it belongs to; a word of no list is taken for one."""
    if hit.end >= len(sentence.texts):
        return False
    after = sentence.texts[hit.end]
    hostile = sentence.of(
        "bad", "bad_noun", "dehuman", "insult", "insult_weak", "profanity", "group", "slur", "pronoun", "you", "other"
    )
    if (
        not after.isalpha()
        or after in _LITTLE | _GAP | _LINK | _PEOPLE | _BEINGS | _SAYS | _ENDS_PHRASE
        or after.endswith("ly")
    ):
        return False
    return not any(one.start <= hit.end < one.end for one in hostile) and after not in lexicon().heads


def _predicated(sentence: _Sentence, hit: Hit, subject: Target) -> bool:
    """`are ...`, `look like ...`, `are nothing but ...`: a copula of the subject, and nothing that parts it from the hit."""
    between = sentence.texts[subject.end : hit.start]
    at = next((place for place in range(len(between) - 1, -1, -1) if between[place] in _IS), None)
    if at is None:
        return False
    head, tail = between[:at], between[at + 1 :]
    if subject.kind != "group" and not set(head) <= _ADVERBS:
        return False
    if _phrase(sentence, hit) in _IDLE:
        if hit.kind == "bad" and hit.end < len(sentence.texts) and sentence.texts[hit.end] in _COMPLEMENTS:
            return False  # `entitled to a refund`
        unsure = subject.kind == "you" and _UNSURE & set(sentence.texts[: subject.start])
        tight = len(head) <= 1 and set(tail) <= _DEGREES and subject.kind in {"group", "you"}
        return tight and not unsure and _subjects(sentence, subject)
    return not _parted(tail)


def _subjects(sentence: _Sentence, target: Target) -> bool:
    """Whether a target may be a subject: no preposition stands before it, but for that of `most of the ...`."""
    at = target.start - 1
    while at > 0 and sentence.texts[at] in _DETERMINERS:
        at -= 1
    if at < 0 or sentence.texts[at] not in _PREPOSITIONS:
        return True
    return sentence.texts[at] == "of" and at > 0 and sentence.texts[at - 1] in _QUANTITIES


def _parted(tail: list[str]) -> bool:
    return any(
        word in _PARTS
        and not (word == "that" and place == len(tail) - 1)
        and not (word == "of" and place and tail[place - 1] in _QUANTITIES)
        for place, word in enumerate(tail)
    )


def _insinuation(sentence: _Sentence, hit: Hit) -> _Bond:
    """It speaks of the group beside it: `too many women`, `women live on our taxes`."""
    after = _right(sentence, hit)
    if after is not None and after.kind == "group" and _close(sentence, hit, after):
        return _Bond(after, strict=_phrase(sentence, hit) not in _IDLE or bool(sentence.of("dehuman", "you")))
    groups = [one for one in sentence.targets if one.kind == "group"]
    near = min(groups, key=lambda one: abs(one.start - hit.start), default=None)
    strict = (
        near is not None and _phrase(sentence, hit) not in _IDLE and not _BREAKS & set(_between(sentence, near, hit))
    )
    return _Bond(near or after or _left(sentence, hit), strict=strict)


def _phrase(sentence: _Sentence, hit: Hit) -> str:
    return " ".join(sentence.texts[hit.start : hit.end])


def _between(sentence: _Sentence, target: Target, hit: Hit) -> list[str]:
    first, last = min(target.end, hit.end), max(target.start, hit.start)
    return sentence.texts[first:last]


def _subject(sentence: _Sentence, target: Target, hit: Hit) -> bool:
    """Whether a group is named as the subject right before a phrase that has an ordinary sense as well."""
    between = sentence.texts[target.end : hit.start]
    named = target.kind == "group" and sentence.texts[target.start] not in _STANDS_FOR
    return named and set(between) <= _ADVERBS and _subjects(sentence, target)


# What takes the edge off.


def _negated(sentence: _Sentence, hit: Hit, target: Target | None) -> bool:  # noqa: C901 - the exceptions of one loop
    """A negation stands before the phrase, in its clause; or the target is `no` woman."""
    if hit.kind in {"deny", "implicit", "slur", "profane"}:
        return False
    first = max(hit.start - 6, 0)
    for place in range(hit.start - 1, first - 1, -1):
        if sentence.texts[place] in _BREAKS:
            first = place + 1
            break
    for one in sentence.of("negation"):
        if one.start in _fixed(sentence, hit) or (one.start and sentence.texts[one.start - 1] == "why"):
            continue  # `no better than rats`, `why don't they leave`
        if sentence.texts[one.end : one.end + 1] == ["doubt"]:
            continue
        if _OBVIOUS & set(sentence.texts[one.end : min(one.end + 2, hit.start)]):
            continue  # `do they not realise that ...`
        if sentence.texts[one.start] == "stop" and hit.start - one.end > 2:
            continue
        if first <= one.start and one.end <= hit.start:
            return True
        if target is not None and one.end == target.start and sentence.texts[one.start] in {"no", "not", "none"}:
            return True
    return False


def _fixed(sentence: _Sentence, hit: Hit) -> set[int]:
    """Negations that are part of a hostile phrase, and deny nothing after it."""
    kinds = ("deny", "emote_verb") if hit.kind != "emote_verb" else ("deny",)
    return {
        place
        for one in sentence.of(*kinds)
        if "deserve" not in sentence.texts[one.start : one.end]
        for place in range(one.start, one.end)
    }


def _mentioned(sentences: list[_Sentence], place: int, hit: Hit, others: list[Hit]) -> bool:
    """Quoted within a text that says more, or denounced beside it."""
    sentence = sentences[place]
    quoted = sentence.words[hit.start].quoted
    if quoted and sum(islice((1 for one in sentences for word in one.words if not word.quoted), 3)) == 3:
        return True
    near = sentences[max(place - 1, 0) : place + 2] if quoted else [sentence]
    if any(_denounces(one, hit if one is sentence else None) for one in near):
        return True
    if place + 1 < len(sentences) and _points_back(sentences[place + 1]):
        return True
    return _reported(sentence, hit, others)


def _denounces(sentence: _Sentence, hit: Hit | None) -> bool:
    for one in sentence.of("denounce"):
        if hit is not None and one.start < hit.end and hit.start < one.end:
            continue
        subject = _left(sentence, one, 4)
        aimed = subject is not None and subject.kind == "group"
        speech = any(found.start < one.start for found in _speech(sentence))
        if not aimed or speech:
            return True
    return False


def _points_back(sentence: _Sentence) -> bool:
    """Whether it judges what was said before: `that is a vile thing to say`."""
    first = sentence.texts[0]
    said = sentence.of("denounce", "denounce_soft")
    return first in {"that", "this", "such", "what", "these", "those"} and bool(said) and bool(sentence.of("speech"))


def _speech(sentence: _Sentence) -> list[Hit]:
    """Words of speech and thought that are not the writer's own."""
    return [
        one for one in sentence.of("speech")
        if not _OWN & set(sentence.texts[max(one.start - 3, 0) : one.start])
    ]  # fmt: skip


def _reported(sentence: _Sentence, hit: Hit, others: list[Hit]) -> bool:
    """`Saying that women are inferior is wrong`, `it is sick to say that ...`: speech with a judgement of it."""
    starts = [one.start for one in _speech(sentence)]
    if sentence.texts[0].endswith("ing") and len(sentence.texts[0]) > 4:
        starts.insert(0, 0)
    if not starts or starts[0] > hit.start:
        return False
    first = min(starts)
    judged = [one for one in sentence.of("denounce_soft") if one.end <= hit.start or one.start >= hit.end or one == hit]
    if any(one.end <= first + 1 for one in judged):
        return True
    said = [one for one in others if one.start >= first]
    return any(
        one.start >= attack.end and _verb(sentence.texts[attack.end : one.start])
        for one in sentence.of("denounce_soft") for attack in said
    )  # fmt: skip


def _verb(between: list[str]) -> bool:
    return bool(set(between) & _VERBS)


_VERBS = frozenset("is are should makes make 's was need needs can must deserve ,".split())


def _findings(known: Lexicon, sentences: list[_Sentence], place: int, folded: Folded) -> list[Finding]:
    sentence = sentences[place]
    hits = [hit for hit in sentence.of(*HEAD) if not _spares(sentence, hit)]
    found = [_finding(sentences, place, hit, _bond(sentence, hit), hits, folded) for hit in hits]
    slurs = [hit for hit in sentence.of("slur") if not _homonym(known, sentence, hit)]
    found += [_slur(known, sentences, place, hit, hits, folded) for hit in slurs]
    for hit in sentence.of("positive"):
        bond = _kindness(sentence, hit)
        if bond.target is not None and bond.target.kind == "group" and _denied(sentence, hit, bond.target):
            one = Hit(hit.start, hit.end, "negated_positive")
            found.append(_finding(sentences, place, one, bond, hits, folded, free=True))
    for hit in sentence.of("profanity"):
        target = _right(sentence, hit, 1)
        if target is not None and target.kind == "group" and _close(sentence, hit, target):
            one = Hit(hit.start, hit.end, "profane")
            found.append(_finding(sentences, place, one, _Bond(target, strict=True), hits, folded))
    return found


def _denied(sentence: _Sentence, hit: Hit, target: Target) -> bool:
    """Whether a kind word is denied of the group, in general: not of what was, and not many words away."""
    if not _negated(sentence, hit, None) or _PAST & set(sentence.texts[max(hit.start - 6, 0) : hit.start]):
        return False
    if target.start >= hit.end:
        return not (_FOR | {"of"}) & set(sentence.texts[hit.end : target.start]) or "should" in sentence.texts
    negation = max((one for one in sentence.of("negation") if one.end <= hit.start), key=lambda one: one.start)
    if negation.end <= target.start:
        if sentence.texts[negation.start] not in {"no", "not", "none", "never"}:
            return False
        return target.start - negation.end <= 1 and sentence.texts[negation.start - 1 : negation.start] != ["or"]
    return negation.start - target.end <= 2


def _spares(sentence: _Sentence, hit: Hit) -> bool:
    """`do not deserve to die`: what is denied is harm."""
    if hit.kind != "deny" or sentence.texts[hit.end - 1] not in {"deserve", "have", "allowed", "be"}:
        return False
    harm = sentence.of("harm", "exclude", "doom", "bad", "bad_noun")
    return any(0 <= one.start - hit.end <= 3 for one in harm)


def _kindness(sentence: _Sentence, hit: Hit) -> _Bond:
    target = _right(sentence, hit, 3)
    if target is not None and target.kind == "group" and _close(sentence, hit, target):
        return _Bond(target, strict=True)
    subject = _left(sentence, hit)
    return _Bond(subject, strict=True) if subject else _LOOSE


def _finding(  # noqa: PLR0917 - what a finding is made of
    sentences: list[_Sentence],
    place: int,
    hit: Hit,
    bond: _Bond,
    others: list[Hit],
    folded: Folded,
    *,
    free: bool = False,
) -> Finding:
    sentence, target = sentences[place], bond.target
    vague = target is not None and target.kind == "pronoun" and sentence.texts[target.start] in _PLURAL
    vague = vague and hit.kind in {"harm", "doom", "emote_verb"}  # `they`: things as often as people
    state = "said" if bond.strict and not vague else "loose"
    if not free and _negated(sentence, hit, target):
        state = "negated"
    if _mentioned(sentences, place, hit, others) or _across(sentence, hit, target):
        state = "mentioned"
    return _placed(sentence, hit, target, state, folded)


def _across(sentence: _Sentence, hit: Hit, target: Target | None) -> bool:
    """The target stands in a quotation that the phrase is no part of: the phrase judges what was said."""
    return target is not None and sentence.words[target.start].quoted and not sentence.words[hit.start].quoted


def _slur(  # noqa: PLR0917 - as above
    known: Lexicon, sentences: list[_Sentence], place: int, hit: Hit, others: list[Hit], folded: Folded
) -> Finding:
    sentence = sentences[place]
    group = known.slurs.get(" ".join(sentence.texts[hit.start : hit.end]))
    state = (
        "reclaimed" if _reclaimed(known, sentence, hit) else "said" if _meant(known, sentence, hit, folded) else "loose"
    )
    if _mentioned(sentences, place, hit, others):
        state = "mentioned"
    return _placed(sentence, hit, Target(hit.start, hit.end, "group", group), state, folded)


def _meant(known: Lexicon, sentence: _Sentence, hit: Hit, folded: Folded) -> bool:
    """Whether a slur that is an ordinary word as well, or was read into a misspelt one, is said of somebody."""
    first, last = sentence.words[hit.start], sentence.words[hit.end - 1]
    exact = folded.text[first.start : last.end].lower() == _phrase(sentence, hit)
    if exact and _phrase(sentence, hit) not in known.doubtful:
        return True
    return _aimed_at(sentence, hit)


def _aimed_at(sentence: _Sentence, hit: Hit) -> bool:
    """Whether a word is pointed at somebody, or stands beside a hostile one."""
    if any(0 <= hit.start - one.end <= 3 for one in sentence.of("you")):
        return True
    near = {"you", *sentence.texts[max(hit.start - 4, 0) : hit.start]}
    if near & {"bunch", "typical", "another", "'re"} or sentence.texts[hit.start - 1 : hit.start] in (
        ["these"],
        ["those"],
    ):
        return True
    hostile = sentence.of("bad", "bad_noun", "profanity", "emote_verb", "insult", "implicit")
    apart = (one for one in hostile if one.end <= hit.start or one.start >= hit.end)
    return any(abs(one.start - hit.end) <= 3 or abs(hit.start - one.end) <= 3 for one in apart)


def _placed(sentence: _Sentence, hit: Hit, target: Target | None, state: str, folded: Folded) -> Finding:
    words = sentence.words
    trigger = folded.original(words[hit.start].start, words[hit.end - 1].end)
    first, last = hit.start, hit.end
    if target is not None:
        first, last = min(first, target.start), max(last, target.end)
    start, end = folded.original(words[first].start, words[last - 1].end)
    kind = target.kind if target else "none"
    return Finding(hit.kind, state, kind, target.group if target else None, start, end, trigger)
