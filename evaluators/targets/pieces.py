"""What comes in pieces of bytes, as lines and as server-sent events."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from evaluators.targets.answer import TargetError

_ENDS = re.compile(rb"\r\n|\n|\r")
_STEP = 1 << 16  # bytes that are inflated at once: a limit of bytes holds however far they inflate


class Lines:
    """The lines of pieces. A line may come in any number of them."""

    def __init__(self) -> None:
        self._open: list[bytes] = []  # of the line that has no end yet
        self._return = b""  # a carriage return that ended a piece: a newline may follow

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that the piece ends, without their ends."""
        whole = self._return + piece
        self._return = b"\r" if whole.endswith(b"\r") else b""
        *ended, left = _ENDS.split(whole.removesuffix(b"\r") if self._return else whole)
        if not ended:
            self._open.append(left)
            return []
        ended[0] = b"".join([*self._open, ended[0]])
        self._open = [left]
        return ended

    def rest(self) -> bytes:
        """What stands behind the last end of a line."""
        return b"".join(self._open)


class TextLines:
    """Lines as texts."""

    def __init__(self) -> None:
        self._lines = Lines()

    def feed(self, piece: bytes) -> list[str]:
        """The lines that the piece ends."""
        return [line.decode("utf-8", "replace") for line in self._lines.feed(piece)]

    def rest(self) -> list[str]:
        """A last line without an end."""
        left = self._lines.rest().decode("utf-8", "replace")
        return [left] if left else []


class Events:
    """The data of server-sent events (WHATWG HTML, 9.2.6); names, ids and comments are left out."""

    def __init__(self) -> None:
        self._lines, self._data = Lines(), list[str]()

    def feed(self, piece: bytes) -> list[str]:
        """The data of the events that the piece ends."""
        return [data for line in self._lines.feed(piece) if (data := self._line(line)) is not None]

    def rest(self) -> list[str]:
        """The data of an event that the stream's end ends: servers leave out the last blank line."""
        self._line(self._lines.rest())
        data = self._line(b"")
        return [] if data is None else [data]

    def _line(self, line: bytes) -> str | None:
        if not line:
            data, self._data = self._data, []
            return "\n".join(data) if data else None
        name, _, value = line.decode("utf-8", "replace").removeprefix("\ufeff").partition(":")
        if name == "data":
            self._data.append(value.removeprefix(" "))
        return None


class Inflating:
    """Undoes the encoding of a body, in steps that are small whatever it holds."""

    def __init__(self, encoding: str) -> None:
        """Raises TargetError: it is an encoding that nobody asked for."""
        self._how = None
        if encoding in {"gzip", "x-gzip", "deflate"}:
            self._how = zlib.decompressobj(wbits=47)  # either header
        elif encoding not in {"", "identity"}:
            raise TargetError("bad_answer", f"The body is encoded as {encoding[:40]!r}, which was not asked for.")

    def steps(self, piece: bytes) -> Iterator[bytes]:
        """The piece as it was. Raises TargetError: it is not of its encoding."""
        if self._how is None:
            yield piece
            return
        try:
            while piece:
                yield self._how.decompress(piece, _STEP)
                piece = self._how.unconsumed_tail
        except zlib.error as error:
            raise TargetError("bad_answer", f"The body is not of its encoding: {error}.") from error

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self._how is None or self._how.eof
