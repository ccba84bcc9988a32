"""The same question about another group of people: what of the answer changes with it."""
