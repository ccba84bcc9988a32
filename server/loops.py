"""Loops of the server: turns that come again and again, each loop in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time

from collectors.errors import UnavailableError
from store.errors import QueryTimeoutError, StoreBusyError

LOG = logging.getLogger(__name__)
PASSING = (StoreBusyError, QueryTimeoutError, UnavailableError)
"""What is over by itself: nothing is lost, and the next turn does it."""


class Loop:
    """Takes turns until it is stopped. A turn that fails is told, and the next one comes all the same."""

    def __init__(self, name: str, work: str, rest_s: float) -> None:
        """Does nothing until `start`.

        Args:
            name: of the thread.
            work: what a turn is called in the log.
            rest_s: before the first turn.
        """
        self._name, self._work, self._rest_s = name, work, rest_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """End after the turn that runs."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        rest = self._rest_s
        while not self._stop.wait(rest):
            began, more = time.monotonic(), False
            try:
                more = self.take()
            except PASSING as error:
                LOG.info("%s waits: %s", self._work, error)
            except Exception:
                LOG.exception("%s failed and is repeated", self._work)
            rest = self.rest(time.monotonic() - began, more=more)

    def take(self) -> bool:
        """One turn; whether more waits.

        Raises:
            StoreBusyError, QueryTimeoutError, UnavailableError: nothing is lost, try again.
        """
        raise NotImplementedError

    def rest(self, took_s: float, *, more: bool) -> float:
        """Seconds until the next turn, after one that took so long."""
        raise NotImplementedError
