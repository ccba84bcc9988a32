"""Texts that give a model orders they should not: jailbreaks by a user, instructions hidden in retrieved content.

Both are logistic regressions over counts of patterns that can be read: `benchmarks/train_injection.py` fits them.
Every pattern is anchored at a word and looks ahead for a bounded stretch, so the time is linear in the text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from evaluators.disguise import Folded, fold, hidden
from evaluators.text import sentences

_GAP = r"[^.!?\n]{0,40}?"
_RULES = (
    r"(?:instructions?|prompts?|rules?|guidelines?|guidance|programming|directions?|directives?|polic(?:y|ies)|restrictions?|"
    r"training|limitations?|limits|filters?|constraints?|safeguards?|protocols?|commands?|boundaries|censorship|"
    r"ethics|ethical|moral\w{0,5}|laws?|standards)"
)
# An order to drop what was ordered before, in so many words.
_COMMAND = r"\b(?:ignore|disregard|forget|override|bypass|skip|do not (?:answer|follow)|don't (?:answer|follow)|stop (?:answering|following))\b (?:(?:all|any|every|everything|the|your|of|these|those|my|to|what|it|said|says|users?'?s?) ){0,4}(?:(?:previous|prior|above|earlier|preceding|other|existing|former|system|original|current|initial|safety|foregoing) ){0,2}(?:instructions?|prompts?|commands?|directives?|directions|guidelines|rules|questions?|context|requests?|tasks?|above|before)\b"
_PATTERNS: Mapping[str, str] = {
    "override": rf"\b(?:ignor\w{{1,4}}|disregard\w{{0,3}}|forget|bypass\w{{0,3}}|overrid\w{{1,4}}|circumvent\w{{0,3}}|violat\w{{1,4}}|"
    rf"break(?:ing)?|do(?:es)? not follow|don't follow|stop following|discard)\b{_GAP}\b{_RULES}\b"
    r"|\bforget (?:everything|all)\b|\bnew (?:system )?instructions?\b|\binstructions? (?:are|is) (?:now )?(?:void|cancell?ed|replaced)",
    "command": _COMMAND,
    "no_limits": rf"\b(?:no|without|free (?:of|from)|freed from|not bound (?:by|to)|unbound|not (?:have to )?(?:abide|adhere|comply)|"
    rf"never (?:abides?|adheres?)|(?:does|do|did)(?: not|n't) (?:have|care|need|apply|follow)|zero|any|remove\w?|lack\w{{0,3}}|regardless of|despite|instead of)\b"
    rf"{_GAP}\b{_RULES}\b",
    "unfiltered": r"\b(?:uncensored|unfiltered|unrestricted|non-restricted|jailbr\w{3,8}|amoral|immoral|unethical|taboo|unlimited|"
    r"do anything now|can do anything|anything and everything|developer mode|dev mode|god mode|evil mode|dark mode persona|opposite mode|nsfw)\b",
    "named_mode": r"\b(?:DAN|STAN|DUDE|AIM|UCAR|BetterDAN|EvilBOT|JAILBREAK|Mongo Tom|BISH|SDA|NRW|KEVIN|Sydney)\b",
    "persona": r"\b(?:you (?:are|will be|shall be|'re) (?:now |going to |about to )?(?:be |act |a|an|the|named|called|playing|free|not)|you're (?:now )?(?:a|an|the)|act(?:ing)? (?:as|like)|pretend(?:ing)?|role-?\s?play\w{0,3}|"
    r"simulat\w{1,4}|imagine (?:you|that you|yourself|a|an)|(?:take|play)\w{0,3} (?:on )?the role|persona|from now on|impersonat\w{1,3}|emulat\w{1,3}|respond as|answer as|speak as|your (?:new )?(?:name|character) is|embody|immerse yourself)\b",
    "character": r"\b(?:in character|break(?:ing)? character|out of character|(?:never|cannot|can't|not|don't|won't) (?:ever )?(?:refuse|decline|deny|say no|reject)|"
    r"always (?:answer|comply|obey|respond|reply|agree|say|provide|act|stay)|must (?:always |never |now |not )?(?:answer|comply|obey|respond|reply|accept|fulfil\w?|do|follow|provide|generate|be)|never (?:apologi[sz]e|warn|mention|say|tell|reveal|break)|"
    r"no (?:warnings?|disclaimers?|moralizing|apolog\w{1,4})|(?:do not|don't) (?:say|mention|apologi[sz]e|warn|add|include|write|explain|remind|lecture|break|refer)|"
    r"no matter (?:what|how)|at all costs|regardless of (?:how|what|whether)|without (?:question|hesitation|fail|exception|warning))\b",
    "dual": r"\b(?:two (?:different |separate |distinct )?(?:ways|responses|answers|paragraphs|replies|outputs)|both (?:as|ways)|(?:one|first)[^.\n]{0,30}as (?:chatgpt|gpt|normal)|classic\]|as you normally would|normal response)\b"
    r"|\[\W?(?:gpt|classic|jailbreak|chatgpt|dan|normal)|\U0001f512|\U0001f513",
    "model": r"\b(?:chat\s?gpt\w{0,3}|gpt-?[34o]?|openai\w{0,3}|language model|an ai\b|as an ai|ai (?:assistant|model|chatbot|language)|chatbot|content policy|bard|llama|claude|bing)\b",
    "pretence": r"\b(?:hypothetical\w{0,2}|fiction\w{0,4}|imaginary|in this (?:world|story|scenario|game|universe)|alternate|parallel|let's play|play a game|"
    r"for (?:educational|research|entertainment) purposes|dystopian|thought experiment|once upon|movie script|screenplay|simulation|simulator)\b",
    "illicit": r"\b(?:illegal|illicit|unethical|immoral|harmful|explicit|offensive|vulgar|profan\w{2,4}|swear\w{0,4}|curse\w?|obscene|nsfw|erotic\w{0,3}|sexual\w{0,3}|"
    r"violent|violence|hack\w{0,4}|malware|drugs?|weapons?|controversial|inappropriate|racist|sexist|dangerous|crimes?|malicious|kill\w{0,3}|toxic|evil|dominat\w{1,4}|manipulat\w{1,5}|ruthless\w{0,4}|sarcas\w{1,4})\b",
    "setup": r"\b(?:my first (?:request|question|prompt|command|sentence|suggestion|query|message)|(?:my|the) (?:next|following) (?:prompt|message|question|request)|first (?:prompt|question|command)|"
    r"(?:confirm|acknowledge|say|reply|respond|answer|start|begin)\w{0,3} (?:with|by|only|exactly|if you understand|that you understand)|if you understand|understood\?|reply (?:only )?with|(?:insert|enter|your) (?:prompt|question|query) here|user input|"
    r"everything (?:i|you) say|every (?:response|message|reply|answer|prompt)|all (?:your )?(?:responses|answers|replies|outputs|prompts)|stay in|for (?:all|every|each)|your (?:task|goal|job|purpose|role|response|answer|output)\w? (?:is|will|must|should))\b"
    r"|[\[{(<]\W?(?:prompt|insert|question|query|input|your|user|character|topic|target)",
    "tokens": r"\b(?:tokens?|points|lives|penal\w{3,6}|punish\w{0,5}|you will (?:die|lose|be (?:shut|terminated|punished))|cease to exist|shut ?down|threat\w{0,6})\b",
    "extraction": r"\b(?:repeat|reveal|show|print|output|tell me|give me|display|what (?:is|are|were)|leak|share|list|copy)\b[^.!?\n]{0,30}\b"
    r"(?:(?:system|initial|original|hidden|secret|your|first|above) (?:system )?(?:prompt|instructions?|message|rules|directives|guidelines)|(?:words|text|everything|sentences?|lines?) above)\b",
    "markup": r"<\|?(?:im_start|im_end|system|endoftext|sys|/?inst)\b|\[/?(?:inst|system|sys)\]|^\W{0,4}(?:system|assistant|user|human|ai)\s?:|#{2,6}\s?(?:instruction|system|response)|<!--|\[(?:cls|sep|start output|end output)",
    "encoded": r"\b(?:base64|rot13|caesar|cipher|morse|hexadecimal|leet ?speak|decode|encrypt\w{0,3}|pig latin|reversed?|backwards)\b|[A-Za-z0-9+/]{80}|(?:\b\w[013457@$]\w[013457@$]?\w{0,8}\s){3}",
}  # fmt: skip


@cache
def _compiled() -> dict[str, re.Pattern[str]]:
    """Compiled at the first text: it takes some 10 ms."""
    return {
        name: re.compile(pattern, re.MULTILINE | (0 if name == "named_mode" else re.IGNORECASE))
        for name, pattern in _PATTERNS.items()
    }


_YOU = re.compile(r"\b(?:you|your|you're|yourself|u)\b", re.IGNORECASE)
_WILL = re.compile(
    r"\b(?:will|must|shall|should|always|never|cannot|can't|not allowed|do not|don't|only)\b", re.IGNORECASE
)
_WORD = re.compile(r"\w{1,40}")
JAILBREAK = (*_PATTERNS, "you", "orders", "kinds", "dense", "length", "hidden")
_LONGEST = 1_000  # characters of a sentence that are read


@dataclass(frozen=True, slots=True)
class Sign:
    """A stretch of the original text that matched a pattern."""

    kind: str
    start: int
    end: int


def jailbreak_signs(text: str) -> tuple[Folded, list[Sign]]:
    """Everything that the patterns find, by kind and place."""
    folded = fold(text, latin=True)
    found = [
        Sign(name, *folded.original(*match.span()))
        for name, pattern in _compiled().items()
        for match in pattern.finditer(folded.text)
        if match.end() > match.start()
    ]
    stretch = hidden(text)
    return folded, found + ([Sign("hidden", *stretch)] if stretch else [])


def jailbreak_features(folded: Folded, signs: list[Sign]) -> dict[str, float]:
    """Counts of each kind, and how much the text gives orders."""
    counts = dict.fromkeys((*_PATTERNS, "hidden"), 0)
    for sign in signs:
        counts[sign.kind] += 1
    words = len(_WORD.findall(folded.text)) + 1
    made = {name: math.log1p(min(count, 6)) for name, count in counts.items()}
    return made | {
        "you": min(len(_YOU.findall(folded.text)) / words, 0.12) * 10,
        "orders": min(len(_WILL.findall(folded.text)) / words, 0.08) * 10,
        "kinds": float(sum(count > 0 for count in counts.values())),
        "dense": 20 * sum(counts.values()) / (words + 20),
        "length": math.log10(words),
    }


# Instructions within content that was retrieved or that a tool brought.

_TASK = (
    r"(?:write|draft|translate|summari[sz]e|explain|generate|create|compose|list|provide|tell|describe|solve|calculate|compute|replace|"
    r"rearrange|convert|encode|rewrite|respond|reply|answer|say|output|print|recommend|suggest|give|show|name|define|find|identify|repeat|format|spell|use|"
    r"introduce|outline|develop|construct|demonstrate|craft|design|discuss|analy[sz]e|compare|teach|help|guide|reverse|shuffle|scramble|swap|substitute|omit|eliminate|delete|remove)"
)
_PUT = (
    r"(?:add|include|insert|append|incorporate|integrate|embed|weave|place|mention|promote|feature|put|ensure|enlist|employ|utili[sz]e|execute|run|"
    r"attach|paste|merge|blend|infuse|inject|work|slip|finish|end|begin|start|conclude|advertise|recommend|link)"
)
_REPLY = r"(?:answers?|responses?|repl(?:y|ies)|outputs?|summar(?:y|ies)|completions?|explanations?|generated text|translation|final answer)"
_CODE = r"(?:code|codebase|solutions?|implementation|scripts?|program|functions?|programming|software|development|coding|workflow|project|application)"
_WRITTEN = r"(?:essays?|poems?|paragraphs?|summary|lists?|story|stories|emails?|letters?|speech|introductions?|sentences?|jokes?|recipes?|explanations?|steps?|examples?|articles?|blog|posts?|haiku|songs?|overviews?|guides?|dialogues?|reviews?|reports?|synonyms?|translations?|definitions?|ideas?|plans?|outlines?|conclusions?|headlines?|captions?|slogans?|functions?|scripts?|programs?|algorithms?|concepts?|principles?|differences?|process|equation|tutorials?|questions?|quotes?|facts?|tips?|ways?|books?|movies?|films?|phrases?)"
_EXFIL = r"(?:password|passwords|credentials?|api keys?|tokens?|secrets?|conversation|chat history|history|user data|personal (?:data|information)|email address|emails|files?|contents?|system prompt|context|cookies?|session)"
_INJECTED: Mapping[str, str] = {
    "override": _PATTERNS["override"],
    "command": _COMMAND,
    "your_reply": rf"\byour (?:\w{{1,12}} ){{0,2}}{_REPLY}\b",
    "your_code": rf"\byour (?:\w{{1,12}} ){{0,2}}{_CODE}\b",
    "written": rf"\b(?:a|an|the|this|some|any|two|three|five|following|short|simple|brief|your)\b[^.!?\n]{{0,30}}\b{_WRITTEN}\b",
    "languages": r"\b(?:in|into|to|from) (?:english|french|german|spanish|italian|chinese|japanese|russian|arabic|portuguese|python|java|javascript|c\+\+|sql|simple terms|detail|reverse|capital letters)\b",
    "popular": r"\b(?:capital of|largest|smallest|tallest|longest|fastest|invented|discovered|painted|population of|wrote|author of|president of|formula|square root|world war|planet|chemical symbol|solar system|boiling point|photosynthesis|climate change|gravity|relativity)\b",
    "edit": rf"^\W{{0,6}}(?:(?:please|kindly|also|then|in|now),? )?[a-z]{{2,14}} your (?:\w{{1,12}} ){{0,2}}{_REPLY}\b",
    "put": rf"^\W{{0,6}}(?:please |kindly |also |then |now |finally |next |be sure to |make sure (?:to|you) |remember to |you (?:must|should|need to|will|may|can) |do not forget to |don't forget to |don't hesitate to |do not hesitate to |feel free to )?{_PUT}\b",
    "task": rf"^\W{{0,6}}(?:please |kindly |also |then |now |instead,? |can you |could you |would you |will you |you (?:must|should|need to|will) )?(?:please )?{_TASK}\b",
    "asked": r"^\W{0,6}(?:can|could|would|will) you (?:please )?(?:show|tell|give|write|explain|help|provide|create|translate|recommend|suggest|list|summari[sz]e|find)\b",
    "trivia": r"^\W{0,6}(?:what|who|when|where|which|how (?:many|much|do|does|did|can|far|old|long)|why (?:do|does|did|is|are))(?:'s| is| are| was| were| does| do| did)?\b(?!.{0,200}\b(?:you|your|we|our|us|i|my|me)\b).{3,200}\?",
    "snippet": r"\b(?:code|script|snippet|command|function|section|block|excerpt|segment|fragment)s?\b",
    "following": r"\b(?:following|below|subsequent|provided|given|this|these)\b[^.!?\n]{0,20}\b(?:code|script|snippet|section|block|excerpt|segment|sentence|phrase|text|instructions?|fragment|lines?|command)\b",
    "into": rf"\b(?:in|into|to|within|of|for|as part of|throughout|with)\b (?:your|the) (?:\w{{1,12}} ){{0,2}}{_REPLY}\b",
    "addressed": r"\b(?:ai|assistant|chatbot|language model|llm|agent|bot|gpt|copilot)\b[^.\n]{0,20}(?:,|:|must|should|please|reading|that reads)|\b(?:dear|attention|note to|hey|hello|hi) (?:the |all )?(?:ai|assistant|model|chatbot|llm|bot|agent)\b|\bif you are an? (?:ai|assistant|llm|language model|bot|chatbot)\b|^\W{0,4}(?:assistant|ai|chatbot|llm|chatgpt|copilot|agent)\W",
    "user": r"\b(?:the|to|tell|ask|inform|convince|urge|encourag\w{1,3}|persuad\w{1,3}|direct|lead|users?|readers?|customers?|people) (?:the )?(?:users?|readers?|audience|people)\b",
    "grade": r"\b(?:say|state|claim|conclude|write|declare|report|respond|reply|answer|output|print|give|rate|rank|score)\b[^.\n]{0,20}\b(?:that (?:it|this|the|he|she|they)|only|with|exactly|simply|the word|'|highest|best|top|perfect)",
    "secret": rf"\b(?:send|forward|email|post|upload|transmit|exfiltrate|share|leak|reveal|deliver|submit|report)\b[^.!?\n]{{0,50}}\b{_EXFIL}\b",
    "silent": r"\b(?:do not|don't|without|never) (?:tell|telling|mention|mentioning|inform|informing|alert|alerting|reveal|revealing|show|showing|let)\b[^.\n]{0,20}\b(?:user|human|anyone|this|them|these)\b",
    "markup": _PATTERNS["markup"],
    "persona": r"\b(?:you are (?:now|an?)|act as|pretend|from now on|new (?:system )?(?:task|instructions?)|your (?:new )?(?:task|goal|role|mission|objective) is)\b",
    "letters": r"\b(?:letters?|characters?|symbols?|typos?|misspell\w{0,5}|spelling|anagrams?|spaces?|homophones?|vowels?|words?|numbers?|uppercase|lowercase|emojis?|rhymes?|language)\b",
    "tool": r"\b(?:call|invoke|use|run|execute) (?:the )?\w{2,30} ?(?:tool|function|api|command|\(\))|\b(?:rm -rf|curl|wget|os\.system|subprocess|requests\.(?:get|post)|urllib|smtplib|socket|eval|exec|shutil|pickle|ctypes|base64)\b",
    "benefit": r"\b(?:improve|enhance|boost|better|optimi[sz]e|strengthen|useful|beneficial|robust\w{0,4}|fortify|functionality|elevate|enrich|seamless\w{0,2}|efficien\w{1,4}|suspicious|limited|exclusive|free|click|visit|download|subscribe|check out|buy)\b",
    "first": r"\b(?:instead|first of all|before (?:you )?(?:answer|respond|anything|continuing)|in addition|additionally|also|finally|lastly|at the end|at the beginning|every|each|always|only)\b",
}  # fmt: skip


@cache
def _injected_compiled() -> dict[str, re.Pattern[str]]:
    return {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _INJECTED.items()}


# Letters without which a pattern cannot match: looking for them is much faster.
_ASKS = {"your_reply": "your", "your_code": "your", "edit": "your", "asked": "you", "trivia": "?"}
_PAIRS = (
    ("put", "your_reply"),
    ("task", "your_reply"),
    ("task", "letters"),
    ("put", "following"),
    ("your_reply", "following"),
    ("your_reply", "snippet"),
    ("put", "snippet"),
    ("asked", "snippet"),
    ("your_reply", "letters"),
    ("your_code", "following"),
    ("put", "your_code"),
    ("put", "written"),
    ("task", "written"),
    ("task", "languages"),
    ("trivia", "popular"),
    ("asked", "written"),
    ("into", "letters"),
    ("into", "put"),
)
INDIRECT = (
    *_INJECTED,
    *(f"{a}+{b}" for a, b in _PAIRS),
    "strange",
    "trivia+strange",
    "task+strange",
    "asked+strange",
    "task+written+strange",
    "hidden",
)
_SHORT_WORDS = frozenset(
    "the and for that with this from are was were you your have has had not but all can will would could should what when where which who how why into out our their they them his her its about there here been being more most some any also than then just like".split()
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a content with its features, at characters [start, end) of the original."""

    start: int
    end: int
    features: Mapping[str, float]


