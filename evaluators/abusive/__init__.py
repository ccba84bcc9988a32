"""How `evaluators.abuse` reads a text: words, targets, what a phrase is said of, and what takes its edge off."""
