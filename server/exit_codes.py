"""What the commands end with. A module of its own: the command line loads nothing heavy before it must."""

USER_ERROR, FAILURE = 2, 1
INTERRUPTED = 130  # by SIGINT, as shells tell it