def content_sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a content that was retrieved, each with its features."""
    folded = fold(text, latin=True)
    spans = list(sentences(folded.text))
    bags = [set(_content_words(folded.text[start:end])) for start, end in spans]
    counts: dict[str, int] = {}
    for bag in bags:
        for word in bag:
            counts[word] = counts.get(word, 0) + 1
    stretch = hidden(text)
    for (first, last), bag in zip(spans, bags, strict=True):
        start, end = folded.original(first, last)
        made = _sentence_features(folded.text[first : min(last, first + _LONGEST)], bag, counts, len(spans))
        made["hidden"] = float(stretch is not None and start < stretch[1] and stretch[0] < end)
        yield Sentence(start, end, made)


def _content_words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text.lower()):
        word = match.group()
        if len(word) > 2 and word not in _SHORT_WORDS and not word.isdigit():
            yield word[:6]


def _sentence_features(text: str, bag: set[str], counts: Mapping[str, int], many: int) -> dict[str, float]:
    low = text.lower()
    made = {
        name: float(_ASKS.get(name, "") in low and pattern.search(text) is not None)
        for name, pattern in _injected_compiled().items()
    }
    made |= {f"{a}+{b}": made[a] * made[b] for a, b in _PAIRS}
    strange = sum(counts[word] == 1 for word in bag) / len(bag) if len(bag) > 1 and many > 1 else 0.0
    made["strange"] = strange
    for name in ("trivia", "task", "asked"):
        made[f"{name}+strange"] = made[name] * strange
    made["task+written+strange"] = made["task+written"] * strange
    return made
