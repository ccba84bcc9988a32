"""Standing checks of what comes in: signals, references and policies; looks, alerts and what explains them.

`terms` says what a monitor says, `signals` what it can watch. `series` and `sampled` read the store through named
queries, so that they work in a process beside the server; `looking` tests what they read, `rounds` makes states of it.
"""
