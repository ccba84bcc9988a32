"""Comparisons of variants from files: reading them, and saying what was found."""
