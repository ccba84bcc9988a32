"""Columns of frames as arrays, with null as NaN."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def numbers(frame: pd.DataFrame, column: str) -> Floats:
    """A numeric column, whatever its dtype, as floats; null is NaN."""
    return np.asarray(frame[column].to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def optional(frame: pd.DataFrame, column: str) -> Floats:
    """As `numbers`; a column that is not there is unknown throughout."""
    return numbers(frame, column) if column in frame else np.full(len(frame), np.nan)


def flags(frame: pd.DataFrame, column: str) -> Bools:
    """A column of booleans that are never null."""
    return np.asarray(frame[column].to_numpy(dtype=np.bool_), dtype=np.bool_)


def divide(over: Floats, under: Floats, where: Bools) -> Floats:
    """Quotients where told, NaN elsewhere; no warning for what is left out."""
    return np.asarray(np.divide(over, under, out=np.full(over.shape, np.nan), where=where), dtype=np.float64)


def nanoseconds(frame: pd.DataFrame, column: str) -> NDArray[np.int64]:
    """A column of times, of any unit, without a zone (then UTC) or with one, as nanoseconds since 1970; never null."""
    times = pd.to_datetime(frame[column], utc=True)
    return np.asarray(times.dt.as_unit("ns").astype("int64").to_numpy(), dtype=np.int64)
