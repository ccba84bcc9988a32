"""The loop that keeps `span_derived`, `trace_summaries`, `calls` and `call_sums` true: commits in, resolved traces out.

How far it has come is written in the same transaction as the rows of a pass, so that a crash at any point only makes it
repeat work, with the same result. Sums of calls are made here too, since nobody else writes `calls`: what is read for
them under the lock is still so when they are written.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from collectors.normalising.options import DEFAULT_OPTIONS, NormaliserOptions
from server.resolving import Bench, slices
from store import call_sums
from store import resolved as store
from store.errors import QueryTimeoutError, StoreBusyError, StoreFullError
from store.readers import ReaderPool
from store.writer import Writer, last_commit_seq

LOG = logging.getLogger(__name__)

PASS_ROWS = 20_000  # new spans and logs a pass; at ten million stored spans a pass takes 0.1 to 0.3 s
SLICE_TRACES = 2_000  # traces a write
POLL_S = 0.25
# A pass is followed by a rest this many times as long: ingest and pages come first, and a pass costs 40 ms of CPU
# however little is new. Measured at 15,000 spans/s: a tenth of one core, a lag of less than a second.
REST_FACTOR = 8.0
REST_S = (0.2, 1.0)  # shortest and longest rest
READ_TIMEOUT_S = 120.0
QUIET = timedelta(seconds=60)  # from the first change of a quarter's calls till they are summed again
SUMS_S = 5.0  # between looks for quarters to sum
FAULT_S = 300.0  # after a fault of it
RETRY_S = 1.0
PASSING = (StoreBusyError, QueryTimeoutError)


class Resolver:
    """Resolves the traces of new commits in a thread of its own."""

    def __init__(self, readers: ReaderPool, writer: Writer, options: NormaliserOptions = DEFAULT_OPTIONS) -> None:
        """Does nothing until `start`; `run_once` works without it. `options`: how logs are read."""
        self._readers = readers
        self._writer = writer
        self._bench = Bench(options)
        self._state = threading.Condition()
        self._work = threading.Lock()  # one pass at a time
        self._stopping = False
        self._waiting = 0  # callers of settle
        self._resolved_seq = -1  # unknown
        self._behind = False  # the last pass was cut at its bound
        self._look_again = 0.0  # when quarters to sum are looked for, on the monotonic clock
        self.fault: StoreBusyError | QueryTimeoutError | None = None  # why the last pass has to be repeated
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the loop."""
        self._thread = threading.Thread(target=self._run, name="resolver", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """End the loop after the pass that runs; what is left is done after the next start."""
        with self._state:
            self._stopping = True
            self._state.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
        self._bench.close()

    def settle(self, timeout_s: float = 10.0) -> bool:
        """Wait until everything committed before the call is resolved.

        False when the time is over, and at once when the disk does not take what a pass writes; `fault` says more.
        """
        with self._readers.read() as con:
            target = last_commit_seq(con)
        with self._state:
            self._waiting += 1
            self._state.notify_all()
            try:
                self._state.wait_for(lambda: self._resolved_seq >= target or self._is_stuck(), timeout_s)
                return self._resolved_seq >= target
            finally:
                self._waiting -= 1

    def _is_stuck(self) -> bool:
        return self._stopping or isinstance(self.fault, StoreFullError)

    def resolve_all(self) -> None:
        """Start over from the first commit, as after a change of the rules; `settle` waits for the end."""
        with self._work:
            self._writer.call(lambda con: store.set_resolved_seq(con, 0)).result()
            self._note(0)

    def run_once(self) -> bool:
        """One pass; false when there was nothing to do.

        Raises:
            StoreBusyError, QueryTimeoutError: nothing is lost, try again.
        """
        with self._work:
            return self._pass()

    def sum_calls(self, quiet: timedelta = QUIET) -> bool:
        """Sum the calls of the earliest quarters of an hour that are stale for so long; false when there are none.

        Raises:
            StoreBusyError, QueryTimeoutError: nothing is lost, try again.
        """
        with self._work:
            with self._readers.read(READ_TIMEOUT_S) as con:
                due = call_sums.stale_quarters(con, quiet)
                if due is None:
                    return False
                sums = call_sums.sum_calls(con, *due)
            self._writer.call(lambda con: call_sums.write_call_sums(con, *due, sums), reserve=True).result()
        return True

    def resolve_again(self, project_id: int, traces: Sequence[str], repricing_id: int) -> None:
        """Resolve stored traces once more, by the prices of now; the costs that give way are kept under the number.

        Raises:
            StoreBusyError, QueryTimeoutError: nothing is lost, try again.
        """
        with self._work:
            with self._readers.read(READ_TIMEOUT_S) as con:
                done = list(self._resolve(con, project_id, traces))

            def work(writing: Any) -> None:
                for one in done:
                    store.write_resolved(writing, one, repricing_id)

            self._writer.call(work).result()

    def _pass(self) -> bool:
        with self._readers.read(READ_TIMEOUT_S) as con:
            after = store.resolved_seq(con)
            upto = store.resolver_range(con, after, PASS_ROWS)
            self._behind = upto is not None and upto < last_commit_seq(con)
            if upto is None or upto <= after:
                self._note(after)
                return False
            parts = slices(store.resolver_traces(con, after, upto), SLICE_TRACES)
            done = [one for project_id, traces in parts for one in self._resolve(con, project_id, traces)]
        self._write(done, upto)
        return True

    def _resolve(self, con: Any, project_id: int, traces: Sequence[str]) -> Iterator[store.Resolved]:
        """Resolve; a trace that cannot be resolved is found by halving, logged, and summed up as it is."""
        try:
            yield self._bench.work(con, project_id, traces)
        except PASSING:
            raise
        except Exception:
            if len(traces) > 1:
                for half in (traces[: len(traces) // 2], traces[len(traces) // 2 :]):
                    yield from self._resolve(con, project_id, half)
                return
            LOG.exception(
                "trace %s of project %d cannot be resolved; its spans count as they are", traces[0], project_id
            )
            yield from self._summarised(con, project_id, traces)

    def _summarised(self, con: Any, project_id: int, traces: Sequence[str]) -> Iterator[store.Resolved]:
        """A trace without any rule, or nothing: one trace must not keep all others from being resolved."""
        try:
            yield self._bench.summarise_alone(con, project_id, traces)
        except PASSING:
            raise
        except Exception:
            LOG.exception("trace %s of project %d cannot be summed up; it is left out of totals", traces[0], project_id)

    def _write(self, done: Sequence[store.Resolved], upto: int) -> None:
        def work(writing: Any) -> None:
            for one in done:
                store.write_resolved(writing, one)
            store.set_resolved_seq(writing, upto)

        # A few hundred bytes a trace, and none once ingest is refused: totals are worth the room that is kept free.
        self._writer.call(work, reserve=True).result()
        self._note(upto)

    def _note(self, resolved_seq: int) -> None:
        with self._state:
            self._resolved_seq, self.fault = resolved_seq, None
            self._state.notify_all()

    def _note_fault(self, error: StoreBusyError | QueryTimeoutError) -> None:
        if self.fault is None:  # once, not every second as long as the disk is full
            LOG.warning("resolving waits: %s", error)
        with self._state:
            self.fault = error
            self._state.notify_all()

    # The thread.

    def _run(self) -> None:
        while not self._stopping:
            began = time.monotonic()
            try:
                worked = self._turn()
            except PASSING as error:
                self._note_fault(error)
                self._pause(RETRY_S, urgent=False)
            except Exception:
                LOG.exception("a pass of the resolver failed and is repeated")
                self._pause(RETRY_S, urgent=False)
            else:
                self._pause(self._rest(time.monotonic() - began) if worked else POLL_S)

    def _turn(self) -> bool:
        worked = self._is_due() and self.run_once()
        if time.monotonic() >= self._look_again and not self._waiting:
            self._look_again = time.monotonic() + SUMS_S
            summed = self._summed()
            self._look_again = 0.0 if summed else self._look_again
            return worked or summed
        return worked

    def _is_due(self) -> bool:
        """Whether there may be something to resolve. To ask the store costs 7 ms, four times a second when idle."""
        return self.fault is not None or not 0 <= self._writer.commit_seq <= self._resolved_seq

    def _summed(self) -> bool:
        """Whether something was summed; a fault of it must not hold up what resolves."""
        try:
            return self.sum_calls()
        except PASSING:
            raise
        except Exception:
            LOG.exception("calls cannot be summed; their quarters are read call by call")
            self._look_again = time.monotonic() + FAULT_S
            return False

    def _rest(self, took_s: float) -> float:
        """How long to leave the machine to others: not at all when somebody waits, shortly to catch up when idle."""
        if self._waiting:
            return 0.0
        if self._behind and not self._writer.state().queued_requests:
            return took_s
        return min(max(REST_FACTOR * took_s, REST_S[0]), REST_S[1])

    def _pause(self, seconds: float, *, urgent: bool = True) -> None:
        """Wait; a caller of `settle` ends an urgent wait."""
        with self._state:
            if self._stopping or (urgent and self._waiting):
                return
            if urgent:
                self._state.wait(seconds)
            else:
                self._state.wait_for(lambda: self._stopping, seconds)
