"""`assay rank` as a shell runs it: a published table of games, winners as people write them, what is no judgement."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import shell

from server.exit_codes import USER_ERROR

TEAMS = ["Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore"]
WINS = [  # American League, East, 1987 (Agresti, Categorical Data Analysis, table 10.10)
    [0, 7, 9, 7, 7, 9, 11], [6, 0, 7, 5, 11, 9, 9], [4, 6, 0, 7, 7, 8, 12], [6, 8, 6, 0, 6, 7, 10],
    [6, 2, 6, 7, 0, 7, 12], [4, 4, 5, 6, 6, 0, 6], [2, 4, 1, 3, 1, 7, 0],
]  # fmt: skip
STRENGTHS = [1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0.0]
GAMES = "home,away,won\n" + "".join(
    f"{TEAMS[i]},{TEAMS[j]},{TEAMS[i]}\n" * WINS[i][j] for i in range(7) for j in range(7)
)
FEW = "a,b,winner,item\nx,y,a,1\nx,y,B,1\nx,y,tie,2\ny,x,y,2\nx,y,,3\nx,y,draw,3\n"


def rank(folder: Path, *arguments: str, stdin: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return shell.run(folder, ("rank", "-", "--draws", "300", *arguments), kept, stdin)


def test_the_strengths_are_those_of_the_published_table(tmp_path: Path) -> None:
    done = rank(tmp_path, "--a", "home", "--b", "away", "--winner", "won", "--json", stdin=GAMES)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["variant"] for one in found] == TEAMS
    assert [one["strength"] - found[-1]["strength"] for one in found] == pytest.approx(STRENGTHS, abs=5e-5)
    assert list(found[0]) == [
        "variant", "strength", "ci_low", "ci_high", "wins", "losses", "ties", "rank_low", "rank_high"
    ]  # fmt: skip
    assert [found[-1][key] for key in ("wins", "losses", "ties", "rank_high")] == [18, 60, 0, 7]
    assert all(one["ci_low"] < one["strength"] < one["ci_high"] for one in found)
    assert all(one["rank_low"] <= place <= one["rank_high"] for place, one in enumerate(found, 1))


def test_winners_are_a_b_tie_or_a_name(tmp_path: Path) -> None:
    done = rank(tmp_path, "--item", "item", "--json", stdin=FEW)
    found = {one["variant"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert {name: (one["wins"], one["losses"], one["ties"]) for name, one in found.items()} == {
        "x": (1, 2, 2), "y": (2, 1, 2)
    }  # fmt: skip
    assert "5 judgements of 3 items." in done.stderr
    assert "1 row without a variant, an item or a winner: left out." in done.stderr


def test_a_name_goes_before_the_words(tmp_path: Path) -> None:
    """Here the second variant is called a."""
    rows = "a,b,winner\n" + "b,a,a\n" * 30 + "b,a,b\n" * 10
    first = json.loads(rank(tmp_path, "--json", stdin=rows).stdout.splitlines()[0])
    assert (first["variant"], first["wins"]) == ("a", 30)


def test_people_get_a_table(tmp_path: Path) -> None:
    done = rank(tmp_path, "--a", "home", "--b", "away", "--winner", "won", stdin=GAMES)
    assert "Milwaukee" in done.stdout.splitlines()[2]
    assert "1 to " in done.stdout.splitlines()[2]
    assert done.stdout.endswith("- 273 judgements, each taken for an item of its own.\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b,winner\nx,y,z\n", "Column 'winner', line 2: 'z' is none of 'x' and 'y', nor a, b or tie."),
        ("a,b,winner\nx,x,a\n", "Line 2: 'x' is judged against itself."),
        ("a,b,winer\nx,y,a\n", "There is no column 'winner'. Did you mean 'winer'?"),
        ("a,b,winner\nx,y,\n", "No row names two variants ('a', 'b') and a winner ('winner')."),
        ("a,b,winner\nx,y,a\n", "No strengths can be told: x never lost to y, so the judgements do not bound"),
    ],
)
def test_what_cannot_be_ranked_is_told(tmp_path: Path, text: str, says: str) -> None:
    done = rank(tmp_path, "--json", stdin=text)
    assert (done.returncode, done.stdout) == (USER_ERROR, "")
    assert done.stderr.startswith(f"assay: {says}")
