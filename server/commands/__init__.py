"""The commands of `assay`, a module per kind. They import what they need when they run, so that `--help` is instant."""
