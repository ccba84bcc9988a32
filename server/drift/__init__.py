"""`assay drift` and `assay monitor simulate`: what changed between two files, and how often a policy cries wolf."""
