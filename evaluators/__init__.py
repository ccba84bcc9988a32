"""Evaluators, one module a family."""
