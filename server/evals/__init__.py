"""Runs of evaluation suites: prepared from files, carried out, judged by gates, and reported."""
