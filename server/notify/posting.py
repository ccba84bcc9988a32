"""The process that sends messages: `python -m server.notify.posting`. A line of JSON for each order and each answer.

Every order is carried out in a process forked for it, which the kernel ends when its time is over, whatever hangs in
it: a name that is not resolved, an answer that comes a byte a second, a plug-in that sleeps. So no receiver holds up
another one, nothing is left behind, and the libraries are loaded once. Threads could not be ended so.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import selectors
import signal
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from server.notify import sealed, sending
from server.notify.sending import Order, Said

NICENESS = 5  # whoever sends spans goes first
GRACE_S = 0.5  # for a library's own limit, which says more than the end of the process
STDIN, STDOUT, STDERR = 0, 1, 2


@dataclass(slots=True)
class _Running:
    """One order in a process of its own."""

    order: Order
    pid: int
    began: float
    said: bytes = b""


class Host:
    """Takes orders and starts a process for each; ends with its input, so when the server ends, however that does."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._selector.register(STDIN, selectors.EVENT_READ)
        self._running: dict[int, _Running] = {}  # by what its process writes to
        self._typed = b""
        self._loaded: set[str] = set()

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fd == STDIN:
                    if not self._hear():
                        self._end()
                        return
                else:
                    self._listen(key.fd)

    def _hear(self) -> bool:
        """Start what was ordered; false: there will be no more."""
        told = os.read(STDIN, 1 << 20)
        *lines, self._typed = (self._typed + told).split(b"\n")
        for line in lines:
            self._start(json.loads(line))
        return bool(told)

    def _start(self, order: Order) -> None:
        self._load(order["kind"])
        ours, theirs = os.pipe()
        began, pid = time.monotonic(), os.fork()
        if pid == 0:
            _carry_out(order, theirs)
        os.close(theirs)
        self._running[ours] = _Running(order, pid, began)
        self._selector.register(ours, selectors.EVENT_READ)

    def _load(self, kind: str) -> None:
        """What the processes share: loaded here, once."""
        if kind in self._loaded:
            return
        if kind == "apprise":
            sending.prepare_apprise()
        else:
            sending.prepare_webhooks()
        self._loaded.add(kind)
        gc.collect()
        gc.freeze()

    def _listen(self, fd: int) -> None:
        running = self._running[fd]
        if told := os.read(fd, 1 << 16):
            running.said += told
            return
        self._selector.unregister(fd)
        os.close(fd)
        del self._running[fd]
        _, status = os.waitpid(running.pid, 0)
        _tell(
            {
                "id": running.order["id"],
                "took_ms": 1e3 * (time.monotonic() - running.began),
                **_outcome(running, status),
            }
        )

    def _end(self) -> None:
        for running in self._running.values():
            os.kill(running.pid, signal.SIGKILL)


def _outcome(running: _Running, status: int) -> Said:
    """What the process said, or what its end says."""
    try:
        return dict(json.loads(running.said))
    except ValueError:
        pass
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        return sending.timed_out(running.order["limit_s"])
    return {"outcome": "failed", "detail": f"The process that was to send it ended without a word (status {status})."}


def _tell(said: Said) -> None:
    left = memoryview(json.dumps(said).encode() + b"\n")
    while left:
        left = left[os.write(STDOUT, left) :]


# In the process of one order.


def _carry_out(order: Order, theirs: int) -> None:
    """Never returns."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, order["limit_s"] + GRACE_S)
        _silence()
        sealed.seal(Path(order["data_dir"]), metadata=order["metadata"])
        said = sending.check(order) if order["work"] == "check" else sending.WORK[order["kind"]](order)
        os.write(theirs, json.dumps(said).encode())
    except BaseException as error:  # noqa: BLE001 - nothing of it may be told but its kind: the rest may hold the address
        os.write(
            theirs, json.dumps({"outcome": "failed", "detail": f"Sending failed with {type(error).__name__}."}).encode()
        )
    finally:
        os._exit(0)


def _silence() -> None:
    """Whatever a library prints may hold an address."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (STDIN, STDOUT, STDERR):
        os.dup2(nothing, stream)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the server, which drains and then closes our input
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    logging.getLogger().addHandler(logging.NullHandler())  # else warnings of libraries go to the server's log
    warnings.simplefilter("ignore")
    Host().run()


if __name__ == "__main__":
    main()
