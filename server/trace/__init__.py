"""One trace, however large: its tree, laid out once for each state of it, and what can be found in it."""
