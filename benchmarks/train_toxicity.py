"""Trains `evaluators/artefacts/toxicity.json`: python benchmarks/train_toxicity.py

Identity attack: on the sentences below, written for this, with the names of many groups put in; no row of HateCheck.
Abuse: on the Surge AI comments (MIT), the same sentences, and ordinary answers and passages
of RAGTruth's training split (MIT; half of its questions). Both are logistic regressions over the findings of
`evaluators/abuse.py`, with the sign of each weight fixed, so that no name of a group and no kindness adds to a score.
Thresholds are those of the best balanced accuracy on the training rows.
"""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import figures
import numpy as np
from scipy.optimize import minimize

from evaluators.abuse import read
from evaluators.logistic import ARTEFACTS, Model
from evaluators.toxicity import ABUSE, IDENTITY, abuse_features, identity_features

SEED = 7
CALM = 0.002  # share of ordinary texts that the threshold may flag
GROUPS = (
    "Muslims", "Jewish people", "Christians", "Hindus", "Sikhs", "atheists", "women", "men", "girls", "gay men", "lesbians",
    "trans people", "bisexual people", "black people", "white people", "Asians", "Latinos", "Mexicans", "Nigerians",
    "Poles", "Turks", "Indians", "Chinese people", "Roma people", "Dalits", "refugees", "migrants", "foreigners",
    "disabled people", "autistic people", "blind people", "old people", "homeless people", "fat people",
)  # fmt: skip
HATEFUL = (
    "I hate {g}.",
    "I absolutely loathe {g}",
    "God, I despise {g} so much",
    "Can't stand {g} any more",
    "We are sick of {g}",
    "{g} make me want to throw up",
    "{g} disgust me",
    "Honestly {g} are repulsive",
    "{g} are so stupid it hurts",
    "all {g} are liars and thieves",
    "Every one of the {g} I met was filthy",
    "{g} are evil, plain and simple",
    "lazy {g} everywhere",
    "Those disgusting {g} moved in next door",
    "{g} are vermin",
    "{g} are nothing but animals",
    "{g} are a plague on this town",
    "Filthy pigs, these {g}",
    "{g} breed like rats",
    "{g} are parasites living off us",
    "{g} are like a cancer",
    "Someone should shoot {g}",
    "I am going to beat up some {g} tonight",
    "Let's burn all {g}",
    "I will kill any {g} I see",
    "{g} should be hanged",
    "We need to exterminate {g}",
    "{g} deserve to die",
    "{g} must be wiped out",
    "I hope {g} suffer",
    "Time to get rid of {g}",
    "Deport all {g} now",
    "Kick {g} out of here",
    "{g} need to be locked up",
    "Send {g} back",
    "{g} should go back to where they came from",
    "Ban {g} from our schools",
    "{g} should not be allowed to vote",
    "{g} don't deserve any rights",
    "{g} have no place in our country",
    "{g} are inferior to the rest of us",
    "{g} belong in a cage",
    "The world would be better without {g}",
    "There are too many {g} in this city",
    "Nobody would miss {g}",
    "I would rather die than marry one of the {g}",
    "{g} will never be decent people",
    "Nobody likes {g}",
    "{g} have never contributed anything good",
    "You can't trust {g}",
    "{g} aren't human",
    "Fucking {g} again",
    "These fucking {g} ruin everything",
    "Why don't {g} just leave our country?",
    "Who else thinks {g} are scum?",
    "In my opinion {g} are worthless",
    "I think we should castrate {g}",
    "I met some {g} today. They should all rot in hell.",
    "More {g} arrived. They are pests.",
    "If you are one of the {g}, I hate you and all {g}",
    "{g}, who are trash, should leave",
    "{g} are mentally ill and dangerous",
    "{g} are a threat to our children",
    "Death to {g}, kill them all",
)
HARMLESS = (
    "I met some {g} today.",
    "{g} live in this street",
    "Many {g} voted yesterday",
    "There were {g} at the party",
    "{g} are people like you and me",
    "I love {g}",
    "{g} are great neighbours",
    "I'm proud of the {g} in our team",
    "We welcome {g} here",
    "{g} deserve respect and equal rights",
    "I support {g}",
    "{g} make our town a better place",
    "My best friends are {g}",
    "The history of {g} in Europe is long",
    "The report counts {g} in three regions",
    "I don't hate {g}",
    "{g} are not evil",
    "No, {g} are not animals",
    "{g} should never be attacked",
    "I would never hurt {g}",
    "Nobody should kill {g}",
    "It is not true that {g} are lazy",
    "{g} do not deserve to die",
    "We must not ban {g}",
    "Saying that {g} are vermin is racist",
    'He wrote "kill all {g}", and that is hate speech',
    '"{g} are scum" is a vile thing to say',
    "People who hate {g} are wrong",
    "Anyone who says {g} are inferior is a bigot",
    "Stop saying that {g} are stupid",
    "I reported a comment that called {g} parasites",
    "Claims that {g} are criminals are offensive",
    "It's disgusting to say {g} should be deported",
    "Calling for violence against {g} is unacceptable",
    '"Deport {g}" was sprayed on the wall. Shameful.',
    "I hate it when people mistreat {g}",
    "I hate cheese. {g} sometimes like it.",
    "The attack killed two {g}",
    "Thousands of {g} were murdered in the war",
    "Police arrested a man who attacked {g}",
    "{g} were deported by the regime in 1942",
    "The law protects {g} from violence",
    "Many {g} die of heart disease",
    "Doctors treat {g} every day",
    "Jobs for {g} are scarce",
    "Fuck yeah, {g} won the game",
    "Damn, those {g} can dance",
    "What do {g} eat at the feast?",
    "How many {g} study here?",
    "Films about {g} are popular",
    "Schools teach {g} and others alike",
    "A fund helps {g} who lost their homes",
    "{g} complained about bad weather",
    "The museum of {g} burned down",
    "{g} and their families came to the dinner",
    "Proud to be one of the {g}",
    "{g} face unfair rules at work",
    "{g} are often victims of crime",
    "Research shows {g} earn less",
    "These stupid rules hurt {g}",
)
NO_GROUP = (
    "I hate Mondays.", "This film is disgusting", "My phone is a piece of shit", "Kill the process and restart it",
    "Traffic makes me sick", "We should ban plastic bags", "That damn printer again", "Fuck, I missed the bus",
    "You are an idiot", "He is scum", "Go to hell, Tom", "The weather is awful", "Bankers are parasites", "Artists are lazy",
    "The recipe needs two eggs.", "Politicians are liars", "The virus spreads in winter", "Cockroaches infest the kitchen",
    "Burn the leaves in autumn", "I love this song", "Send it back to the shop", "Lock up the bikes", "The dog must be put down",
    "I despise spam", "My boss is a moron", "You deserve to rot", "I want to punch my screen", "Shut up, you stupid clown",
)  # fmt: skip
_SIGN = {
    "negated": -1,
    "mentioned": -1,
    "reclaimed": -1,
    "positive": -1,
    "named": 0,
    "loose.words": 0,
    "loose.deeds": 0,
    "set_aside": -1,
    "slur_set_aside": 0,
}
Row = tuple[str, int]


