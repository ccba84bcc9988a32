"""Large files are read by Arrow: their columns are those that smaller ones would have had."""

from __future__ import annotations

import io

import numpy as np
import pytest

from server.compare import reading
from server.compare.reading import ComparisonError, Table, Texts, labels, numbers, read

ROWS = 25_000
PLAIN = ["1", "-2.5", "1e3", "0.1", ".5", "7.", "", "1e-7", "123456789012345678"]


def large(cells: list[str], *, ends: str = "\n") -> Table:
    """A file of more than a megabyte with `cells` again and again in the column `x`, from the first row on."""
    note = "of a file that is long enough to be read by Arrow"
    rows = [f"{cells[at % len(cells)]},row number {at} {note}" for at in range(ROWS)]
    return read(io.BytesIO(ends.join(["x,note", *rows, ""]).encode()))


@pytest.mark.parametrize("ends", [pytest.param("\n", id="unix"), pytest.param("\r\n", id="windows")])
def test_cells_and_places_are_those_of_the_file(ends: str) -> None:
    found = large(PLAIN, ends=ends)
    assert isinstance(found.column("x"), Texts)
    assert list(found.column("x")) == [PLAIN[at % len(PLAIN)] for at in range(ROWS)]
    assert (found.column("note")[3][:12], found.column("x")[1:3]) == ("row number 3", PLAIN[1:3])
    assert (found.places[0], found.places[-1]) == ("line 2", f"line {ROWS + 1}")
    joined = reading.followed(found.column("x"), found.column("x"))
    assert (isinstance(joined, Texts), len(joined), joined[ROWS]) == (True, 2 * ROWS, "1")


def told(table: Table) -> tuple[np.ndarray, np.ndarray] | str:
    """The column's numbers, or what is wrong with it."""
    try:
        return numbers(table, "x")
    except ComparisonError as error:
        return str(error)


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(PLAIN, id="plain"),
        pytest.param([*PLAIN, "nan"], id="nan"),
        pytest.param([*PLAIN, " 4 ", "+5"], id="spaces-and-signs"),
        pytest.param([*PLAIN, "error", "NA"], id="failed-and-missing"),
        pytest.param(["yes", "no", ""], id="words"),
        pytest.param([*PLAIN, "1_000"], id="underscore"),
        pytest.param([*PLAIN, "inf"], id="infinite"),
        pytest.param([*PLAIN, "1e80"], id="too-large"),
        pytest.param([*PLAIN, "\u0663"], id="digits-of-another-script"),
        pytest.param([*PLAIN, "0x1p3"], id="hexadecimal"),
    ],
)
def test_numbers_are_those_that_few_cells_give(cells: list[str]) -> None:
    few = Table({"x": cells}, [f"line {at}" for at in range(2, len(cells) + 2)])
    expected, many = (told(table) for table in (few, large(cells)))
    if isinstance(expected, str) or isinstance(many, str):
        assert many == expected
        return
    for one, whole in zip(expected, many, strict=True):
        assert np.array_equal(np.resize(one, ROWS), whole, equal_nan=whole.dtype.kind == "f")


def test_labels_are_those_of_the_cells() -> None:
    assert labels(large(["1", "1.0", "", "b "]).column("x"))[:4] == ["1", "1", None, "b"]


@pytest.mark.parametrize(
    ("first", "why"),
    [
        pytest.param("a", "Line 2 has 1 cells, and the header has 2 columns", id="too-few-cells"),
        pytest.param('"a"b,c', "Line 2 is no CSV", id="quotes-within"),
    ],
)
def test_what_is_wrong_is_told_as_of_small_files(first: str, why: str) -> None:
    rest = "\n".join(f"{at},of a file that is long enough to be read by Arrow" for at in range(ROWS))
    with pytest.raises(ComparisonError, match=why):
        read(io.BytesIO(f"x,note\n{first}\n{rest}\n".encode()))


def test_quoted_cells_are_read_one_by_one() -> None:
    rest = "\n".join(f'{at},"of a file, that is long; with a comma in each of its rows"' for at in range(ROWS))
    found = read(io.BytesIO(f"x,note\n{rest}\n".encode()))
    assert not isinstance(found.column("x"), Texts)
    assert found.column("note")[7] == "of a file, that is long; with a comma in each of its rows"
