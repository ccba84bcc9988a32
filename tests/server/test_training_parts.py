"""Splits without leaks, and texts without personal data: laws that hold of whatever goes in."""

from __future__ import annotations

import json
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.similarity import cosine, counts
from server.training.redacting import Redactor
from server.training.splitting import split

SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
WORDS = ["refund", "parcel", "late", "lost", "broken", "invoice", "twice", "why", "when", "order"]
ROWS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join),
        st.lists(st.sampled_from(["session 1", "session 2", "trace 3", "trace 4"]), max_size=2, unique=True),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, seed=st.integers(0, 5))
def test_no_session_and_no_near_duplicate_stands_in_two_splits(rows: list[tuple[str, list[str]]], seed: int) -> None:
    asks, groups = [text for text, _ in rows], [of for _, of in rows]
    found = split(asks, groups, SHARES, seed, 0.9)
    assert not found.bounded
    for one, other in combinations(range(len(rows)), 2):
        alike = cosine(counts(asks[one]), counts(asks[other])) >= 0.9
        if alike or set(groups[one]) & set(groups[other]):
            assert found.of[one] == found.of[other]
    order = list(reversed(range(len(rows))))
    again = split([asks[at] for at in order], [groups[at] for at in order], SHARES, seed, 0.9)
    assert [again.of[order.index(at)] for at in range(len(rows))] == found.of


def test_shares_are_met_on_average_and_new_rows_move_none_of_their_own() -> None:
    asks = [f"question{at} about topic{at * 7} and {at * 13}" for at in range(3_000)]
    found = split(asks, [()] * len(asks), SHARES, 3, 0.9)
    assert {name: found.of.count(name) / len(asks) for name in SHARES} == pytest.approx(SHARES, abs=0.03)
    fewer = split(asks[:1_000], [()] * 1_000, SHARES, 3, 0.9)
    assert fewer.of == found.of[:1_000]


def test_what_two_sessions_share_joins_them() -> None:
    found = split(["one thing", "another", "a third"], [("session 1",), ("session 1", "trace 2"), ("trace 2",)],
                  SHARES, 0, 0.9)  # fmt: skip
    assert len(set(found.of)) == len(set(found.clusters)) == 1


def test_a_text_that_reads_like_a_session_joins_nothing() -> None:
    assert len(set(split(["session 1", "other words"], [(), ("session 1",)], SHARES, 0, 0.9).clusters)) == 2


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        pytest.param("Write to ann@example.org.", "Write to [EMAIL].", id="email"),
        pytest.param("IBAN DE89 3704 0044 0532 0130 00, thanks", "IBAN [IBAN], thanks", id="iban"),
        pytest.param("Call +1 650-253-0000 or a@b.co", "Call [PHONE] or [EMAIL]", id="two-of-them"),
        pytest.param("Nothing to see", "Nothing to see", id="nothing"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_finding_is_replaced_by_its_type(text: str, clean: str) -> None:
    assert Redactor(("email", "iban", "phone")).text(text) == clean


def test_arguments_of_tools_stay_json_and_every_use_counts() -> None:
    redactor = Redactor(("email",))
    call = {"function": {"name": "mail", "arguments": json.dumps({"to": ["a@b.co"], "name": "x@y.org", "n": 1})}}
    (told,) = redactor.messages([{"role": "assistant", "tool_calls": [call]}])
    assert json.loads(told["tool_calls"][0]["function"]["arguments"]) == {"to": ["[EMAIL]"], "name": "[EMAIL]", "n": 1}
    redactor.messages([{"role": "assistant", "tool_calls": [call]}])
    assert redactor.counts == {"email": 4}


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_without_findings_a_text_is_as_it_was(text: str) -> None:
    assert Redactor(()).text(text) == text
