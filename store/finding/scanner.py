"""Reads a line piece by piece; the grammar says which piece may stand where."""

from __future__ import annotations

from dataclasses import dataclass

from store.finding.errors import AskedError

OPERATORS = ("!=", ">=", "<=", ":", "=", ">", "<")
_GROUPING = "(){}"
_END_OF_NAME = frozenset('"' + _GROUPING)
_END_OF_VALUE = frozenset('",' + _GROUPING)


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, or a text in quotes."""

    text: str
    at: int
    end: int
    quoted: bool = False
    stretches: tuple[str, ...] = ()  # of a value with stars out of quotes: what stands between them


class Scanner:
    """A place in a line, which only moves on."""

    def __init__(self, line: str) -> None:
        self.line, self.at = line, 0

    def skip(self) -> None:
        """Go to the next character that is no blank."""
        while self.at < len(self.line) and self.line[self.at].isspace():
            self.at += 1

    @property
    def here(self) -> str:
        """The next character; '' at the end."""
        return self.line[self.at : self.at + 1]

    def take(self, text: str) -> bool:
        """Go past the text if it stands here."""
        found = self.line.startswith(text, self.at)
        self.at += len(text) if found else 0
        return found

    def operator(self) -> str | None:
        """Go past an operator."""
        return next((one for one in OPERATORS if self.take(one)), None)

    def ahead(self) -> str:
        """The word that stands here, in small letters, without going there."""
        return self.line[self.at : self._end(_END_OF_NAME, names=True)].lower()

    def name(self) -> Piece:
        """A word up to a blank, an operator, a quote or a bracket. A name that ends in a dot goes on in quotes."""
        begun = self.at
        self.at = self._end(_END_OF_NAME, names=True)
        text = self.line[begun : self.at]
        if text.endswith(".") and self.here == '"':
            text += self.quoted().text
        return Piece(text, begun, self.at)

    def value(self) -> Piece:
        """A value: in quotes, or up to a blank, a comma or a bracket; empty: none stands here.

        A star may stand before and after quotes: `*"rate limit"*`.

        Raises:
            AskedError: quotes have no end.
        """
        begun, told, quoted = self.at, [""], False
        while True:
            if self.here == '"':
                told[-1] += self.quoted().text
                quoted, more = True, self.here == "*"
            else:
                part = self._plain()
                first, *after = part.split("*")
                told = [*told[:-1], told[-1] + first, *after]
                more = self.here == '"' and part.endswith("*")
            if not more:
                return Piece("*".join(told), begun, self.at, quoted, tuple(told) if len(told) > 1 else ())

    def _plain(self) -> str:
        begun, self.at = self.at, self._end(_END_OF_VALUE, names=False)
        return self.line[begun : self.at]

    def quoted(self) -> Piece:
        r"""A text in quotes, in which `\"` is a quote and `\\` a backslash.

        Raises:
            AskedError: it has no end.
        """
        begun, told = self.at, []
        self.at += 1
        while self.here and self.here != '"':
            if self.here == "\\" and self.line[self.at + 1 : self.at + 2] in {'"', "\\"}:
                self.at += 1
            told.append(self.here)
            self.at += 1
        if not self.take('"'):
            message = 'The text in quotes has no end. Close it by another " or write \\" for a quote within.'
            raise AskedError(message, begun, len(self.line) - begun)
        return Piece("".join(told), begun, self.at, quoted=True)

    def _end(self, stops: frozenset[str], *, names: bool) -> int:
        at = self.at
        while at < len(self.line) and not self.line[at].isspace() and self.line[at] not in stops:
            if names and any(self.line.startswith(one, at) for one in OPERATORS):
                break
            at += 1
        return at
