"""What workers have in common: turn after turn, until they are told to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from server.client import ApiError

WAIT_S = 5.0  # for something to do
AGAIN_S = 2.0  # after the server gave no answer


def until_stopped(stopping: threading.Event, turn: Callable[[float], bool], log: logging.Logger, fault: str) -> None:
    """Turns until `stopping` is set. A server that does not answer is asked again; a fault is told and outlived."""
    while not stopping.is_set():
        try:
            turn(WAIT_S)
        except ApiError as error:
            log.warning("%s", error)
            stopping.wait(AGAIN_S)
        except Exception:
            log.exception(fault)
            stopping.wait(AGAIN_S)
