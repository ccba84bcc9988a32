"""Starts a program that ends with its parent, however that ends: `python -m server.child SIGNAL PROGRAM [ARGUMENT...]`.

A supervisor that is killed could not stop its children; they would hold the store and the ports for ever. The program
gets the signal of that name when its parent dies. Linux only; elsewhere the program simply starts.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

OURS = (sys.executable, "-P", "-m")  # without -P a `server.py` of the working folder would be run in place of ours
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(arguments: list[str]) -> None:
    """Become the program. Ends at once when the parent is gone already."""
    name, *command = arguments
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.Signals[name])
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
