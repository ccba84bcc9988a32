"""What the commands end with. A module of its own: the command line loads nothing heavy before it must."""

USER_ERROR, FAILURE = 2, 1
BUG = 70  # so that 1 surely says that something was found wrong, such as a gate that fails
INTERRUPTED = 130  # by SIGINT, as shells tell it
