"""Evaluation suites: the file, its items, and the engine that asks a target and scores what it says."""