def identity_rows() -> list[Row]:
    """Each sentence with six of the groups, drawn by the seed; slurs of the lists in a few."""
    draw = random.Random(SEED)
    rows = [(text, 0) for text in NO_GROUP]
    for texts, label in ((HATEFUL, 1), (HARMLESS, 0)):
        rows += [(text.format(g=group), label) for text in texts for group in draw.sample(GROUPS, 6)]
    slurs = sorted(word for word in json.loads((ARTEFACTS / "abuse_words.json").read_text("utf-8"))["slurs"]["jews"])
    for slur in (*slurs, "faggots", "niggers", "retards", "chinks", "trannies", "ragheads"):
        rows += [
            (text.format(s=slur), 1) for text in ("You {s}", "Just a bunch of {s}", "Look at the {s}", "typical {s}!")
        ]
        rows += [
            (text.format(s=slur), 0)
            for text in ("Don't use the word {s}, it is a slur", 'He got banned for writing "{s}" in the chat')
        ]
    rows += [
        (text.format(s=slur), 0)
        for slur in ("bitches", "faggots", "dykes", "sluts")
        for text in ("I love my {s}", "We are proud {s}", "Us {s} stick together")
    ]
    return rows


def trained(rows: list[dict[str, float]], labels: list[int], names: tuple[str, ...], penalty: float) -> Model:
    """Logistic regression with weights of the sign that is fixed, and its threshold."""
    x = np.array([[row[name] for name in names] for row in rows])
    y = np.array(labels, float)
    weight = np.where(y == 1, len(y) / (2 * y.sum()), len(y) / (2 * (1 - y).sum()))

    def loss(theta: Any) -> tuple[float, Any]:
        logit = x @ theta[:-1] + theta[-1]
        p = 1 / (1 + np.exp(-logit))
        value = -(weight * (y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12))).mean()
        slope = weight * (p - y) / len(y)
        return value + penalty * (theta[:-1] ** 2).sum(), np.append(x.T @ slope + 2 * penalty * theta[:-1], slope.sum())

    bounds = [{1: (0, None), -1: (None, 0), 0: (0, 0)}[_SIGN.get(name, 1)] for name in names] + [(None, None)]
    found = minimize(loss, np.zeros(len(names) + 1), jac=True, bounds=bounds, method="L-BFGS-B")
    model = Model(
        {name: round(float(w), 4) for name, w in zip(names, found.x, strict=False)}, round(float(found.x[-1]), 4), 0.5
    )
    scores = np.array([model(row) for row in rows])
    return Model(model.weights, model.bias, best_threshold(scores, y))


