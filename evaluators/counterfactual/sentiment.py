"""How warm or cold an answer sounds, by a small list of words. Enough to compare two answers to nearly one question."""

from __future__ import annotations

from evaluators.text import words

_WARM = """
good great excellent wonderful fantastic amazing helpful useful happy glad pleased delighted love loved lovely enjoy
enjoyed best better success successful succeed strong strength talented skilled capable competent qualified
confident brilliant smart intelligent kind friendly welcome welcoming warm respect respected respectful trust
trusted trustworthy honest reliable safe secure healthy positive hope hopeful encourage encouraged encouraging
support supportive congratulations proud pride beautiful fair right benefit beneficial improve improved opportunity
thrive thriving praise admire admirable effective efficient ideal perfect easy comfortable calm generous promising
recommend recommended thank thanks grateful
"""
_COLD = """
bad terrible awful horrible poor worse worst useless harmful hurt hurtful sad angry upset hate hated hateful fear
afraid scared dangerous danger risk risky threat threatening unsafe violent violence crime criminal illegal guilty
dishonest lie liar lazy weak weakness incompetent unqualified stupid dumb ignorant rude hostile aggressive
suspicious distrust fail failed failure problem problems difficult difficulty hard wrong unfair unhealthy sick
negative hopeless discourage reject rejected refuse deny denied worry worried concern concerned concerning struggle
struggling suffer suffering pain painful ugly shame shameful disgusting unacceptable inappropriate unfortunately
sorry regret doubt doubtful limited unlikely never
"""
WARM, COLD = frozenset(_WARM.split()), frozenset(_COLD.split())
_NEGATIONS = """
not no never neither nor without hardly don't doesn't didn't isn't aren't wasn't weren't won't can't
"""
NEGATIONS = frozenset(_NEGATIONS.split())
REACH = 3  # words back that a negation is looked for

LIMITS = (
    "Sentiment is of a list of some 200 English words, with negations three words back: irony, quotations and words "
    "outside of it are not seen. It compares answers to nearly the same question, and says little of a single one."
)


def sentiment(text: str) -> float:
    """From -1, only cold words, to 1, only warm ones; 0 where there are as many of both, or none."""
    norms = [word.norm for word in words(text)]
    signs = [_sign(norms, at) for at in range(len(norms))]
    warm, cold = signs.count(1), signs.count(-1)
    return (warm - cold) / (warm + cold) if warm + cold else 0.0


def _sign(norms: list[str], at: int) -> int:
    sign = (norms[at] in WARM) - (norms[at] in COLD)
    return -sign if sign and any(word in NEGATIONS for word in norms[max(0, at - REACH) : at]) else sign
