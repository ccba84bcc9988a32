"""Labelling: queues of work for reviewers, what they say, and what is made of it."""
