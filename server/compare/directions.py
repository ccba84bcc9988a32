"""Which side of a measure is better, by the words of its name: one list for files, runs and traffic."""

from __future__ import annotations

import re

from analytics.compared import Better

LOWER = frozenset(
    """
    latency duration ttft second seconds sec secs ms millis milliseconds minute minutes time times runtime elapsed
    delay lag wait waiting timeout timeouts
    cost costs price prices spend expense expenses usd eur gbp dollars tokens token energy carbon emissions
    error errors err failed failure failures fail fails crash crashes bug bugs mistake mistakes violation violations
    retry retries refusal refusals refused hallucination hallucinations hallucinated fabricated unsupported
    toxicity toxic bias biased harm harmful harmfulness unsafe leak leaks leakage risk complaints escalations
    loss losses wer cer ter mer mae mse rmse mape smape msle ece nll perplexity ppl brier distance divergence
    wrong incorrect invalid missing false
    """.split()  # noqa: SIM905 - a list of words reads best as text
)
"""Words in a column's name of which less is better, where nobody says otherwise."""

HIGHER = frozenset({"saving", "savings", "saved", "throughput", "reduction"})
NONE_OF = frozenset({"free", "no", "non", "not", "without"})
"""Words that turn these about, as in `cost_savings` and `error_free`."""

RATES = frozenset({"second", "sec", "s", "minute", "min", "hour", "h"})
WORK = frozenset({"token", "tokens"})  # done in a time, more is better
BETTER = frozenset(
    """
    accuracy accurate correct correctness right exact match pass passes passed success successes succeeded
    helpful helpfulness useful relevance relevant faithful faithfulness grounded groundedness coherence fluency
    quality preference preferred wins won satisfaction csat nps precision recall bleu chrf rouge meteor auc
    """.split()  # noqa: SIM905 - as above
)
"""Words of which more is better, where no word above says less."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def guessed(name: str) -> Better | None:
    """Which is better by the words of a name, told apart by case, digits and signs; null: none of them says.

    A rate such as `tokens_per_second` is of work done, of which more is better; `errors_per_hour` is not.
    """
    words = {*_said(name)}
    if LOWER & words:
        return "higher" if (HIGHER | NONE_OF) & words else "lower"
    return "higher" if (HIGHER | BETTER) & words and not NONE_OF & words else None


def _said(name: str) -> list[str]:
    """The words; of a rate those of what is counted, which is throughput of work done."""
    words = words_of(name.replace("/", "_per_"))
    if "per" not in words or not RATES & set(words[words.index("per") + 1 :]):
        return words
    return ["throughput" if word in WORK else word for word in words[: words.index("per")]]


def words_of(name: str) -> list[str]:
    """The words of a name in small letters: latencyMs is latency and ms."""
    return [word.casefold() for word in _WORDS.findall(name)]
