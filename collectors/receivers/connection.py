"""uvicorn's HTTP/1.1 connection, with an end to every wait for its sender."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """Closed when its sender owes something for too long; uvicorn itself ends nothing but the wait after an answer.

    Without an answer, as half a head names no encoding for one, and exporters try again after a broken connection.
    A body that is wanted is its reader's to wait for: see `http.py`.
    """

    head_s = 15.0  # from the first byte of a request to the end of its headers
    # For the rest of a body after it was refused. To cut it at once would break the connection of a sender that is
    # still writing, and it would send again in place of reading the answer.
    rest_s = 30.0

    _owed: tuple[str, float] | None = None
    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._see_what_is_owed()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._see_what_is_owed()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._see_what_is_owed()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._expect(None)

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:  # an answer went out before the body turned out to be malformed; h11 raises at a second one
            self.transport.close()

    def _see_what_is_owed(self) -> None:
        owed = None if self.transport.is_closing() else self._owing()
        if owed != self._owed:
            self._expect(owed)

    def _owing(self) -> tuple[str, float] | None:
        """What the sender owes, and for how many seconds; null while it is our turn."""
        if self.conn.their_state is h11.IDLE:
            if self.conn.trailing_data[0]:
                return ("headers", self.head_s)
            # After an answer, and only there, uvicorn has its own clock running.
            return None if self.timeout_keep_alive_task else ("request", self.timeout_keep_alive)
        if self.conn.their_state is h11.SEND_BODY and self.cycle.response_complete:
            return ("rest", self.rest_s)
        return None

    def _expect(self, owed: tuple[str, float] | None) -> None:
        if self._clock is not None:
            self._clock.cancel()
        self._owed, self._clock = owed, None
        if owed is not None:
            self._clock = self.loop.call_later(owed[1], self.timeout_keep_alive_handler)
