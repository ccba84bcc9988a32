"""Targets: what a suite asks its items. `config.py` says how one is named in a suite, `answer.py` what comes back."""
