"""Judges and embedded evaluators against people's labels: cards, trust, corrected rates, and what to do next."""