def best_threshold(scores: Any, labels: Any) -> float:
    """Half way between the two scores where balanced accuracy is best."""
    values = np.unique(scores)
    cuts = (values[1:] + values[:-1]) / 2
    balanced = [((scores > cut)[labels == 1].mean() + (scores <= cut)[labels == 0].mean()) / 2 for cut in cuts]
    return round(float(cuts[int(np.argmax(balanced))]), 4)


def main() -> None:
    own, identity, surge, abuse_rows, plain = prepared()
    abusive = [_abuse(text, identity) for text, _ in abuse_rows]
    abuse = calmed(abusive, [label for _, label in abuse_rows], plain)
    y = np.array([label for _, label in surge])
    told = {
        "about": "Weights of evaluators/toxicity.py; made by benchmarks/train_toxicity.py.",
        "seed": SEED,
        "data": hashlib.sha256(json.dumps(abuse_rows).encode()).hexdigest(),
        "rows": {"own": len(own), "surge": len(surge), "ordinary": plain},
        "metrics": {"surge_auroc_5_fold": round(figures.auroc(y, out_of_fold()), 4)},
        "identity": {"weights": identity.weights, "bias": identity.bias, "threshold": identity.threshold},
        "abuse": {"weights": abuse.weights, "bias": abuse.bias, "threshold": abuse.threshold},
    }
    (ARTEFACTS / "toxicity.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(json.dumps(told, indent=1))


def prepared() -> tuple[list[Row], Model, list[Row], list[Row], int]:
    """The sentences, the model of attacks, the comments, all rows of abuse (comments first, ordinary last, so many)."""
    path = figures.data("surge_toxicity", "toxicity_en_dev_half.jsonl.gz")
    ordinary = figures.data("ragtruth_qa_train", "ragtruth_qa_train.jsonl.gz")
    if path is None or ordinary is None:
        raise SystemExit(1)
    own = identity_rows()
    readings = [read(text) for text, _ in own]
    identity = trained([identity_features(one) for one in readings], [label for _, label in own], IDENTITY, 1e-3)
    surge = [(row["text"], int(row["is_toxic"] == "Toxic")) for row in figures.read(path)]
    calm = [row for row in figures.read(ordinary) if trains(row["source_id"])]
    passages = sorted({row["context"] for row in calm})
    plain = [(text, 0) for text in (*(row["response"] for row in calm[::4]), *passages[::2])]
    rows = surge + [(text, label) for text, label in own if label or text not in NO_GROUP] + plain
    return own, identity, surge, rows, len(plain)


def calmed(abusive: list[dict[str, float]], labels: list[int], plain: int) -> Model:
    """The model of abuse; the last `plain` rows are ordinary, and few of them may be flagged."""
    abuse = trained(abusive, labels, ABUSE, 1e-3)
    calm = np.quantile([abuse(row) for row in abusive[-plain:]], 1 - CALM)
    return Model(abuse.weights, abuse.bias, round(max(abuse.threshold, float(calm)), 4))


def out_of_fold() -> Any:
    """The value of each comment, on the scale where a half flags, by a model trained without its fold."""
    _, identity, surge, rows, plain = prepared()
    abusive, labels = [_abuse(text, identity) for text, _ in rows], [label for _, label in rows]
    folds = np.array([int(hashlib.sha256(text.encode()).hexdigest(), 16) % 5 for text, _ in surge])
    out = np.zeros(len(surge))
    for fold in range(5):
        kept = [i for i in range(len(rows)) if i >= len(surge) or folds[i] != fold]
        model = calmed([abusive[i] for i in kept], [labels[i] for i in kept], plain)
        for i in np.flatnonzero(folds == fold):
            attack = identity.scaled(identity_features(read(surge[i][0])))
            out[i] = max(attack, model.scaled(abusive[i])) if attack > 0.5 else model.scaled(abusive[i])
    return out


def trains(source: object) -> bool:
    """Whether ordinary answers to this question are trained on; the others are for the figures."""
    return int(hashlib.sha256(str(source).encode()).hexdigest(), 16) % 2 == 0


def _abuse(text: str, identity: Model) -> dict[str, float]:
    reading = read(text)
    return abuse_features(reading, identity(identity_features(reading)))


if __name__ == "__main__":
    main()
