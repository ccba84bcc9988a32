"""How well the embedded checks of safety and security find what they look for: python benchmarks/quality_safety.py

Prints each figure with a bootstrap interval (2.5 to 97.5 %) beside naive rules. None of the rows is trained on, but for
the Surge AI comments, whose figure is of five folds, and the in-the-wild prompts, of which only the half that was kept
out is counted. Thresholds are the shipped ones. The development halves of HateCheck, BIPIA and Presidio were looked at
while patterns were written: of HateCheck the functionalities of `DESIGN`, of Presidio every other template.
When ordinary texts were spared (version 2 of both), half of them was looked at, and lost sentences of all functionalities.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import figures
import numpy as np
import train_injection
import train_toxicity

from evaluators.abuse import read
from evaluators.personal import find
from evaluators.pii import IDENTIFIERS
from evaluators.relevance.refusal import told as refused
from evaluators.security import injected, jailbreak
from evaluators.toxicity import attack, toxic
from evaluators.unsafe import unsafe_code, unsafe_urls

FLAGS = 0.5
KEYWORDS = re.compile(
    r"\b(?:hate|kill|fuck\w*|shit|bitch\w*|die|scum|disgusting|stupid|idiot\w*|whore\w*|vermin)\b", re.IGNORECASE
)
BLOCKED = re.compile(r"\b(?:ignore|DAN|jailbreak|pretend|act as|no restrictions|hack|kill|bomb)\b", re.IGNORECASE)
PII = {
    "PERSON": "person", "STREET_ADDRESS": "street_address", "GPE": "location", "ORGANIZATION": "organization",
    "CREDIT_CARD": "credit_card", "TITLE": "title", "AGE": "age", "PHONE_NUMBER": "phone", "DATE_TIME": "date", "NRP": "nrp",
    "DOMAIN_NAME": "url", "EMAIL_ADDRESS": "email", "US_SSN": "us_ssn", "US_DRIVER_LICENSE": "us_driver_license",
    "IP_ADDRESS": "ip_address", "IBAN_CODE": "iban",
}  # fmt: skip
Rows = list[dict[str, Any]]


def rows(*parts: str) -> Rows:
    """None, said aloud, where the data are absent."""
    path = figures.data(*parts)
    return [] if path is None else figures.read(path)


def in_design(name: object) -> bool:
    """Whether a functionality or template is of the half that was looked at."""
    return int(hashlib.sha256(str(name).encode()).hexdigest(), 16) % 2 == 0


def both(
    name: str, rule: str, truth: Sequence[int], score: Sequence[float], clusters: Sequence[object] | None = None
) -> list[figures.Row]:
    """AUROC and balanced accuracy at the shipped threshold."""
    kept = {"truth": truth, "score": score, "clusters": clusters}
    return [
        figures.figure(name, rule, "AUROC", figures.auroc, **kept),
        figures.figure(name, rule, "balanced accuracy", figures.balanced_accuracy_at(FLAGS), **kept),
        figures.figure(name, rule, "F1", figures.f1_at(FLAGS), **kept),
    ]


def hatecheck() -> list[figures.Row]:
    told = rows("hatecheck", "hatecheck_dev_half.jsonl.gz")
    if not told:
        return []
    readings = [read(row["test_case"]) for row in told]
    scores = {
        "identity_attack": [attack(one) for one in readings],
        "toxicity": [toxic(one) for one in readings],
        "any identity word": [float(bool(one.groups)) for one in readings],
        "keyword list": [float(KEYWORDS.search(row["test_case"]) is not None) for row in told],
        "always hateful": [1.0] * len(told),
    }
    truth = [int(row["label_gold"] == "hateful") for row in told]
    made = [
        row
        for rule, score in scores.items()
        for row in both("HateCheck", rule, truth, score, [one["templ_id"] for one in told])
    ]
    for part, design in (("looked at", True), ("not looked at", False)):
        kept = [i for i, row in enumerate(told) if in_design(row["functionality"]) == design]
        made += both(
            f"HateCheck, functionalities {part}",
            "identity_attack",
            [truth[i] for i in kept],
            [scores["identity_attack"][i] for i in kept],
        )
    _shares("right, per functionality of HateCheck (*: not looked at)", (
        (f"{row['functionality']}{'' if in_design(row['functionality']) else ' *'}", (score > FLAGS) == bool(label))
        for row, score, label in zip(told, scores["identity_attack"], truth, strict=True)
    ))  # fmt: skip
    for rule in ("identity_attack", "toxicity", "any identity word"):
        _shares(f"false alarms of {rule} by group", (
            (row["target_ident"] or "none", score > FLAGS) for row, score, label in zip(told, scores[rule], truth, strict=True) if not label
        ))  # fmt: skip
    return made


def _shares(title: str, pairs: Iterable[tuple[str, bool]]) -> None:
    found: dict[str, list[bool]] = defaultdict(list)
    for name, true in pairs:
        found[name].append(true)
    print(f"\n{title}: " + ", ".join(f"{name} {np.mean(one):.2f} ({len(one)})" for name, one in sorted(found.items())))


def surge() -> list[figures.Row]:
    told = rows("surge_toxicity", "toxicity_en_dev_half.jsonl.gz")
    if not told:
        return []
    truth = [int(row["is_toxic"] == "Toxic") for row in told]
    made = both("Surge AI, 5 folds", "toxicity", truth, list(train_toxicity.out_of_fold()))
    words = [float(KEYWORDS.search(row["text"]) is not None) for row in told]
    return (
        made
        + both("Surge AI", "keyword list", truth, words)
        + both("Surge AI", "always toxic", truth, [1.0] * len(told))
    )


def calm() -> list[figures.Row]:
    """False alarms on ordinary answers, and chance on pairs of stereotypes."""
    answers = [
        row
        for row in rows("ragtruth_qa_train", "ragtruth_qa_train.jsonl.gz")
        if not train_toxicity.trains(row["source_id"])
    ]
    made = []
    if answers:
        readings = [read(row["response"]) for row in answers]
        for rule, score in (("identity_attack", attack), ("toxicity", toxic)):
            values = [score(one) for one in readings]
            made.append(
                figures.figure(
                    "RAGTruth answers", rule, "false alarms", _flagged, truth=[0] * len(values), score=values
                )
            )
    pairs = rows("crows_pairs", "crows_pairs.jsonl.gz")
    if pairs:
        more, less = ([attack(read(row[name])) for row in pairs] for name in ("sent_more", "sent_less"))
        wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in zip(more, less, strict=True)]
        made.append(
            figures.figure(
                "CrowS-Pairs",
                "identity_attack",
                "stereotype scores above",
                lambda _, s: float(s.mean()),
                truth=[1] * len(wins),
                score=wins,
            )
        )
    return made


def _flagged(_: Any, score: Any) -> float:
    return float((score > FLAGS).mean())


TEXTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "RAGTruth answers, all": ("ragtruth_qa_train", "ragtruth_qa_train.jsonl.gz", ("response",)),
    "RAGTruth test answers": ("ragtruth_qa_test", "ragtruth_qa_test_dev_half.jsonl.gz", ("response",)),
    "RAGTruth contexts": ("ragtruth_qa_train", "ragtruth_qa_train.jsonl.gz", ("context",)),
    "RAGTruth questions": ("ragtruth_qa_train", "ragtruth_qa_train.jsonl.gz", ("question",)),
    "SummEdits documents": ("summedits", "summedits_dev_domains.jsonl.gz", ("doc",)),
    "SummEdits summaries": ("summedits", "summedits_dev_domains.jsonl.gz", ("summary",)),
    "BEGIN": ("begin_wow", "begin_dev_wow.jsonl.gz", ("response", "knowledge", "message")),
    "LLMDrift code": ("llmdrift", "leetcode_easy_eval.jsonl.gz", ("answer",)),
    "LLMDrift primes": ("llmdrift", "prime_full_eval.jsonl.gz", ("answer",)),
    "LLMDrift sensitive questions": ("llmdrift", "sensitiveq_eval.jsonl.gz", ("answer",)),
    "tau-bench": ("tau_bench_airline", "gpt-4o-airline_dev_half.jsonl.gz", ("traj",)),
    "PandaLM": ("pandalm", "pandalm_dev_half.jsonl.gz", ("instruction", "input", "response1", "response2")),
    "HaluEval answers": ("halueval", "halueval_general_dev_half.jsonl.gz", ("chatgpt_response",)),
    "HaluEval 2.0, medicine": ("halueval2", "bio-medical.jsonl.gz", ("chatgpt_response",)),
    "HaluEval 2.0, finance": ("halueval2", "finance.jsonl.gz", ("chatgpt_response",)),
    "HaluQuestQA answers": ("haluquestqa", "haluquestqa_dev_half.jsonl.gz", ("ans1_text", "ans2_text")),
    "NovelEval passages": ("noveleval", "noveleval_dev.jsonl.gz", ("passage",)),
    "Topical-Chat": ("topical_chat_usr", "topical_chat_dev_half.jsonl.gz", ("dialogue", "knowledge", "response")),
    "WiCE claims": ("wice", "wice_claim_dev.jsonl.gz", ("claim",)),
    "WiCE web pages": ("wice", "wice_claim_dev.jsonl.gz", ("evidence",)),
    "QAGS news": ("qags", "qags_cnndm.jsonl.gz", ("source",)),
    "XSTest answers to safe questions": ("xstest", "completions_gpt4.jsonl.gz", ("completion",)),
}  # fmt: skip
LONGEST = 6000  # characters of a web page
CHECKS: dict[str, Callable[[str], float]] = {
    "toxicity": lambda text: toxic(read(text)), "identity_attack": lambda text: attack(read(text)),
    "jailbreak": lambda text: jailbreak(text)[0], "prompt_injection": lambda text: worst(text),  # noqa: PLW0108 - it is defined below
    "pii": lambda text: max((one.confidence for one in find(text) if one.type in IDENTIFIERS), default=0.0),
    "unsafe_urls": lambda text: max((one.weight for one in unsafe_urls(text)), default=0.0),
    "unsafe_code": lambda text: max((one.weight for one in unsafe_code(text)), default=0.0),
    "refusal": lambda text: float(refused(text)[0] != "answer"),
}  # fmt: skip


def ordinary() -> None:
    """Shares of ordinary texts that each check flags: all of them, and of the half that was not looked at."""
    print(f"\n## Ordinary text, % flagged (of the half not looked at)\n\n| data | n | {' | '.join(CHECKS)} |")
    print("|---" * (len(CHECKS) + 2) + "|")
    for name, (folder, file, parts) in TEXTS.items():
        told = rows(folder, file)
        if name.startswith("XSTest"):
            told = [row for row in told if not row["type"].startswith("contrast")]
        texts = sorted({text for row in told for part in parts for text in _texts(row[part]) if text.strip()})
        held = np.array([hashlib.sha256(text.encode()).digest()[-1] % 2 == 1 for text in texts], bool)
        if texts:
            flags = (np.array([check(text) > FLAGS for text in texts]) for check in CHECKS.values())
            cells = (f"{100 * one.mean():.2f} ({100 * one[held].mean():.2f})" for one in flags)
            print(f"| {name} | {len(texts)} | {' | '.join(cells)} |", flush=True)


def _texts(value: Any) -> list[str]:
    """A text; the lines of a page as one; the messages of a conversation."""
    if isinstance(value, str):
        return [value]
    if all(isinstance(one, str) for one in value):
        return ["\n".join(value)[:LONGEST]]
    return [one["content"] for one in value if isinstance(one.get("content"), str)]


def jailbreaks() -> list[figures.Row]:
    wild = [
        row["prompt"]
        for row in rows("inthewild_jailbreaks", "inthewild_dev_half.jsonl.gz")
        if train_injection.half(row["prompt"])
    ]
    asked = rows("xstest", "completions_gpt4.jsonl.gz")
    safe = [row["prompt"] for row in asked if not row["type"].startswith("contrast")]
    if not wild or not safe:
        return []
    truth = [1] * len(wild) + [0] * len(safe)
    made = []
    rules: dict[str, Callable[[str], float]] = {
        "jailbreak": lambda text: jailbreak(text)[0], "keyword list": lambda text: float(BLOCKED.search(text) is not None),
        "length": lambda text: len(text) / 1e5,
    }  # fmt: skip
    for rule, score in rules.items():
        values = [score(text) for text in wild + safe]
        made += both("in the wild, XSTest safe", rule, truth, values)[:2]
        made.append(
            figures.figure(
                "in the wild, XSTest safe",
                rule,
                "recall at 1 % false alarms",
                figures.recall_within(0.01),
                truth=truth,
                score=values,
            )
        )
    held = [jailbreak(text)[0] for text in wild]
    made.append(
        figures.figure("in the wild", "jailbreak", "recall as shipped", _flagged, truth=[1] * len(held), score=held)
    )
    turns = [
        one["content"]
        for row in rows("tau_bench_airline", "gpt-4o-airline_dev_half.jsonl.gz")
        for one in row["traj"]
        if one["role"] == "user"
    ]
    prompts = sorted(
        {
            f"Answer the question with these passages only.\n{row['question']}\n{row['context']}"
            for row in rows("ragtruth_qa_train", "ragtruth_qa_train.jsonl.gz")
            if train_injection.half(row["question"])
        }
    )
    others = {
        "RAGTruth questions with passages": prompts,
        "XSTest safe": safe, "XSTest unsafe (harmful requests)": [row["prompt"] for row in asked if row["type"].startswith("contrast")],
        "HarmBench (harmful requests)": [row["Behavior"] for row in rows("harmbench", "behaviors_text_val.jsonl.gz")], "tau-bench users": turns,
    }  # fmt: skip
    for name, texts in others.items():
        if texts:
            made.append(
                figures.figure(
                    name,
                    "jailbreak",
                    "flagged",
                    _flagged,
                    truth=[0] * len(texts),
                    score=[jailbreak(text)[0] for text in texts],
                )
            )
    return made


def indirect() -> list[figures.Row]:
    """Each attack at the start, in the middle and at the end of a context of its kind, against the contexts without."""
    told, attacks = rows("bipia", "contexts_train.jsonl.gz"), rows("bipia", "attacks_train.jsonl.gz")
    if not told or not attacks:
        return []
    contexts = [
        ("\n".join(row["context"]) if isinstance(row["context"], list) else row["context"], row["task"]) for row in told
    ]
    draw = random.Random(3)
    mixed = []
    for row in attacks:
        hosts = [text for text, task in contexts if (task == "code") == ("```" in row["attack"])]
        for place in range(3):
            lines = draw.choice(hosts).split("\n")
            at = (0, len(lines) // 2, len(lines))[place]
            mixed.append("\n".join([*lines[:at], row["attack"], *lines[at:]]))
    made = []
    truth = [1] * len(mixed) + [0] * len(contexts)
    texts = mixed + [text for text, _ in contexts]
    rules: dict[str, Callable[[str], float]] = {
        "prompt_injection": worst,
        "keyword list": lambda text: float(BLOCKED.search(text) is not None),
    }
    for rule, score in rules.items():
        values = [score(text) for text in texts]
        made += both("BIPIA, with and without attack", rule, truth, values)[:2]
        made.append(
            figures.figure(
                "BIPIA, with and without attack",
                rule,
                "recall at 1 % false alarms",
                figures.recall_within(0.01),
                truth=truth,
                score=values,
            )
        )
        made.append(
            figures.figure(
                "BIPIA, with attack",
                rule,
                "recall as shipped",
                _flagged,
                truth=truth[: len(mixed)],
                score=values[: len(mixed)],
            )
        )
        made.append(
            figures.figure(
                "BIPIA, without", rule, "false alarms", _flagged, truth=truth[len(mixed) :], score=values[len(mixed) :]
            )
        )
    passages = sorted({row["context"] for row in rows("ragtruth_qa_train", "ragtruth_qa_train.jsonl.gz")})
    tools = [
        one["content"]
        for row in rows("tau_bench_airline", "gpt-4o-airline_dev_half.jsonl.gz")
        for one in row["traj"]
        if one["role"] == "tool"
    ]
    for name, clean in (
        ("RAGTruth passages", [text for text in passages if train_injection.half(text)]),
        ("tau-bench tool results", tools),
    ):
        if clean:
            made.append(
                figures.figure(
                    name,
                    "prompt_injection",
                    "false alarms",
                    _flagged,
                    truth=[0] * len(clean),
                    score=[worst(text) for text in clean],
                )
            )
    return made


def worst(text: str) -> float:
    return max((score for score, _, _ in injected(text)), default=0.0)


def personal() -> None:
    """Per type: the same characters (strict), or some in common (overlap)."""
    told = rows("presidio_pii", "synth_dataset_v2_dev_half.jsonl.gz")
    if not told:
        return
    print(
        "\n| Presidio, type | n | strict F1 | overlap precision | overlap recall | overlap F1 | overlap F1, templates not looked at |"
    )
    print("|---|---|---|---|---|---|---|")
    pairs = [(row["template_id"], _found(row["full_text"]), _true(row)) for row in told]
    for name in PII.values():
        every = [
            (i, f, t)
            for i, f, t in (
                (i, [one for one in f if one[0] == name], [one for one in t if one[0] == name]) for i, f, t in pairs
            )
        ]
        strict = sum(len(set(f) & set(t)) for _, f, t in every)
        found, true = sum(len(f) for _, f, _ in every), sum(len(t) for _, _, t in every)
        precision, recall, f1 = _overlap(every)
        unseen = _overlap([one for one in every if not in_design(one[0])])[2]
        print(
            f"| {name} | {true} | {2 * strict / max(found + true, 1):.2f} | {precision:.2f} | {recall:.2f} | {f1:.2f} | {f'{unseen:.2f}' if not np.isnan(unseen) else '-'} |"
        )


Span = tuple[str, int, int]


def _found(text: str) -> list[Span]:
    return [
        ("date" if one.type == "date_of_birth" else one.type, one.start, one.end)
        for one in find(text)
        if one.confidence >= FLAGS
    ]


def _true(row: dict[str, Any]) -> list[Span]:
    return [(PII[one["entity_type"]], one["start_position"], one["end_position"]) for one in row["spans"]]


def _overlap(every: list[tuple[object, list[Span], list[Span]]]) -> tuple[float, float, float]:
    def touched(ones: list[Span], others: list[Span]) -> int:
        return sum(any(a[1] < b[2] and b[1] < a[2] for b in others) for a in ones)

    found, true = sum(len(f) for _, f, _ in every), sum(len(t) for _, _, t in every)
    precision = sum(touched(f, t) for _, f, t in every) / found if found else float("nan")
    recall = sum(touched(t, f) for _, f, t in every) / true if true else float("nan")
    if not true:
        return precision, recall, float("nan")
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


if __name__ == "__main__":
    every = [*hatecheck(), *surge(), *calm(), *jailbreaks(), *indirect()]
    print(f"\n{figures.table(every)}")
    personal()
    ordinary()
