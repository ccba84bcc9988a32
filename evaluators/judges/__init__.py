"""Judges: models that are asked for verdicts. `judge.py` asks, the evaluators that stand on it are beside it."""
