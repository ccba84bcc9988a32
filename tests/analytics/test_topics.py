"""Topics: planted ones are found, their lists say what they say, and nothing depends on the order of the texts."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.vq import kmeans2

from analytics import topics
from analytics.topics import NOT_TOLD, OTHER

PLANTED = {
    "refunds": "refund money return order cancel receipt days policy",
    "parcels": "shipping delivery package track courier address late carrier",
    "passwords": "password login account reset email locked code verify",
    "crashes": "error crash screen app install update version android",
}
COMMON = ("please", "can", "you", "help", "me", "with", "the", "my", "is", "what", "how", "do", "want", "to")


def texts(n: int, seed: int = 1, own: int = 4) -> tuple[list[str], list[str]]:
    """Each of four words of its subject, eight that all use and one that few do; and the subject of each."""
    rng = random.Random(seed)
    subjects = rng.choices(list(PLANTED), k=n)
    said = [
        rng.choices(PLANTED[subject].split(), k=own) + rng.choices(COMMON, k=8) + [f"w{rng.randrange(n)}"]
        for subject in subjects
    ]
    return [" ".join(rng.sample(words, len(words))) for words in said], subjects


def purity(subjects: list[str], codes: list[int]) -> float:
    """The share of texts whose topic is mostly of their subject."""
    pairs = Counter(zip(codes, subjects, strict=True))
    return sum(max(count for (code, _), count in pairs.items() if code == one) for one in set(codes)) / len(subjects)


def test_planted_topics_are_found_with_their_words() -> None:
    asked, subjects = texts(800)
    found = topics.find(asked, 4)
    codes = found.of(asked).tolist()
    assert purity(subjects, codes) > 0.99
    assert len(set(codes)) == 4
    assert found.agreement == pytest.approx(1, abs=0.01)
    sets = [set(words.split()) for words in PLANTED.values()]
    assert all({*list(words)[:5]} in [one & {*list(words)[:5]} for one in sets] for words in found.words)
    sizes = Counter(codes)
    assert [sizes[topic] for topic in (1, 2, 3, 4)] == sorted(sizes.values(), reverse=True)


def test_texts_that_were_not_seen_have_a_topic_too() -> None:
    asked, _ = texts(800)
    new, subjects = texts(400, seed=2)
    assert purity(subjects, topics.find(asked, 4).of(new).tolist()) > 0.98


@settings(max_examples=20)
@given(st.randoms(use_true_random=False), st.integers(2, 6))
def test_the_order_of_texts_changes_nothing(rng: random.Random, count: int) -> None:
    asked, _ = texts(100, own=2)
    asked += rng.choices(asked, k=50)
    found = topics.find(asked, count)
    shuffled = rng.sample([*asked, None, None], len(asked) + 2)
    assert topics.find(shuffled, count) == found
    told = dict(zip(asked, found.of(asked).tolist(), strict=True))
    expected = [NOT_TOLD if text is None else told[text] for text in shuffled]
    assert found.of(shuffled).tolist() == expected


def test_a_text_counts_as_often_as_it_comes() -> None:
    """What is asked again and again has a topic of its own; asked once, it stands with others."""
    asked, _ = texts(60)
    often = ["tell me tomorrow's weather", "tell me the weather of tomorrow"]
    for times, alone in ((1, False), (60, True)):
        codes = topics.find(asked + often * times, 2).of(asked + often).tolist()
        assert (codes[-1] == codes[-2] and codes[-1] not in codes[:-2]) is alone
    assert topics.find(asked + often * 60, 2).texts == 180


def test_of_many_texts_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, subjects = texts(800)
    monkeypatch.setattr(topics, "MOST_TEXTS", 200)
    found = topics.find(asked, 4)
    assert found.texts == 200
    assert purity(subjects, found.of(asked).tolist()) > 0.97


def test_the_lists_are_all_that_is_needed_to_tell_a_topic() -> None:
    """As a router would, from the rule in the policy: distinct words, sums, the first of the largest."""
    asked, _ = texts(300, own=2)
    found = topics.find(asked, 5)
    for text, code in zip(asked, found.of(asked).tolist(), strict=True):
        sums = [math.fsum(words.get(word, 0) for word in {*text.split()}) for words in found.words]
        assert sums[code - 1] == pytest.approx(max(sums))


def test_clusters_are_those_of_the_textbook() -> None:
    """The oracle: rare words weigh more, dense singular vectors, k-means, each written down as in the books."""
    asked, subjects = texts(200)
    kept = sorted({word for text in asked for word in text.split()})
    has = np.array([[word in text.split() for word in kept] for text in asked], dtype=float)
    kept_here = (has.sum(axis=0) >= 2) & ~np.array([len(word) < 2 for word in kept])
    weighed = has[:, kept_here] * np.log(len(asked) / has[:, kept_here].sum(axis=0))
    weighed /= np.linalg.norm(weighed, axis=1, keepdims=True)
    left, sizes, _ = np.linalg.svd(weighed, full_matrices=False)
    places = left[:, :20] * sizes[:20]
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    tries = (kmeans2(places, 4, iter=50, minit="++", rng=seed) for seed in range(10))
    nearest = min(tries, key=lambda told: np.square(places - told[0][told[1]]).sum())[1].tolist()
    codes = topics.find(asked, 4).of(asked).tolist()
    assert purity(subjects, nearest) > 0.95
    assert purity([str(one) for one in nearest], codes) > 0.95


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param([], id="none"),
        pytest.param([None, None], id="not-told"),
        pytest.param(["the same words"] * 50, id="one-text"),
        pytest.param(["alpha", "beta", "gamma"], id="no-word-in-common"),
        pytest.param(["1 2 3", "?!", "4 5 6", " "], id="no-words"),
        pytest.param(["alpha beta", "beta alpha", "alpha beta!"], id="the-same-words-throughout"),
    ],
)
def test_where_nothing_can_be_told_apart_there_are_no_topics(asked: list[str | None]) -> None:
    found = topics.find(asked, 5)
    assert (found.words, found.agreement) == ((), None)
    assert set(found.of(asked).tolist()) <= {OTHER, NOT_TOLD}


def test_fewer_topics_than_asked_where_texts_are_few() -> None:
    asked = ["red shoes", "red shoes please", "blue train", "blue train please", "", None, "42"]
    found = topics.find(asked, 20)
    assert 2 <= len(found.words) <= 4
    codes = found.of(asked).tolist()
    assert codes[0] != codes[2]
    assert codes[4:] == [OTHER, NOT_TOLD, OTHER]


def test_one_topic_is_none() -> None:
    assert topics.find(texts(50)[0], 1).words == ()
    assert topics.find(texts(50)[0], 0).words == ()


@given(st.lists(st.one_of(st.none(), st.text(alphabet="ab é\n1中", max_size=30)), max_size=30), st.integers(0, 6))
def test_any_texts_have_an_answer(asked: list[str | None], count: int) -> None:
    found = topics.find(asked, count)
    codes = found.of(asked)
    assert len(codes) == len(asked)
    assert ((codes == NOT_TOLD) == [text is None for text in asked]).all()
    assert codes.max(initial=0) <= len(found.words) <= count
    assert all(weight > 0 for words in found.words for weight in words.values())


def test_long_texts_count_by_their_first_words() -> None:
    assert topics.words_of(" ".join(f"x{n}" for n in range(500))) == {f"x{n}" for n in range(topics.READ)}
    assert topics.words_of("Straße 7 a B12 x_y I'm") == {"strasse", "b12", "x_y"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("मेरा ऑर्डर कहाँ है", {"मेरा", "ऑर्डर", "कहाँ", "है"}, id="vowels-are-marks"),
        pytest.param("Mu\u0308ller cafe\u0301", {"müller", "café"}, id="accents-apart"),
        pytest.param("Müller café", {"müller", "café"}, id="accents-within"),
        pytest.param("a" * 41 + " " + "b" * 40, {"b" * 40}, id="too-long-for-a-word"),
        pytest.param("x 9th 4 ab_1", {"th", "ab_1"}, id="letters-first"),
    ],
)
def test_words(text: str, words: set[str]) -> None:
    assert topics.words_of(text) == words
