"""Ranking: which of several variants is best, by pairs."""

from __future__ import annotations
